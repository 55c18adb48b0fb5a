#!/bin/bash
# Stopped, started and reconfigured under load without losing a request: the socket is held by another
# process, as systemd or a supervisor holds it.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PRESIGN=${PRESIGN:-$TOP/build/tests/load/presign}
cp "$TOP/tests/load/hold" "$TOP/tests/load/webhooks.lua" "$E2E/bin"

# The library's, which lets the program make its own socket, is kept for the last part.
eval "start_on_own_socket() $(declare -f start_responder | tail -n +2)"

# In place of it: the holder starts the program and keeps it running.
# shellcheck disable=SC2317 # called by deploy
start_responder() {
    rm -f "$D/run/pid"
    # shellcheck disable=SC2086 # an option or none
    start "$D/stderr.log" "$E2E/bin/hold" ${HOLD_AS-} "$D/run/guichet.sock" "$D/run/pid" \
        "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf"
    SERVER_PIDS+=("$STARTED")
    wait_for "$STARTED" test -s "$D/run/pid" || bail_out "the program does not start"
}

# load SECONDS PREFIX: wrk in the background, each event once; its report is in $D/load
load() {
    "$PRESIGN" 400000 "$2" < "$E2E/keys/t4g_webhook_secret" > "$E2E/requests"
    REQUESTS=$E2E/requests T4G_API_KEY=$T4G_API_KEY wrk -t1 -c16 -d"$1"s --timeout 10s \
        -s "$E2E/bin/webhooks.lua" "$URL/api/webhooks/dazno" > "$D/load" 2>&1 &
    LOAD_PID=$!
}

# signal_during_load NAME TIMES: the signal again and again while the load runs
signal_during_load() {
    local i
    for ((i = 0; i < $2; i++)); do
        sleep 0.4
        kill "-$1" "$(cat "$D/run/pid")"
    done
    wait "$LOAD_PID"
}

# What was answered with 200 is stored, once each; nothing else was answered.
judge() {
    local accepted stored
    accepted=$(awk '$1 == "status" && $2 == 200 { print $3 }' "$D/load")
    stored=$(redis XLEN 'guichet:{dazno}:events')
    note "answered ${accepted:-0}, stored $stored"
    is "$(awk '$1 == "status" && $2 != 200' "$D/load")" "" "$1: nothing but 200 was answered"
    is "$(awk '$1 == "requests" { print $4 }' "$D/load")" 0 "$1: no connection failed"
    [ "${accepted:-0}" -gt 100 ] && [ "$stored" -ge "$accepted" ]
    ok $? "$1: all that was acknowledged is stored"
    # At most the requests that were in flight when the load ended are stored without an answer.
    [ "$stored" -le $((accepted + 16)) ]
    ok $? "$1: nothing is stored twice"
}

deploy lighttpd-socket 'provider dazno.rate_limit = none' 'server.audit_log = off' \
    'server.require_https = no'

load 10 term
signal_during_load TERM 20
judge 'twenty restarts'
redis DEL 'guichet:{dazno}:events' > /dev/null

first=$(cat "$D/run/pid")
load 10 hup
signal_during_load HUP 20
judge 'twenty configuration changes'
is "$(cat "$D/run/pid")" "$first" 'the process stays the same over HUP'

# A configuration that would not start is refused, and the old one stays.
echo 'colour = blue' >> "$D/guichet.conf"
kill -HUP "$first"
wait_for "$first" grep -q 'not taken' "$D/guichet.log"
like "$(grep 'not taken' "$D/guichet.log")" '*guichet.conf:*colour*' 'a bad configuration is refused with file, line and key'
request /api/health
is "$STATUS" 200 'and the old one goes on serving'
sed -i '$d' "$D/guichet.conf"

# A request that is on its way when the order to stop comes is answered.
event "$D/late.json" late-1 user.updated '"user_id":"u1"'
kill -TERM "$(cat "$D/run/pid")"
send "$D/late.json"
is "$STATUS" 200 'a request right after TERM is answered by the next process'

# A request that never comes to its end does not keep the program: it drains for 7 s, then it is out.
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!\n";
    syswrite $s, pack("CCnnCx nCx5", 1, 1, 1, 8, 0, 1, 0); sleep 60' "$D/run/guichet.sock" &
SLOW=$!
sleep 0.5
old=$(cat "$D/run/pid")
kill -TERM "$old"
gone=1
for ((i = 0; i < 85 && gone; i++)); do # 7 s, and a machine under load
    kill -0 "$old" 2> /dev/null || gone=0
    [ "$gone" -eq 1 ] || break
    sleep 0.1
done
ok "$gone" 'a request that never ends holds the program up for 7 s at most'
kill "$SLOW" 2> /dev/null
wait "$SLOW" 2> /dev/null
send "$D/late.json"
is "$STATUS" 200 'and the next process serves'

# The socket as systemd passes it: the descriptor 3, and its own way to start the program.
HOLD_AS=--systemd deploy lighttpd-socket 'provider dazno.rate_limit = none' 'server.audit_log = off' \
    'server.require_https = no'
load 5 systemd
signal_during_load TERM 10
judge 'ten restarts on a socket from systemd'
start_responder() {
    start "$D/stderr.log" systemd-socket-activate -l "$D/run/guichet.sock" \
        "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf"
    SERVER_PIDS+=("$STARTED")
    wait_for "$STARTED" test -S "$D/run/guichet.sock" || bail_out "systemd-socket-activate does not listen"
}
deploy lighttpd-socket
event "$D/one.json" one-1 user.updated '"user_id":"u1"'
send "$D/one.json"
is "$STATUS $(readlink "/proc/${SERVER_PIDS[1]}/exe")" "200 $E2E/bin/guichet.fcgi" \
    'started by systemd-socket-activate with the first request, it answers'

# The units as they are shipped, but for where the programs lie.
mkdir "$E2E/units"
for unit in "$TOP"/systemd/*; do
    sed "s#=/usr/local/[a-z/.]*#=/bin/true#" "$unit" > "$E2E/units/${unit##*/}"
done
is "$(systemd-analyze verify --man=no "$E2E"/units/* 2>&1)" '' 'systemd finds nothing wrong with the units'

# On a socket of its own the program hands it on to itself; and signals that come in the middle of that,
# one upon the other, neither end it nor lose a request.
start_responder() { start_on_own_socket; }
deploy lighttpd-socket 'provider dazno.rate_limit = none' 'server.audit_log = off' \
    'server.require_https = no'
echo "${SERVER_PIDS[1]}" > "$D/run/pid"
load 5 own
for ((i = 0; i < 10; i++)); do
    sleep 0.4
    kill -HUP "${SERVER_PIDS[1]}"
    kill -HUP "${SERVER_PIDS[1]}"
    sleep 0.002
    kill -HUP "${SERVER_PIDS[1]}"
done
wait "$LOAD_PID"
judge 'thirty configuration changes on its own socket'

done_testing
