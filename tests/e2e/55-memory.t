#!/usr/bin/env bash
# Memory: what the program holds after 100 000 webhooks, and what valgrind says of it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly PRESIGN=${PRESIGN:-$TOP/build/tests/load/presign}
readonly WEBHOOKS=100000
cp "$TOP/tests/load/webhooks.lua" "$E2E/bin"

# load PREFIX SECONDS REQUESTS: posts signed events, each once
load() {
    "$PRESIGN" "$3" "$1" < "$E2E/keys/t4g_webhook_secret" > "$E2E/requests"
    REQUESTS=$E2E/requests T4G_API_KEY=$T4G_API_KEY timeout 60 wrk -t1 -c16 -d"$2"s --timeout 10s \
        -s "$E2E/bin/webhooks.lua" "$URL/api/webhooks/dazno" > "$D/load" 2>&1
}
statuses() { awk '$1 == "status" { print $2 }' "$D/load" | sort -u | tr '\n' ' '; }
rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

deploy lighttpd-socket 'provider dazno.rate_limit = none' 'server.require_https = no'
responder=${SERVER_PIDS[1]}
load warm 1 20000
first=$(rss_kib "$responder")
for ((round = 0; round < 30; round++)); do
    load "r$round" 3 60000
    is "$(statuses)" "200 " "round $round: every answer is 200"
    [ "$(redis XLEN 'guichet:{dazno}:events')" -lt "$WEBHOOKS" ] || break
done
last=$(rss_kib "$responder")
note "$(redis XLEN 'guichet:{dazno}:events') webhooks; RSS $first KiB at first, $last KiB at last"
[ "$last" -lt 10240 ]
ok $? "less than 10 MB after $WEBHOOKS webhooks"
[ "$last" -lt $((first + 1024)) ]
ok $? "and it does not grow"

# The same program under valgrind, through all of its paths, and then told to end.
# shellcheck disable=SC2317 # called by deploy
start_responder() {
    start "$D/stderr.log" valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --error-exitcode=99 --log-file="$D/valgrind.log" \
        "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf" --socket "$D/run/guichet.sock"
    SERVER_PIDS+=("$STARTED")
    wait_for "$STARTED" test -S "$D/run/guichet.sock" || bail_out "valgrind does not start"
}
deploy lighttpd-socket 'provider dazno.rate_limit = none' 'server.require_https = no'
responder=${SERVER_PIDS[1]}
load valgrind 3 200 # more than once each: duplicates too
is "$(statuses)" "200 " "under valgrind every answer is 200"
event "$D/bad.json" bad-1 user.created '"user_id":7'
send "$D/bad.json"
is "$STATUS" 400 "an event that is put in quarantine"
head -c 300000 /dev/zero > "$D/zeros"
send "$D/zeros"
is "$STATUS" 400 "a body that arrives in pieces"
request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
is "$STATUS" 200 "the metrics"
kill -TERM "$responder"
for ((tenths = 0; tenths < WAIT_S * 10; tenths++)); do
    kill -0 "$responder" 2> /dev/null || break
    sleep 0.1
done
is "$(grep -c . "$D/valgrind.log")" 0 "valgrind has nothing to say" || note "$(head -40 "$D/valgrind.log")"

done_testing
