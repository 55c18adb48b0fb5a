#!/usr/bin/env bash
# The sending side against the real responder: what is sent arrives once, in order per user, whatever
# fails in between or is killed; what is refused stays and is told. Judged by what lies in Redis and by
# what the proxy in between has seen.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly DAZNO='guichet:{dazno}'
readonly SPEED=1000 # seconds of the schedule in one of ours, where 36 minutes must pass
TOOL=$TOP/build/guichet
HURRY=$TOP/build/tests/load/hurry

if [ "$(stat -f -c %T "$E2E")" = tmpfs ]; then
    note "the temporary folder lies in memory, where there is no outbox: set TMPDIR"
    ok 0 "skipped # SKIP"
    done_testing
fi
for program in "$TOOL" "$HURRY"; do
    [ -x "$program" ] || bail_out "$program is not there: make all unit"
done

export T4G_API_KEY T4G_WEBHOOK_SECRET
OUT=$E2E/out
ERR=$E2E/err

# tool VERB...: sets CODE; what it says is in OUT and ERR
tool() {
    timeout 60 "$TOOL" "$@" > "$OUT" 2> "$ERR"
    CODE=$?
}
send_to() { # URL [OPTION...] < EVENT
    local url=$1
    shift
    tool send --url "$url" --json "$@"
}
entries() { redis XLEN "$DAZNO:events"; }
left() { find "$1" -name '????????????????-??-*' | wc -l; }
eventually() { wait_for $$ "$@"; }

# proxy PERCENT [CERTIFICATE KEY]: sets PROXY (its port) and SEEN (its log)
proxy() {
    local percent=$1
    shift
    PROXY=$(free_port)
    SEEN=$E2E/seen-$PROXY
    : > "$E2E/proxy.log"
    start "$E2E/proxy.log" "$E2E/bin/flaky" "$PROXY" "$PORT" "$percent" "$SEEN" "$@"
    PROXY_PID=$STARTED
    wait_for "$PROXY_PID" grep -q ready "$E2E/proxy.log" || bail_out "no proxy: $(cat "$E2E/proxy.log")"
}

cp "$TOP/tests/load/flaky" "$E2E/bin"
give "$E2E/bin"
deploy lighttpd-socket 'provider dazno.rate_limit = none' 'server.require_https = no'
HOOK=$URL/api/webhooks/dazno

# Somebody listens and never answers: 10 s, in the background.
nobody_answers() {
    SILENT=$(free_port)
    # shellcheck disable=SC2016 # Perl expands it
    start "$E2E/silent.log" perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 5) or die; print "ready\n"; close STDOUT;
        my $peer = $s->accept; sleep' "$SILENT" "$E2E/"
    SILENT_PID=$STARTED
    wait_for "$SILENT_PID" grep -q ready "$E2E/silent.log" || bail_out "no listener"
    event "$E2E/silent" q-1 user.updated '"user_id":"una"'
    timeout 60 "$TOOL" send --json --tries 1 --url "http://127.0.0.1:$SILENT/" < "$E2E/silent" \
        > "$E2E/silent.out" 2>&1 &
    SILENT_SEND=$!
}
nobody_answers

# --- one event ------------------------------------------------------------------------------------------

one_event() {
    send_to "$HOOK" <<< '{"source":"dazno","event_type":"user.created","user_id":"una","email":"una@example.org"}'
    is "$CODE $(grep -o '"end":"[a-z]*","status":[0-9]*' "$OUT")" '0 "end":"delivered","status":200' \
        "an event without id and time is accepted"
    like "$(redis XREVRANGE "$DAZNO:events" + - COUNT 1 | grep -A1 -x body | tail -n 1)" \
        '{"id":"????????-????-4???-????-????????????","timestamp":"20??-??-??T??:??:??.??????Z","source":"dazno","event_type":"user.created","user_id":"una","email":"una@example.org"}' \
        "they were filled in, the rest is as it was"
    event "$E2E/event" s-1 user.updated '"user_id":"una"'
    send_to "$HOOK" < "$E2E/event"
    send_to "$HOOK" < "$E2E/event"
    is "$CODE $(entries)" '0 2' "the same event twice is one"
    is "$(redis XREVRANGE "$DAZNO:events" + - COUNT 1 | grep -A1 -x body | tail -n 1)" "$(cat "$E2E/event")" \
        "an event that is whole is sent byte for byte"
    T4G_WEBHOOK_URL=$HOOK tool send --all-types --json
    is "$CODE $(grep -c '"status":200' "$OUT") $(entries)" '0 6 8' "one of each type is accepted"
    T4G_WEBHOOK_URL='' tool send --api-key "file:$E2E/keys/t4g_api_key" --url "$HOOK" \
        --secret "file:$E2E/keys/t4g_webhook_secret" < "$E2E/event"
    is "$CODE" 0 "secrets come from files, too"
}
one_event

# refused CODE NAME PATTERN [OPTION...] < EVENT
refused() {
    local code=$1 name=$2 pattern=$3 before
    shift 3
    before=$(entries)
    send_to "$@"
    is "$CODE $(grep -c '"try":' "$OUT") $(entries)" "$code $before" "$name"
    like "$(cat "$ERR")" "$pattern" "... and says why"
}

negative() {
    local event=$E2E/event
    T4G_WEBHOOK_SECRET=wrong refused '1 1' "a wrong secret: one try, not one more" '*answered 401*' \
        "$HOOK" < "$event"
    T4G_API_KEY=wrong refused '1 1' "a wrong API key" '*answered 401*' "$HOOK" < "$event"
    event "$E2E/bad" s-2 user.created '"user_id":"una"'
    refused '1 1' "an event that is not valid" '*answered 400*email*' "$HOOK" < "$E2E/bad"
    refused '1 1' "another path" '*answered 404*' "$URL/other" < "$event"
    refused '2 0' "an id that is none" '*"id"*' "$HOOK" <<< '{"id":5}'
    refused '2 0' "no JSON" '*JSON object*' "$HOOK" <<< 'x'
    refused '2 0' "nothing" '*empty*' "$HOOK" < /dev/null
    refused '2 0' "no secret" '*NOT_THERE is not set*' "$HOOK" --secret env:NOT_THERE < "$event"
    refused '2 0' "a secret as an argument" '*would be seen*' "$HOOK" --secret "$T4G_WEBHOOK_SECRET" < "$event"
    refused '2 0' "a password in the URL" '*password*' "http://u:p@127.0.0.1:$PORT/" < "$event"
    refused '2 0' "plain HTTP to elsewhere" '*readable on the way*' "http://192.0.2.1/" < "$event"
    refused '2 0' "another protocol" '*https://*' "ftp://127.0.0.1/" < "$event"
    refused '3 1' "nobody listens" '*connect*' "http://127.0.0.1:1/" --tries 1 < "$event"
}
negative

through_the_proxy() {
    local began=$SECONDS
    proxy 0
    event "$E2E/event" moved-1 user.updated '"user_id":"una"'
    refused '1 1' "a redirect is not followed" '*redirect*' "http://127.0.0.1:$PROXY/" < "$E2E/event"
    stop "$PROXY_PID"
    event "$E2E/event" s-3 user.updated '"user_id":"una"'
    refused '3 2' "two tries are made" '*connect*' "http://127.0.0.1:$PROXY/" --tries 2 < "$E2E/event"
    [ $((SECONDS - began)) -ge 5 ]
    ok $? "the second no sooner than 5 s after the first"
    like "$(sed -n 1p "$OUT")" '*"next":"again","wait_s":5}' "as the first one's line tells"
}
through_the_proxy

tls() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$E2E/tls.key" -out "$E2E/tls.crt" 2> "$ERR"
    give "$E2E/tls.key" "$E2E/tls.crt"
    proxy 0 "$E2E/tls.crt" "$E2E/tls.key"
    event "$E2E/event" s-4 user.updated '"user_id":"una"'
    refused '3 1' "a certificate of nobody: not sent" '*tls*' "https://localhost:$PROXY/api/webhooks/dazno" \
        --tries 1 < "$E2E/event"
    refused '3 1' "of another name: not sent" '*tls*' "https://127.0.0.1:$PROXY/api/webhooks/dazno" \
        --tries 1 --ca-file "$E2E/tls.crt" < "$E2E/event"
    is "$(cat "$SEEN" 2> /dev/null)" "" "neither key nor event left this host's hands"
    send_to "https://localhost:$PROXY/api/webhooks/dazno" --ca-file "$E2E/tls.crt" < "$E2E/event"
    is "$CODE" 0 "of an authority that is trusted: sent"
    stop "$PROXY_PID"
}
tls

# --- the outbox -----------------------------------------------------------------------------------------------

# payments USERS N: an event a line, N in all; amounts ascend for each user
payments() {
    awk -v users="$1" -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf \
        "{\"source\":\"dazno\",\"event_type\":\"lightning.payment_received\",\"user_id\":\"%s%d\",\"amount_msat\":%d,\"payment_hash\":\"%s-%d\"}\n", \
        "'"$3"'", i % users, i / users + 1, "'"$3"'", i }'
}

# The ids of what is on the hand-off for users of that name, in order; and whether amounts ascend for each
arrived() {
    redis XRANGE "$DAZNO:events" - + | sed -n "s/^{\"id\":\"\([^\"]*\)\".*\"user_id\":\"\($1[0-9]*\)\",\"amount_msat\":\([0-9]*\).*/\1 \2 \3/p"
}
disorder() { awk '{ if ($3 != last[$2] + 1) n++; last[$2] = $3 } END { print n + 0 }' "$1"; }

# hurried OUTBOX: the daemon by a fast clock, in the background
hurried() {
    "$HURRY" "$1" "$SPEED" "$EPOCH" "$E2E/tries.log" drain /bin/true >> "$E2E/hurry.log" 2>&1 &
    DAEMON=$!
}

ten_thousand() {
    local box=$E2E/box n=10000
    EPOCH=$(date +%s)
    proxy 30
    payments 100 $n tim > "$E2E/lines"
    send_to "http://127.0.0.1:$PROXY/api/webhooks/dazno" --outbox "$box" --lines < "$E2E/lines"
    is "$CODE $(grep -c '"state":"waiting"' "$OUT") $(left "$box")" "0 $n $n" "$n events are in the outbox"
    like "$(cat "$ERR")" "*no *outbox run* works on*" "and nobody sends them, which is said"
    grep -o '"id":"[^"]*"' "$OUT" | cut -d '"' -f 4 | sort > "$E2E/queued"
    hurried "$box"
    wait "$DAEMON"
    is "$? $(left "$box")" '0 0' "the outbox is worked through"
    note "$(wc -l < "$SEEN") tries: $(cut -f 4 "$SEEN" | sort | uniq -c | tr -s ' \n' ' ')"
    arrived tim > "$E2E/arrived"
    is "$(cut -d ' ' -f 1 "$E2E/arrived" | sort | cmp - "$E2E/queued" && echo same)" same \
        "each arrived once, under the id it had from the start"
    is "$(disorder "$E2E/arrived")" 0 "in order, for each user"
    is "$(cut -f 1,6 "$SEEN" | sort -u | wc -l)" "$n" "every try had the same bytes"
    is "$(redis XLEN "$DAZNO:quarantine")" "$QUARANTINED" "and nothing is in quarantine"
    [ "$(grep -vc 'ok 200' "$SEEN")" -gt $((n / 4)) ]
    ok $? "the proxy did fail"
    is "$(awk -F '\t' -v speed=$SPEED 'BEGIN { wait[1] = 5; wait[2] = 30; wait[3] = 300; wait[4] = 1800 }
        { k = tries[$1]++; w = wait[k] > after[$1] ? wait[k] : after[$1]
          if (k > 0 && $2 - over[$1] < w / speed) n++
          over[$1] = $2 > $3 ? $2 : $2; after[$1] = $5 }
        END { print n + 0 }' "$SEEN")" 0 "no wait was shorter than the schedule, or than Retry-After"
    stop "$PROXY_PID"
}
QUARANTINED=$(redis XLEN "$DAZNO:quarantine")
ten_thousand

killed() {
    local box=$E2E/killed n=2000 kills=0
    EPOCH=$(date +%s)
    proxy 30
    payments 40 $n kim > "$E2E/lines"
    send_to "http://127.0.0.1:$PROXY/api/webhooks/dazno" --outbox "$box" --lines < "$E2E/lines"
    grep -o '"id":"[^"]*"' "$OUT" | cut -d '"' -f 4 | sort > "$E2E/queued"
    while [ "$(left "$box")" -gt 0 ] && [ $kills -lt 25 ]; do
        hurried "$box"
        sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
        kill -KILL "$DAEMON" 2> /dev/null && kills=$((kills + 1))
        wait "$DAEMON" 2> /dev/null
    done
    note "killed $kills times, $(left "$box") events left"
    [ $kills -ge 5 ]
    ok $? "it was killed again and again"
    hurried "$box"
    wait "$DAEMON"
    is "$? $(left "$box")" '0 0' "the rest is sent"
    arrived kim > "$E2E/arrived"
    is "$(cut -d ' ' -f 1 "$E2E/arrived" | sort | cmp - "$E2E/queued" && echo same)" same \
        "none is lost, none is twice, none has a new id"
    is "$(disorder "$E2E/arrived")" 0 "in order, for each user"
    is "$(cut -f 1,6 "$SEEN" | sort -u | wc -l)" "$n" "every try had the same bytes"
    stop "$PROXY_PID"
}
killed

# --- the daemon itself ---------------------------------------------------------------------------------------

daemon() { # [OPTION...]
    : > "$E2E/daemon.log"
    "$TOOL" outbox run --outbox "$BOX" --log "$E2E/tries" "$@" >> "$E2E/daemon.log" 2>&1 &
    DAEMON=$!
    eventually grep -q 'working on' "$E2E/daemon.log" || note "$(cat "$E2E/daemon.log")"
}
end_daemon() {
    kill -TERM "$DAEMON"
    wait "$DAEMON"
}
# Called through eventually.
# shellcheck disable=SC2317
is_listed() { # ID STATE
    "$TOOL" outbox list --outbox "$BOX" --json | grep -q "^{\"id\":\"$1\".*\"state\":\"$2\""
}
# shellcheck disable=SC2317
is_delivered() { ! "$TOOL" outbox list --outbox "$BOX" --json | grep -q "^{\"id\":\"$1\""; }
put() { # ID USER [OPTION...]
    local id=$1 user=$2
    shift 2
    event "$E2E/event" "$id" user.updated "\"user_id\":\"$user\""
    send_to "$HOOK" --outbox "$BOX" "$@" < "$E2E/event"
}

# A disk that takes no more: what is said to wait does, and the rest is said not to.
full_disk() {
    local box=$E2E/full said
    for i in 1 2; do event "$E2E/line" "l-$i" user.updated '"user_id":"una"' && cat "$E2E/line" && echo; done > "$E2E/lines"
    said=$( (ulimit -f 0 && exec "$TOOL" send --url "$HOOK" --outbox "$box" --lines --json < "$E2E/lines") 2>&1)
    is "$? $(left "$box")" "3 0" "a disk that is full: nothing is put into the outbox"
    like "$said" "*cannot write*File too large*those that are listed*" "which is said"
    is "$(grep -c 'cannot write' <<< "$said"):$(grep -c waiting <<< "$said")" 1:0 "once, and no event is called waiting"
    send_to "$HOOK" --outbox "$box" --lines < "$E2E/lines"
    is "$CODE $(left "$box")" "0 2" "when there is room they are taken"
}
full_disk

refused_and_told() {
    BOX=$E2E/daemon
    export GUICHET_OUTBOX=$BOX
    cat > "$E2E/bin/page" << 'PAGE'
#!/bin/sh
echo "$GUICHET_EVENT_ID $GUICHET_EVENT_TYPE $GUICHET_TRIES $GUICHET_REASON ${T4G_WEBHOOK_SECRET-hidden}" >> "${0%/bin/page}/paged"
PAGE
    chmod 755 "$E2E/bin/page"
    proxy 0
    echo -n wrong > "$E2E/keys/changing"
    chmod 600 "$E2E/keys/changing"
    put d-0 dan
    like "$(cat "$ERR")" "*no *outbox run* works on*" "what nobody sends is said to wait"
    daemon --alert-command "$E2E/bin/page" --alert-url "http://127.0.0.1:$PROXY/api/webhooks/dazno" \
        --metrics-file "$E2E/outbox.prom"
    eventually is_delivered d-0
    ok $? "an event that was there is sent"
    put d-1 dan --secret "file:$E2E/keys/changing"
    is "$CODE $(cat "$ERR")" '0 ' "another is added while the daemon works"
    put d-2 dan
    eventually is_delivered d-2
    ok $? "the user's next event is sent when the first has failed for good"
    eventually is_listed d-1 failed
    is "$(grep -c '"id":"d-1"' "$E2E/tries") $(redis EXISTS "$DAZNO:id:d-1")" '1 0' "which a 401 does at the first try"
    tool outbox list --failed --json
    like "$(cat "$OUT")" '{"id":"d-1","at":"*","event_type":"user.updated",*"state":"failed","tries":1,"due":null,"reason":"refused: it was answered 401"}' \
        "it stays, and is listed"
    eventually test -s "$E2E/paged"
    is "$(cat "$E2E/paged")" 'd-1 user.updated 1 refused: it was answered 401 hidden' "the command is told, but no secret"
    eventually grep -q '^d-1' "$SEEN"
    ok $? "and the URL"
    tool outbox run
    is "$CODE $(sed 's/: another.*/: another/' "$ERR")" '2 guichet outbox run: another' "a second daemon is refused"
    cp "$E2E/keys/t4g_webhook_secret" "$E2E/keys/changing"
    tool outbox retry d-1
    eventually is_delivered d-1
    is "$CODE $(redis EXISTS "$DAZNO:id:d-1")" '0 1' "retried with the right secret, it is delivered"
    end_daemon
    is "$?" 0 "TERM ends it"
    is "$(sed -n 's/^guichet_outbox_\(tries_total{end="[dr][a-z]*"}\|delivered_total\|failed_total\|waiting_events\) //p' \
        "$E2E/outbox.prom" | tr '\n' ' ')" '3 1 3 1 0 ' "the metrics tell of it"
    promtool check metrics < "$E2E/outbox.prom" > "$OUT" 2>&1
    ok $? "in Prometheus' form"
    like "$(grep '"id":"d-1"' "$E2E/tries" | sed -n 1p)" \
        '{"time":"20*Z","id":"d-1","timestamp":"2025-10-15T10:30:00Z","event_type":"user.updated","url":"*","try":1,"end":"refused","status":401,"duration_ms":*,"error":null,"next":"failed"}' \
        "a line a try"
    is "$(grep -cF -e "$T4G_WEBHOOK_SECRET" -e "$T4G_API_KEY" -r "$BOX" "$E2E/tries" "$E2E/daemon.log" | grep -v ':0$')" "" \
        "no secret in outbox or log"
    put d-3 dan
    tool outbox drop d-3
    is "$CODE $(left "$BOX")" '0 0' "what is dropped is gone"
    tool outbox drop d-3
    is "$CODE" 1 "and there is no more of it to drop"
    stop "$PROXY_PID"
}
refused_and_told

# Nobody is there: five tries, and an alert.
all_tries_fail() {
    local box=$E2E/nobody
    EPOCH=$(date +%s)
    : > "$E2E/paged"
    : > "$E2E/tries.log"
    event "$E2E/event" n-1 user.updated '"user_id":"nan"'
    send_to "http://127.0.0.1:1/" --outbox "$box" < "$E2E/event"
    "$HURRY" "$box" $((SPEED * 10)) "$EPOCH" "$E2E/tries.log" drain "$E2E/bin/page" > "$ERR" 2>&1
    is "$? $(grep -c '"end":"connect"' "$E2E/tries.log") $(sed -n 's/.*"wait_s":\([0-9]*\)\..*/\1/p' "$E2E/tries.log" | tr '\n' ' ')" \
        '0 5 5 30 300 1800 ' "where nobody listens it is tried five times, by the schedule"
    like "$(cat "$E2E/paged")" 'n-1 user.updated 5 connect: *' "then the command is told"
    is "$("$TOOL" outbox list --outbox "$box" --failed --json | grep -c '"id":"n-1"')" 1 "and the event stays"
}
all_tries_fail

wait "$SILENT_SEND"
is "$?" 3 "who does not answer is given up"
like "$(cat "$E2E/silent.out")" '*"end":"timeout","status":null,"duration_ms":[1-9][0-9][0-9][0-9][0-9]*' \
    "after 10 s"
stop "$SILENT_PID"

is "$(ldd "$TOP/build/guichet.fcgi" | grep -c curl)" 0 "the responder knows nothing of libcurl"
done_testing
