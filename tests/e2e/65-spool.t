#!/usr/bin/env bash
# The hour without Redis: what is acknowledged from the spool is stored exactly once when Redis is back,
# whatever is killed in between. Judged by what lies in Redis afterwards.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly DAZNO='guichet:{dazno}'
STORE=$E2E/durable # a Redis that keeps what it said over a kill

if [ "$(stat -f -c %T "$E2E")" = tmpfs ]; then
    note "the temporary folder lies in memory, where there is no spool: set TMPDIR"
    ok 0 "skipped # SKIP"
    done_testing
fi

cp "$TOP/build/guichet" "$TOP/tests/load/hold" "$TOP/tests/e2e/cut" "$TOP/tests/e2e/insist" "$E2E/bin"
mkdir "$STORE"
give "$E2E/bin" "$STORE"

redis() { redis-cli -s "$STORE/sock" -n "${DATABASE:-0}" "$@" 2> /dev/null; }

store_up() {
    start "$STORE/log" redis-server --port 0 --unixsocket "$STORE/sock" --unixsocketperm 700 \
        --dir "$STORE" --save "" --appendonly yes --appendfsync always --maxmemory-policy noeviction
    STORE_PID=$STARTED
    wait_for "$STORE_PID" bash -c "redis-cli -s '$STORE/sock' PING | grep -q PONG" ||
        bail_out "Redis does not start: $(tail -n 3 "$STORE/log")"
}

store_killed() {
    kill -KILL "$STORE_PID"
    wait "$STORE_PID" 2> /dev/null
}

# In place of the library's: a holder of the socket that starts the program again when it ends.
start_responder() {
    start "$D/stderr.log" "$E2E/bin/hold" "$D/run/guichet.sock" "$D/run/pid" \
        "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf"
    SERVER_PIDS+=("$STARTED")
    wait_for "$STARTED" test -s "$D/run/pid" || bail_out "the program does not start"
}

# spooling NAME [LINE...]: deploys it with a spool
spooling() {
    local name=$1 db=$((DATABASE + 1))
    shift
    SPOOL=$E2E/$name-$db/spool
    deploy "$name" 'server.when_store_down = spool' "server.spool_dir = $SPOOL" \
        'provider dazno.rate_limit = none' "server.store = unix://${LINE_TO_STORE:-$STORE/sock}?db=$db" "$@"
}

waiting() { find "$SPOOL" -name '????????????????-*' | wc -l; }
nothing_waits() { [ "$(waiting)" -eq 0 ]; }
eventually() { wait_for $$ "$@"; }
user() { redis HGET "$DAZNO:user:$1" "$2"; }
entries() { redis XLEN "$DAZNO:events"; }
metric() {
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    sed -n "s/^$1 //p" <<< "$ANSWER"
}

# payment FILE ID USER MSAT
payment() {
    event "$1" "$2" lightning.payment_received \
        "\"user_id\":\"$3\",\"amount_msat\":$4,\"payment_hash\":\"hash-$2\""
}

# each_once USER N NAME: the N payments of `insist` are there, once each
each_once() {
    is "$(user "$1" received_count) $(user "$1" received_msat) $(redis LLEN "$DAZNO:payments:$1")" \
        "$2 $(($2 * ($2 + 1) / 2)) $2" "$3"
}

insist() { "$E2E/bin/insist" "$PORT" "$E2E/keys/t4g_api_key" "$E2E/keys/t4g_webhook_secret" "$@"; }

body=$E2E/body

# --- Redis killed under load, and back ------------------------------------------------------------------

store_up
spooling lighttpd-socket

redis_gone_under_load() {
    local n=2000 sender spooled
    insist lena "$n" 8 60 > "$E2E/insisted" &
    sender=$!
    eventually bash -c "[ \$(redis-cli -s '$STORE/sock' -n $DATABASE XLEN '$DAZNO:events') -ge 300 ]"
    store_killed
    eventually bash -c "[ \$(find '$SPOOL' -name '????????????????-*' | wc -l) -ge 300 ]"
    store_up
    wait "$sender"
    is $? 0 "every event is acknowledged"
    note "$(cat "$E2E/insisted")"
    like "$(cat "$E2E/insisted")" "answered $n of $n, $n attempts, *" \
        "each at its first attempt: nothing but 200 and 202 was answered"
    spooled=$(sed 's/.* \([0-9]*\) spooled/\1/' "$E2E/insisted")
    [ "$spooled" -ge 300 ]
    ok $? "some of them from the spool"
    eventually nothing_waits
    is "$(waiting)" 0 "the spool is drained by the program itself"
    each_once lena "$n" "each took effect once"
    is "$(entries)" "$n" "each is handed on once"
    is "$(redis XLEN "$DAZNO:quarantine")" 0 "and nothing is in quarantine"
    is "$(metric 'guichet_webhooks_total{provider="dazno",event_type="lightning.payment_received",outcome="spooled"}')" \
        "$spooled" "they are counted as spooled"
}
redis_gone_under_load

# --- what is answered meanwhile --------------------------------------------------------------------------

answers_meanwhile() {
    store_killed
    payment "$body" w-1 walter 5
    send "$body"
    is "$STATUS $ANSWER" '202 {"received":true,"webhook_id":"w-1","spooled":true}' "an event is spooled"
    send "$body"
    is "$STATUS $ANSWER" '202 {"received":true,"webhook_id":"w-1","spooled":true}' \
        "a duplicate has the same answer"
    payment "$body" w-1 walter 6
    send "$body"
    is "$STATUS" 409 "another body under its id is a conflict"
    payment "$body" w-2 walter -1
    send "$body"
    is "$STATUS" 503 "what is not valid is to be sent again, for it cannot be kept as evidence"
    payment "$body" w-3 walter 7
    request /api/webhooks/dazno -H 'Content-Type: application/json' -H "x-api-key: $T4G_API_KEY" \
        -H "x-t4g-signature: sha256=$(signature "$body" wrong)" --data-binary "@$body"
    is "$STATUS" 401 "what is not authentic is refused"
    printf '{"base":{"id":"appA"},"webhook":{"id":"achA"},"timestamp":"2022-02-01T21:25:05.663Z"}' > "$body"
    request /webhooks/airtable/refresh -H 'Content-Type: application/json' --data-binary "@$body" \
        -H "X-Airtable-Content-MAC: hmac-sha256=$(airtable_signature "$body")"
    is "$STATUS $ANSWER" '200 ' "a ping of Airtable has its empty 200"
    request /api/health
    is "$STATUS" 503 "health tells that the store is away"
    is "$(metric guichet_spool_entries)" 3 "the depth is a metric"
    like "$(metric guichet_spool_oldest_seconds)" '[0-9]*.[0-9]*' "and the age"
    is "$(stat -c %a "$SPOOL") $(find "$SPOOL" -type f ! -perm 600)" '700 ' "nobody else may read it"
    store_up
    eventually nothing_waits
    is "$(user walter received_msat) $(user walter received_count)" '5 1' "the first of them takes effect"
    is "$(redis XREVRANGE "$DAZNO:quarantine" + - COUNT 1 | grep -A1 -x reason | tail -n 1)" conflict \
        "the other is in quarantine"
    is "$(redis HEXISTS 'guichet:{airtable}:dirty' achA)" 1 "the hook is marked"
    is "$(metric guichet_spool_entries)" 0 "nothing waits any more"
}
answers_meanwhile

# --- the program killed again and again -----------------------------------------------------------------

# kill_while MAX COMMAND...: kills the program until the command fails, at most so often, with pauses of up
# to 0.3 s, or 0.03 s where SHORTLY is set; sets KILLS
kill_while() {
    local max=$1
    shift
    KILLS=0
    while "$@" && [ "$KILLS" -lt "$max" ]; do
        kill -KILL "$(cat "$D/run/pid")" 2> /dev/null && KILLS=$((KILLS + 1))
        sleep "0.${SHORTLY:+0}$((RANDOM % 3))$((RANDOM % 10))"
    done
}

killed_while_spooling_and_draining() {
    local n=1200 sender
    store_killed
    insist kurt "$n" 8 60 > "$E2E/insisted" &
    sender=$!
    kill_while 15 kill -0 "$sender" 2> /dev/null
    wait "$sender"
    is $? 0 "without Redis and with a program that is killed $KILLS times every event is acknowledged"
    note "$(cat "$E2E/insisted")"
    like "$(cat "$E2E/insisted")" "*, $n spooled" "all from the spool"
    is "$(waiting)" "$n" "one entry for each, no matter how often it was sent"
    find "$SPOOL" -name 'new-*' | grep -q . && note "left behind by a kill: $(find "$SPOOL" -name 'new-*' | wc -l)"
    store_up
    SHORTLY=yes kill_while 15 bash -c "! find '$SPOOL' -name '????????????????-*' -exec false {} +"
    note "killed $KILLS times while it was drained"
    eventually nothing_waits
    is "$(waiting)" 0 "the spool is drained"
    each_once kurt "$n" "each took effect once"
    is "$(entries)" $((2000 + 1 + n)) "each is handed on once"
    is "$(find "$SPOOL" -name 'bad-*')" "" "no entry was damaged by a kill"
}
killed_while_spooling_and_draining
undeploy

# Killed in the very moment: Redis has committed what came from the spool, the program has not heard it.
killed_behind_the_commit() {
    local next=$E2E/lighttpd-socket-$((DATABASE + 1)) old
    start "$E2E/cut.log" "$E2E/bin/cut" "$E2E/cut" "$STORE/sock" "$E2E/arm" "$next/run/pid"
    LINE=$STARTED
    wait_for "$LINE" test -S "$E2E/cut" || bail_out "no line to Redis"
    LINE_TO_STORE=$E2E/cut spooling lighttpd-socket
    store_killed
    payment "$body" k-1 karl 90
    send "$body"
    is "$STATUS" 202 "an event is spooled"
    old=$(cat "$D/run/pid")
    echo '"k-1"' > "$E2E/arm"
    give "$E2E/arm"
    store_up
    eventually test ! -e "$E2E/arm"
    ok "$([ -e "$E2E/arm" ]; echo $((! $?)))" "the program is killed behind the commit"
    eventually bash -c "[ \"\$(cat '$D/run/pid')\" != $old ]"
    eventually nothing_waits
    is "$(waiting)" 0 "the next one drains the spool"
    is "$(user karl received_msat) $(user karl received_count) $(entries)" '90 1 1' "and it took effect once"
    send "$body"
    is "$STATUS $(header idempotent-replayed)" '200 true' "sent again, it is known"
    undeploy
    stop "$LINE"
}
killed_behind_the_commit

# --- a damaged entry ---------------------------------------------------------------------------------------

damaged() {
    local i victim
    spooling lighttpd-socket
    store_killed
    for i in 1 2 3; do
        payment "$body" "d-$i" dora "$i"
        send "$body"
    done
    victim=$(find "$SPOOL" -name '????????????????-*' | sort | sed -n 1p)
    truncate -s -1 "$victim"
    store_up
    eventually nothing_waits
    is "$(user dora received_msat) $(user dora received_count)" '5 2' "a damaged entry blocks nothing"
    is "$(basename "$(find "$SPOOL" -name 'bad-*')")" "bad-$(basename "$victim")" "it is set aside"
    like "$(cat "$D/guichet.log")" "*spool: *$(basename "$victim") is damaged*" "and the log tells so"
}
damaged

# --- a process for each request ----------------------------------------------------------------------------

one_request_at_a_time() {
    local i n=20
    spooling "$1"
    store_killed
    for ((i = 1; i <= n; i++)); do
        payment "$body" "p-$i" paul 1
        send "$body"
        [ "$STATUS" = 202 ] || break
    done
    is "$STATUS $(waiting)" "202 $n" "$1: $n events are spooled"
    store_up
    payment "$body" p-0 paul 1
    for ((i = 0; i < 50; i++)); do
        send "$body"
        nothing_waits && break
        sleep 0.1
    done
    is "$(waiting)" 0 "$1: a slice is drained after an answer"
    is "$(user paul received_msat) $(user paul received_count) $(entries)" "$((n + 1)) $((n + 1)) $((n + 1))" \
        "$1: each took effect once"
}
one_request_at_a_time apache-fcgid
one_request_at_a_time apache-cgid

# --- by the tool -------------------------------------------------------------------------------------------

# guichet VERB...: as the servers' user; results in VERDICT, SAID, COMPLAINT
guichet() {
    SAID=$(setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" "$@" --config "$D/guichet.conf" 2> "$E2E/complaint")
    VERDICT=$?
    COMPLAINT=$(cat "$E2E/complaint")
}

# big FILE ID MSAT: a payment of which no two fit into one batch
big() {
    event "$1" "$2" lightning.payment_received \
        "\"user_id\":\"quinn\",\"amount_msat\":$3,\"payment_hash\":\"hash-$2\",\"memo\":\"$(printf '%0600000d' 0)\""
}

stuck() {
    spooling lighttpd-socket 'provider dazno.quarantine_limit = 1'
    payment "$body" s-0 quinn -1
    send "$body"
    is "$STATUS" 400 "the quarantine is full"
    big "$body" s-1 1
    send "$body"
    is "$STATUS" 200 "an event is accepted"
    store_killed
    big "$body" s-1 2
    send "$body"
    is "$STATUS" 202 "one in conflict with it is spooled"
    big "$body" s-2 3
    send "$body"
    is "$STATUS $(waiting)" '202 2' "and one behind that"
    store_up
    eventually bash -c "[ \"\$(redis-cli -s '$STORE/sock' -n $DATABASE HGET '$DAZNO:user:quinn' received_msat)\" = 4 ]"
    is "$(waiting) $(user quinn received_msat)" '1 4' "a conflict for which the quarantine has no room blocks nothing"
    guichet spool drain --json
    is "$VERDICT $SAID" '1 {"committed":0,"quarantined":0,"set_aside":0,"left":1}' "it waits"
    redis DEL "$DAZNO:quarantine" > /dev/null
    eventually nothing_waits
    is "$(waiting) $(redis XLEN "$DAZNO:quarantine") $(user quinn received_msat)" '0 1 4' \
        "until there is room, and has no effect"
}
stuck

by_the_tool() {
    local i n=70
    spooling lighttpd-socket
    guichet spool list
    is "$VERDICT $SAID$COMPLAINT" '0 ' "nothing waits, and nothing is printed"
    store_killed
    for ((i = 1; i <= n; i++)); do
        payment "$body" "t-$i" tom 1
        send "$body"
    done
    payment "$body" t-1 tom 2
    send "$body"
    is "$STATUS $(waiting)" "409 $((n + 1))" "$n events are spooled, and a conflict"
    guichet spool drain
    like "$VERDICT $COMPLAINT" '3 *the store is away*' "while Redis is away nothing can be drained"
    is "$(waiting)" $((n + 1)) "and all of it waits on"
    undeploy
    store_up
    guichet spool list --json
    is "$VERDICT $(grep -c '"provider":"dazno","kind":"event"' <<< "$SAID") $(grep -c '"kind":"conflict"' <<< "$SAID")" \
        "0 $n 1" "the tool lists what waits"
    guichet spool list --json --newest --max 2
    is "$(sed 's/"at":"[^"]*"/AT/; s/,.*AT.*"kind":"\([a-z]*\)".*/ \1/' <<< "$SAID" | xargs)" "{number:$((n + 1)) conflict {number:$n event" \
        "the newest first, at most so many"
    if [ "$(id -u)" -eq 0 ]; then
        "$E2E/bin/guichet" spool drain --config "$D/guichet.conf" > "$E2E/said" 2>&1
        is $? 2 "another user may not drain"
        like "$(cat "$E2E/said")" '*belongs to www-data*setpriv --reuid=www-data*' "and is told how to"
        is "$(waiting)" $((n + 1)) "nothing was touched"
    fi
    guichet spool drain --json
    is "$VERDICT $SAID" "0 {\"committed\":$n,\"quarantined\":1,\"set_aside\":0,\"left\":0}" \
        "the tool drains without a responder, and counts"
    is "$(waiting) $(user tom received_msat) $(user tom received_count) $(entries)" "0 $n $n $n" \
        "each took effect once"
    guichet spool drain --json
    is "$VERDICT $SAID" '0 {"committed":0,"quarantined":0,"set_aside":0,"left":0}' "then there is nothing to do"
}
by_the_tool

# The responder, two of the tool, and one that is killed: one drains at a time.
all_at_once() {
    local i n=600 sender pid pids
    spooling lighttpd-socket
    store_killed
    insist anna "$n" 8 60 > "$E2E/insisted" &
    sender=$!
    wait "$sender"
    is "$? $(waiting)" "0 $n" "$n wait"
    store_up
    for ((i = 0; i < 6; i++)); do
        pids=()
        for _ in 1 2; do
            setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" spool drain --config "$D/guichet.conf" > "$E2E/said" 2>&1 &
            pids+=("$!")
        done
        sleep "0.0$((RANDOM % 10))"
        [ "$i" -eq 5 ] || kill -KILL "${pids[0]}" 2> /dev/null
        for pid in "${pids[@]}"; do wait "$pid" 2> /dev/null; done
    done
    guichet spool drain
    is "$VERDICT $(waiting)" '0 0' "drained by the responder and the tool at the same time, all of it is gone"
    each_once anna "$n" "each took effect once"
    is "$(entries)" "$n" "each is handed on once"
}
all_at_once

undeploy
stop "$STORE_PID"
done_testing
