# shellcheck shell=bash
# faults.sh: breaks what Guichet stands on, again and again, while a sender insists, and then counts. For
# tests/e2e/80-faults.t and, with more events, tools/faults; source tests/e2e/lib.sh first.
#
#   FAULTS                     one a line: name, deployment, connections, what happens
#   try_fault NAME DEPLOYMENT CONNECTIONS EVENTS SECONDS
#                              deploys where it is not deployed yet, sends so many events in about so many
#                              seconds while break_NAME is called over and over; sets R, an array by the
#                              names that retry and check print, and R[broken], how often it was broken
#
# The store is a Redis of its own with the settings that README.md asks for, or several. break_NAME breaks
# once and mends; it calls `back` in the moment when the store is itself again. `store` is redis-cli on the
# store that was used last.

# shellcheck disable=SC2034 # for who sources this
FAULTS=$(sed 's/ *#.*//; /^ *$/d' << 'LIST'
responder_killed  lighttpd-socket  64   # kill -9 of guichet.fcgi
redis_killed      lighttpd-socket  64   # kill -9 of redis-server, started again on its files
redis_stopped     lighttpd-socket  128  # SIGSTOP for 3 s, SIGCONT
redis_slow        lighttpd-socket  64   # each second it does nothing for 0.8 s
redis_full        lighttpd-socket  64   # maxmemory reached for 1 s
disk_full         lighttpd-socket  64   # its file can grow no more; it exits and is started again
redis_read_only   lighttpd-socket  64   # a replica of nobody for 1 s
redis_loading     lighttpd-socket  64   # kill -9, then a start that takes its time over its file
command_denied    lighttpd-socket  64   # one command of the script after the other withdrawn for 0.4 s
script_flushed    lighttpd-socket  64   # SCRIPT FLUSH fifty times a second
clients_killed    lighttpd-socket  64   # CLIENT KILL of all connections twenty times a second
lighttpd_killed   lighttpd-socket  64   # kill -9, started again
lighttpd_reloaded lighttpd-socket  64   # SIGUSR1
line_cut          lighttpd-socket  64   # a line to Redis that breaks before, amid and behind commands
redis_spooled     lighttpd-socket  128  # SIGSTOP for 3 s, while there is a spool
sentinel_failover lighttpd-socket  64   # kill -9 of a master with two replicas, min_replicas = 1
slot_moved        lighttpd-socket  64   # the provider's slot moves to another node of a cluster
apache_killed     apache-proxy     32   # kill -9 of all its processes, started again
apache_reloaded   apache-proxy     32   # SIGUSR1 (graceful)
fcgid_reloaded    apache-fcgid     16   # SIGUSR1 every 4 s: ends all processes of guichet.fcgi
fcgid_killed      apache-fcgid     16   # kill -9 of one process of guichet.fcgi
nginx_reloaded    nginx            64   # SIGHUP
LIST
)

RETRY=${RETRY:-$TOP/build/tests/load/retry}
[ -x "$RETRY" ] || bail_out "$RETRY is not there: make unit"
cp "$RETRY" "$TOP/tests/load/hold" "$TOP/tests/load/sever" "$E2E/bin"
mkdir "$E2E/store" && give "$E2E/bin" "$E2E/store"

# --- the store ----------------------------------------------------------------------------------------

# shellcheck source-path=SCRIPTDIR source=nodes.sh
. "$TOP/tests/load/nodes.sh"

store() { redis-cli -s "$STORE_SOCKET" "$@"; }

# A file that may not grow is an error of write(2) only for one that ignores the signal.
trap '' XFSZ

# start_store SETTING...
start_store() {
    start "$E2E/store/log" redis-server --port 0 --unixsocket "$E2E/store/sock" \
        --unixsocketperm 700 --dir "$E2E/store" --save "" --appendonly yes --appendfsync always \
        --no-appendfsync-on-rewrite no --maxmemory-policy noeviction --enable-debug-command local "$@"
    STORE_PID=$STARTED
}

# Until it answers as itself. Loading takes longer than what else is waited for.
store_is_back() {
    local i
    for ((i = 0; i < 3000; i++)); do
        [ "$(store PING 2> /dev/null)" != PONG ] || return
        kill -0 "$STORE_PID" 2> /dev/null || start_store
        sleep 0.02
    done
    bail_out "Redis does not come back: $(tail -n 3 "$E2E/store/log")"
}

stop_store() {
    stop "${STORE_PID:-}"
    STORE_PID=
    stop_nodes
}

# An empty one for that fault; sets STORE_SOCKET, STORE_ADDRESS and STORE_LINES, what it takes in the
# configuration beside the address.
choose_store() {
    stop_nodes
    STORE_SOCKET=$E2E/store/sock
    STORE_ADDRESS=unix://$STORE_SOCKET
    STORE_LINES=()
    SPOOL=
    if [ "$1" = redis_spooled ]; then
        SPOOL=$E2E/store/spool
        STORE_LINES=('server.when_store_down = spool' "server.spool_dir = $SPOOL")
    fi
    case $1 in
        sentinel_failover) start_shop ;;
        slot_moved) start_cluster ;;
        *)
            [ -n "${STORE_PID:-}" ] || start_store
            store_is_back
            store FLUSHALL > /dev/null
            store BGREWRITEAOF > /dev/null
            ;;
    esac
}

end_now() {
    kill -KILL "$1" 2> /dev/null
    wait "$1" 2> /dev/null
}

# --- the deployments -----------------------------------------------------------------------------------

# In place of the library's: started again on the same socket whenever it ends.
start_responder() {
    start "$D/stderr.log" "$E2E/bin/hold" "$D/run/guichet.sock" "$D/run/pid" \
        "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf"
    SERVER_PIDS+=("$STARTED")
    wait_for "$STARTED" test -s "$D/run/pid" || bail_out "the program does not start"
}

# deploy_on DEPLOYMENT ADDRESS LINE...
deploy_on() {
    [ "${DEPLOYED:-}" != "$*" ] || return 0
    deploy "$1" "server.store = $2" 'server.audit_log = off' 'provider dazno.rate_limit = none' \
        'provider dazno.audit_limit = 10000000' "${@:3}"
    DEPLOYED="$*"
}

# --- what breaks ----------------------------------------------------------------------------------------

# ms since 1970
clock_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# Then nothing breaks for a while, so that it can be seen how long the next answer takes.
back() {
    BACK+=("$(clock_ms)")
    sleep 1.2
}

break_responder_killed() {
    sleep 0.3
    kill -KILL "$(cat "$D/run/pid")"
}

break_redis_killed() {
    sleep 0.3
    end_now "$STORE_PID"
    start_store
    store_is_back
    back
}

break_redis_stopped() {
    sleep 0.3
    kill -STOP "$STORE_PID"
    sleep 3
    kill -CONT "$STORE_PID"
    back
}

break_redis_spooled() { break_redis_stopped; }

nothing_is_spooled() { [ -z "$SPOOL" ] || [ -z "$(find "$SPOOL" -name '????????????????-*' -print -quit)" ]; }

break_redis_slow() {
    sleep 0.2
    store DEBUG SLEEP 0.8 > /dev/null
}

break_redis_full() {
    sleep 0.3
    store CONFIG SET maxmemory 1 > /dev/null
    sleep 1
    store CONFIG SET maxmemory 0 > /dev/null
    back
}

break_disk_full() {
    local size i
    sleep 0.3
    size=$(cat "$E2E"/store/appendonlydir/*.incr.aof | wc -c)
    setpriv "${AS_USER[@]}" -- prlimit --pid "$STORE_PID" --fsize=$((size + 20000)): ||
        bail_out "no limit can be set to the file"
    for ((i = 0; i < 100; i++)); do
        kill -0 "$STORE_PID" 2> /dev/null || break
        sleep 0.05
    done
    end_now "$STORE_PID"
    start_store
    store_is_back
    back
}

break_redis_read_only() {
    sleep 0.3
    store REPLICAOF 127.0.0.1 1 > /dev/null
    sleep 1
    store REPLICAOF NO ONE > /dev/null
    back
}

# An event is some twelve commands in the file, and the shortest sleep some 60 us.
break_redis_loading() {
    sleep 0.3
    end_now "$STORE_PID"
    start_store --key-load-delay 20
    store_is_back
    back
}

break_command_denied() {
    local commands=(hset set rpush xadd evalsha time get hget hlen) command
    command=${commands[R[broken] % ${#commands[@]}]}
    store ACL SETUSER default "-$command" > /dev/null
    sleep 0.4
    store ACL SETUSER default "+$command" > /dev/null
    back
}

break_script_flushed() {
    store SCRIPT FLUSH > /dev/null
    sleep 0.02
}

break_clients_killed() {
    store CLIENT KILL TYPE normal > /dev/null
    sleep 0.05
}

break_line_cut() { sleep 0.5; } # tests/load/sever breaks it

break_sentinel_failover() {
    sleep 0.3
    master_dies
    back
    master_returns
}

break_slot_moved() {
    sleep 0.5
    slot_moves
    back
}

break_lighttpd_killed() {
    sleep 0.7
    end_now "${SERVER_PIDS[0]}"
    start_lighttpd
    SERVER_PIDS[0]=$STARTED
}

break_lighttpd_reloaded() {
    sleep 0.5
    kill -USR1 "${SERVER_PIDS[0]}"
}

# Its children go on listening without their parent.
break_apache_killed() {
    local pids
    sleep 0.7
    mapfile -t pids < <(pgrep -f -- "apache2 -f $D/server.conf")
    kill -KILL "${pids[@]}"
    wait "${SERVER_PIDS[0]}" 2> /dev/null
    start_apache
    SERVER_PIDS[0]=$STARTED
    wait_for "$STARTED" curl -sf -m 5 -o /dev/null "$URL/api/health"
}

break_apache_reloaded() {
    sleep 1
    kill -USR1 "${SERVER_PIDS[0]}"
}

# mod_fcgid takes seconds to start its processes again; reloaded each second it would serve nobody.
break_fcgid_reloaded() {
    sleep 4
    kill -USR1 "${SERVER_PIDS[0]}"
}

break_fcgid_killed() {
    local pids
    sleep 0.3
    mapfile -t pids < <(programs)
    [ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[RANDOM % ${#pids[@]}]}"
}

break_nginx_reloaded() {
    sleep 0.5
    kill -HUP "${SERVER_PIDS[0]}"
}

# --- one fault ------------------------------------------------------------------------------------------

sender_is_there() { kill -0 "$SENDER" 2> /dev/null; }

# Runs `COMMAND` and keeps what it prints in R.
collect() {
    local name value
    while read -r name value; do R[$name]=$value; done < <("$@")
}

# own_time < METRICS: how many answers Guichet itself was longer at than `deadline` and half a second
own_time() {
    awk '/^guichet_request_duration_seconds_bucket{provider="dazno",le="2.5"}/ { within = $2 }
        /^guichet_request_duration_seconds_count{provider="dazno"}/ { all = $2 }
        END { print "overdue", all == "" ? "unknown" : all - within }'
}

# shellcheck disable=SC2034 # R is the result
try_fault() {
    local name=$1 deployment=$2 connections=$3 events=$4 seconds=$5 line=
    declare -gA R=([broken]=0)
    BACK=()
    choose_store "$name"
    if [ "$name" = line_cut ]; then
        start "$E2E/store/cut.log" "$E2E/bin/sever" "$E2E/store/cut" "$STORE_SOCKET" 30
        line=$STARTED
        wait_for "$line" test -S "$E2E/store/cut" || bail_out "no line to Redis"
        STORE_ADDRESS=unix://$E2E/store/cut
    fi
    deploy_on "$deployment" "$STORE_ADDRESS" "${STORE_LINES[@]}"
    [ -z "$line" ] || kill -USR1 "$line"
    setpriv --pdeathsig TERM -- "$E2E/bin/retry" ${SPOOL:+-s} -c "$connections" -r $((events / seconds)) -t 240 \
        "$PORT" "$events" "$name" "$E2E/keys/t4g_api_key" "$E2E/keys/t4g_webhook_secret" \
        "$E2E/answers" > "$E2E/told" 2> "$E2E/wrong" &
    SENDER=$!
    while sender_is_there; do
        "break_$name"
        R[broken]=$((R[broken] + 1))
    done
    wait "$SENDER"
    wait_for $$ nothing_is_spooled
    [ "$name" != sentinel_failover ] || STORE_SOCKET=$E2E/$(find_master)/sock
    collect cat "$E2E/told"
    collect "$TOP/tests/load/check" "$STORE_SOCKET" 0 "$events" "$name" "$E2E/answers" "${BACK[@]}" \
        2>> "$E2E/wrong"
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    collect own_time <<< "$ANSWER"
    if [ -n "$line" ]; then
        undeploy
        DEPLOYED=
        stop "$line"
    fi
}
