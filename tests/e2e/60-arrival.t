#!/bin/bash
# Requests that arrive in pieces, slowly, too large, or are none: nobody waits for them, the process
# survives them, and the order to stop lets those that are arriving end.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

cp "$TOP/tests/load/hold" "$TOP/tests/load/arrive" "$E2E/bin"

# shellcheck disable=SC2317 # called by deploy
start_responder() {
    start "$D/stderr.log" "$E2E/bin/hold" "$D/run/guichet.sock" "$D/run/pid" \
        "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf"
    SERVER_PIDS+=("$STARTED")
    wait_for "$STARTED" test -s "$D/run/pid" || bail_out "the program does not start"
}

deploy lighttpd-socket 'server.workers = 1'
before=$(cat "$D/run/pid")
answers=$(setpriv "${AS_USER[@]}" -- "$E2E/bin/arrive" "$D/run/guichet.sock" "$D/run/pid" 2>&1)
answer() { is "$(grep "^$1 " <<< "$answers" | sort -u)" "$1 $2" "$3"; }

answer another 401 'a request beside a dripping one is answered'
answer waited no 'and does not wait for it, with one worker'
answer drip 401 'the dripping one is answered when it is whole'
answer kept 401 'three requests on a kept connection'
answer bytes 401 'a request that comes byte by byte'
answer large 401 'a body larger than the socket holds'
answer over 413 'a body larger than max_body is read to its end'
for name in garbage values lengths abort two; do
    answer "$name" closed "$name: the connection is closed"
done
answer late 401 'a request that is arriving when TERM comes is answered'
[ "$(cat "$D/run/pid")" != "$before" ]
ok $? 'and the process then ends'
is "$(grep -c 'no FastCGI request' "$D/guichet.log")" 1 'nonsense is said in the log, rarely'

done_testing
