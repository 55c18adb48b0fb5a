#!/usr/bin/env bash
# What befalls a webhook on its way: delivered twice, out of order, too late, forged, cut off, or caught in a
# crash. Judged by what lies in Redis afterwards, not by the answer alone. SCENARIOS="name ..." runs these
# functions only.
# shellcheck disable=SC2317 # `play` calls the functions
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

cp "$TOP/tests/load/hold" "$TOP/tests/e2e/cut" "$TOP/tests/e2e/insist" "$E2E/bin"
readonly DAZNO='guichet:{dazno}'
STRIPE_SECRET=whsec_$(openssl rand -hex 32)

# In place of the library's: a third provider, whose scheme signs a time; and a holder of the socket that
# starts the program again when it ends.
start_responder() {
    (umask 077 && echo "$STRIPE_SECRET" > "$E2E/keys/stripe")
    give "$E2E/keys"
    printf '[provider stripe]\nscheme = stripe\npath = /webhooks/stripe\nsecret = file:%s\n' \
        "$E2E/keys/stripe" >> "$D/guichet.conf"
    start_holder
}

start_holder() {
    rm -f "$D/run/pid"
    start "$D/stderr.log" "$E2E/bin/hold" "$D/run/guichet.sock" "$D/run/pid" \
        "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf"
    HOLDER=$STARTED
    SERVER_PIDS+=("$HOLDER")
    wait_for "$HOLDER" test -s "$D/run/pid" || bail_out "the program does not start"
}

program() { cat "$D/run/pid"; }

# play NAME...: runs the scenarios, as far as they are wanted
play() {
    local scenario
    for scenario in "$@"; do
        if [[ " ${SCENARIOS:-$*} " == *" $scenario "* ]]; then
            "$scenario"
        fi
    done
}

# eventually COMMAND...: succeeds within WAIT_S
eventually() { wait_for $$ "$@"; }

entries() { redis XLEN "$DAZNO:events"; }
entries_are() { [ "$(entries)" -eq "$1" ]; }
user() { redis HGET "$DAZNO:user:$1" "$2"; }

# until_accepted FILE: sends again and again, as a sender does after anything but a 2xx
until_accepted() {
    local tenths
    for ((tenths = 0; tenths < WAIT_S * 10; tenths++)); do
        send "$1"
        [ "$STATUS" != 200 ] || return
        sleep 0.1
    done
}

# payment FILE ID USER MSAT
payment() {
    event "$1" "$2" lightning.payment_received \
        "\"user_id\":\"$3\",\"amount_msat\":$4,\"payment_hash\":\"hash-$2\""
}

# paid_once USER MSAT NAME: the payment took effect, and no other did
paid_once() {
    local all
    all="$(user "$1" received_msat) $(user "$1" received_count) $(redis LLEN "$DAZNO:payments:$1")"
    is "$all" "$2 1 1" "$3"
}

# was_new / was_known NAME: what the last answer tells of the event
was_new() { is "$STATUS $(header idempotent-replayed)" '200 ' "$1"; }
was_known() { is "$STATUS $(header idempotent-replayed)" '200 true' "$1"; }

body=$E2E/body

# --- one receiver, its way to Redis leading over a line that can be cut ------------------------------

next=$E2E/lighttpd-socket-$((DATABASE + 1))
start "$E2E/redis/cut.log" "$E2E/bin/cut" "$E2E/redis/cut" "$E2E/redis/sock" "$E2E/redis/arm" \
    "$next/run/pid"
LINE=$STARTED
wait_for "$LINE" test -S "$E2E/redis/cut" || bail_out "no line to Redis"
deploy lighttpd-socket 'provider dazno.rate_limit = none' \
    "server.store = unix://$E2E/redis/cut?db=$((DATABASE + 1))"

delivered_and_repeated() {
    local first
    payment "$body" a-1 anna 1000
    send "$body"
    was_new "a valid delivery is accepted"
    first=$ANSWER
    paid_once anna 1000 "a valid delivery takes effect"
    is "$(entries)" 1 "a valid delivery is handed on"

    send "$body"
    was_known "a sequential duplicate is known"
    is "$ANSWER" "$first" "a sequential duplicate has the first answer"
    paid_once anna 1000 "a sequential duplicate takes no effect"
    is "$(entries)" 1 "a sequential duplicate is not handed on"
}

# event_at TIME EVENT-ARGUMENTS...
event_at() {
    local time=$1
    shift
    event "$@"
    sed -i "s/2025-10-15T10:30:00Z/$time/" "$body"
}

out_of_order() {
    local all
    payment "$body" o-1 otto 700
    send "$body"
    event_at 2025-10-15T12:00:00Z "$body" o-2 t4g.balance_updated '"user_id":"otto","new_balance":2'
    send "$body"
    event_at 2025-10-15T11:00:00Z "$body" o-3 t4g.balance_updated '"user_id":"otto","new_balance":1'
    send "$body"
    was_new "a late event is accepted"
    is "$(user otto balance)" 2 "a late event does not overwrite a newer one"
    is "$(user otto created_at)" "" "nothing is made up about a user not yet seen"
    event_at 2025-10-15T10:00:00Z "$body" o-4 user.created '"user_id":"otto","email":"otto@example.com"'
    send "$body"
    was_new "the event that the others depended on comes last"
    paid_once otto 700 "what came before it stands"
    all="$(user otto email) $(user otto balance) $(user otto created_at)"
    is "$all" "otto@example.com 2 1760522400000000" "and it is complete"
    event_at 2025-10-15T12:00:01Z "$body" o-5 t4g.balance_updated '"user_id":"otto","new_balance":3'
    send "$body"
    is "$(user otto balance)" 3 "a newer event does overwrite"
}

timed_out() {
    local before
    before=$(entries)
    payment "$body" t-1 theo 10
    kill -STOP "$REDIS_PID"
    send "$body" -m 0.4
    is "$STATUS" 000 "the sender gives up before the answer"
    kill -CONT "$REDIS_PID"
    eventually entries_are $((before + 1))
    paid_once theo 10 "what nobody heard of took effect"
    send "$body"
    was_known "sent again after the time-out, it is known"
    paid_once theo 10 "and takes no effect again"

    # Longer than the program waits: it does not know what becomes of the command.
    payment "$body" t-2 thea 20
    kill -STOP "$REDIS_PID"
    send "$body"
    kill -CONT "$REDIS_PID"
    is "$STATUS" 503 "an unknown outcome is not acknowledged"
    like "$(header retry-after)" '[1-9]*' "and is to be sent again"
    until_accepted "$body"
    paid_once thea 20 "sent again, it takes effect once"
    is "$(entries)" $((before + 2)) "and is handed on once"
}

refused_connection() {
    local web=${SERVER_PIDS[0]}
    payment "$body" r-1 rosa 30
    kill -TERM "$web"
    eventually test ! -e "/proc/$web/cmdline" -o ! -s "/proc/$web/cmdline"
    wait "$web" 2> /dev/null
    request /api/health
    is "$STATUS" 000 "the web server is down"
    send "$body"
    is "$STATUS" 000 "a refused connection has no answer"
    is "$(user rosa received_msat)" "" "a refused connection has no effect"
    start_lighttpd
    SERVER_PIDS[0]=$STARTED
    until_accepted "$body"
    was_new "sent again, it is accepted"
    paid_once rosa 30 "and takes effect once"

    # The web server is up and the program is not.
    payment "$body" r-2 rolf 40
    stop "$HOLDER"
    SERVER_PIDS=("${SERVER_PIDS[0]}")
    send "$body"
    like "$STATUS" '5??' "without the program the web server answers with an error to be repeated"
    is "$(user rolf received_msat)" "" "and nothing took effect"
    start_holder
    until_accepted "$body"
    was_new "sent again when the program is back, it is accepted"
    paid_once rolf 40 "and takes effect once"
}

# refused NAME CURL-ARG...: $body as it stands, with these headers, is 401
refused() {
    local name=$1
    shift
    request /api/webhooks/dazno -H 'Content-Type: application/json' -H "x-api-key: $T4G_API_KEY" \
        --data-binary "@$body" "$@"
    is "$STATUS" 401 "$name is refused"
}

forged() {
    local before kept sig
    before=$(entries)
    kept=$(redis XLEN "$DAZNO:quarantine")
    payment "$body" f-1 fritz 50
    sig=$(signature "$body")
    refused "a missing signature"
    refused "an empty signature" -H 'x-t4g-signature;'
    refused "a signature without its prefix" -H "x-t4g-signature: $sig"
    refused "a signature that is not hex" -H "x-t4g-signature: sha256=${sig%?}g"
    refused "half a signature" -H "x-t4g-signature: sha256=${sig:0:32}"
    refused "a signature by another key" \
        -H "x-t4g-signature: sha256=$(signature "$body" "${T4G_WEBHOOK_SECRET%?}")"
    refused "a signature by the API key" -H "x-t4g-signature: sha256=$(signature "$body" "$T4G_API_KEY")"

    # After signing: one digit of the amount; then a space that leaves the JSON what it is.
    sed -i 's/"amount_msat":50/"amount_msat":51/' "$body"
    refused "a body altered after signing" -H "x-t4g-signature: sha256=$sig"
    payment "$body" f-1 fritz 50
    printf ' ' >> "$body"
    refused "a body with a space more than was signed" -H "x-t4g-signature: sha256=$sig"

    is "$(redis EXISTS "$DAZNO:user:fritz" "$DAZNO:id:f-1") $(entries)" "0 $before" "nothing came of them"
    is "$(redis XLEN "$DAZNO:quarantine")" "$kept" "not even in quarantine"
    payment "$body" f-1 fritz 50
    send "$body"
    was_new "the same, rightly signed, is accepted"
    paid_once fritz 50 "and takes effect"
}

# stripe_at SECONDS: sends $body to Stripe's path, signed so long ago
stripe_at() {
    local time
    time=$(($(date +%s) - $1))
    { printf '%s.' "$time" && cat "$body"; } > "$E2E/signed"
    request /webhooks/stripe -H 'Content-Type: application/json' --data-binary "@$body" \
        -H "Stripe-Signature: t=$time,v1=$(signature "$E2E/signed" "$STRIPE_SECRET")"
}

stale() {
    printf '{"id":"evt_1","object":"event","type":"charge.succeeded","data":{}}' > "$body"
    stripe_at 310
    is "$STATUS" 401 "a stale timestamp is refused"
    stripe_at -310
    is "$STATUS" 401 "a timestamp from the future is refused"
    is "$(redis --scan --pattern 'guichet:{stripe}:*')" "" "and nothing came of them"
    stripe_at 280
    was_new "within the tolerance it is accepted"
    is "$(redis XLEN 'guichet:{stripe}:events')" 1 "and handed on"
    stripe_at 0
    was_known "signed anew for the retry, it is known"
    is "$(redis XLEN 'guichet:{stripe}:events')" 1 "and handed on once"
}

malformed() {
    local before kept
    before=$(entries)
    kept=$(redis XLEN "$DAZNO:quarantine")
    payment "$body" m-1 mona 60
    TYPE=text/plain send "$body"
    is "$STATUS" 415 "another content type is refused"
    request /api/webhooks/dazno -H 'Content-Type:' -H "x-api-key: $T4G_API_KEY" \
        -H "x-t4g-signature: sha256=$(signature "$body")" --data-binary "@$body"
    is "$STATUS" 415 "no content type is refused"
    truncate -s -1 "$body"
    send "$body"
    is "$STATUS" 400 "a body that is not JSON is refused"
    payment "$body" m-1 mona '"60"'
    send "$body"
    is "$STATUS" 400 "an amount in quotes is refused"
    is "$(redis EXISTS "$DAZNO:user:mona" "$DAZNO:id:m-1") $(entries)" "0 $before" "nothing came of them"
    is "$(redis XLEN "$DAZNO:quarantine")" $((kept + 2)) "what was authentic is kept as evidence"
    payment "$body" m-1 mona 60
    send "$body"
    was_new "corrected, under the same id, it is accepted"
    paid_once mona 60 "and takes effect"
}

restarted() {
    local first old
    payment "$body" s-1 sara 70
    send "$body"
    first=$ANSWER
    for signal in TERM KILL; do
        old=$(program)
        kill "-$signal" "$old"
        eventually bash -c "[ \"\$(cat '$D/run/pid')\" != $old ]"
        until_accepted "$body"
        was_known "after $signal and a new start the event is known"
        is "$ANSWER" "$first" "with the first answer"
    done
    paid_once sara 70 "and took effect once"
}

# The sender's connection ends with the last byte of the request.
sender_dies() {
    payment "$body" d-1 dora 80
    {
        printf 'POST /api/webhooks/dazno HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n'
        printf 'Content-Type: application/json\r\nx-api-key: %s\r\n' "$T4G_API_KEY"
        printf 'x-t4g-signature: sha256=%s\r\n' "$(signature "$body")"
        printf 'Content-Length: %d\r\n\r\n' "$(stat -c %s "$body")"
        cat "$body"
    } > "$E2E/request"
    redis CLIENT PAUSE 300 WRITE > /dev/null # so that the answer cannot have left before
    perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or die "$!\n";
        local $/;
        print $s <STDIN>;
        $s->flush;
        select undef, undef, undef, 0.1;' "$PORT" < "$E2E/request"
    is "$(user dora received_msat)" "" "the sender dies before the answer"
    eventually bash -c "redis-cli -s '$E2E/redis/sock' -n $DATABASE EXISTS '$DAZNO:id:d-1' | grep -q 1"
    paid_once dora 80 "what it sent takes effect"
    send "$body"
    was_known "sent again, it is known"
    paid_once dora 80 "and takes no effect again"
}

# Killed in the very moment: Redis has answered, the program has not heard it.
killed_behind_the_effect() {
    local old
    old=$(program)
    payment "$body" k-1 kurt 90
    echo '"k-1"' > "$E2E/redis/arm"
    give "$E2E/redis/arm"
    send "$body"
    like "$STATUS" '5??' "a crash between effect and answer is no acknowledgement"
    ok "$([ -e "$E2E/redis/arm" ]; echo $((! $?)))" "it was killed there"
    paid_once kurt 90 "the effect is there"
    eventually bash -c "[ \"\$(cat '$D/run/pid')\" != $old ]"
    until_accepted "$body"
    was_known "sent again to the next process, it is known"
    paid_once kurt 90 "and takes no effect again"
}

play delivered_and_repeated out_of_order forged stale malformed restarted sender_dies timed_out \
    killed_behind_the_effect refused_connection

# --- a text that must not stay anywhere ---------------------------------------------------------------

# Everything but the id and the event type holds the canary, in requests of every outcome.
canary=nightingale-$(openssl rand -hex 8)

# sing FILE ID TYPE FIELDS
sing() {
    event "$@"
    sed -i "s/\"source\":\"dazno\"/\"source\":\"$canary\",\"$canary\":\"$canary\"/" "$1"
}

# sung EXPECTED CURL-ARG...: $body with the canary in headers and query
sung() {
    local expected=$1
    shift
    request "/api/webhooks/dazno?$canary=$canary" --data-binary "@$body" -A "$canary" -e "$canary" \
        -b "$canary=$canary" -H "X-Forwarded-For: $canary" -H "X-$canary: $canary" \
        -H "Authorization: Bearer $canary" -H "X-Request-Id: $canary" -H "Accept: $canary" "$@"
    is "$STATUS" "$expected" "with a canary: $expected"
    printf '%s\n' "$HEADERS" "$ANSWER" >> "$E2E/answers"
}

canaries() {
    local url json key remembered leaks=''
    url="x-t4g-signature: sha256="
    json="Content-Type: application/json; charset=$canary"
    key="x-api-key: $T4G_API_KEY"
    : > "$E2E/answers"
    sing "$body" c-1 user.created "\"user_id\":\"$canary\",\"email\":\"$canary@example.com\""
    sung 200 -H "$json" -H "$key" -H "$url$(signature "$body")"
    is "$(user "$canary" "profile.$canary")" "\"$canary\"" "where it belongs it is"
    sung 200 -H "$json" -H "$key" -H "$url$(signature "$body")"
    sung 401 -H "$json" -H "$key" -H "$url$canary"
    sung 401 -H "$json" -H "x-api-key: $canary" -H "$url$(signature "$body")"
    sung 415 -H "Content-Type: $canary" -H "$key" -H "$url$(signature "$body")"
    sung 405 -X PUT -H "$json"
    sing "$body" c-1 user.updated "\"user_id\":\"$canary\""
    sung 409 -H "$json" -H "$key" -H "$url$(signature "$body")"
    sing "$body" c-2 user.created "\"user_id\":\"$canary\",\"email\":\"$canary\""
    sung 400 -H "$json" -H "$key" -H "$url$(signature "$body")"
    sing "$body" c-3 user.created "\"user_id\":\"$canary\",\"user_id\":\"$canary\""
    sung 400 -H "$json" -H "$key" -H "$url$(signature "$body")"
    echo "{\"$canary\":$canary" > "$body"
    sung 400 -H "$json" -H "$key" -H "$url$(signature "$body")"
    sing "$body" c-4 t4g.balance_updated "\"user_id\":\"$canary\",\"new_balance\":\"$canary\""
    sung 400 -H "$json" -H "$key" -H "$url$(signature "$body")"
    request "/webhooks/$canary" -d "$canary" -A "$canary"
    is "$STATUS" 404 "with a canary: 404"
    printf '%s\n' "$HEADERS" "$ANSWER" >> "$E2E/answers"
    request "/api/metrics?$canary" -H "Authorization: Bearer $canary"
    is "$STATUS" 401 "with a canary: 401 of the metrics"
    printf '%s\n' "$HEADERS" "$ANSWER" >> "$E2E/answers"
    kill -STOP "$REDIS_PID"
    sing "$body" c-5 user.updated "\"user_id\":\"$canary\""
    sung 503 -H "$json" -H "$key" -H "$url$(signature "$body")"
    kill -CONT "$REDIS_PID"

    is "$(grep -cF "$canary" "$E2E/answers")" 0 "no answer repeats it"
    is "$(grep -lF "$canary" "$D"/*.log)" "" "no log holds it"
    request /api/metrics -H "x-api-key: $GUICHET_METRICS_TOKEN"
    like "$ANSWER" '*guichet_webhooks_total*' "there are metrics"
    is "$(grep -cF "$canary" <<< "$ANSWER")" 0 "no metric holds it"
    is "$(grep -rlF "$canary" "$D/state")" "" "nor does the state folder"

    # Nor the secrets themselves.
    for secret in "$T4G_API_KEY" "$T4G_WEBHOOK_SECRET" "$GUICHET_METRICS_TOKEN" "$STRIPE_SECRET"; do
        leaks+=$(grep -lF "$secret" "$D"/*.log "$E2E/answers")
    done
    is "$leaks" "" "no log and no answer holds a secret"
    is "$(grep -lE '[0-9a-f]{64}' "$D/guichet.log" "$D/audit.log" "$E2E/answers")" "" "nor a signature"

    # Told, not judged: libfcgi, Jansson and hiredis free what held a request without wiping it first.
    if remembered=$("$TOP/tests/e2e/remembers" "$(program)" "$canary"); then
        note "the process's memory holds it in $(wc -l <<< "$remembered") places"
    fi
}
play canaries

# --- two processes at once ----------------------------------------------------------------------------

sed -i 's/"max-procs" => 1/"max-procs" => 2/' "$E2E/lighttpd/guichet.conf"
deploy lighttpd 'provider dazno.rate_limit = none'

# responders: their pids, without starting a process, for under load that takes its time
responders() {
    local file name
    for file in /proc/[0-9]*/cmdline; do
        name=
        { IFS= read -r -d '' name < "$file"; } 2> /dev/null
        [ "$name" != "$E2E/bin/guichet.fcgi" ] || { file=${file#/proc/} && echo "${file%/cmdline}"; }
    done
}
two_processes() { [ "$(responders | wc -l)" -eq 2 ]; }

eventually two_processes
ok $? "there are two processes"

# switches PID: how often its threads have waited for work
switches() { awk '/^voluntary/ { n += $2 } END { print n }' /proc/"$1"/task/*/status; }

concurrent_duplicates() {
    local many=300 i pid idle=0
    local -A before
    payment "$body" p-1 paula 110
    # shellcheck disable=SC2016 # curl's own
    for ((i = 0; i < many; i++)); do
        printf '%s\n' next silent 'max-time = 20' "url = $URL/api/webhooks/dazno" "data-binary = @$body" \
            "output = $E2E/same-$i" 'header = "Content-Type: application/json"' \
            'header = "X-Forwarded-Proto: https"' "header = \"x-api-key: $T4G_API_KEY\"" \
            "header = \"x-t4g-signature: sha256=$(signature "$body")\"" \
            'write-out = "%{http_code} %header{idempotent-replayed}\n"'
    done | sed 1d > "$E2E/many"
    for pid in $(responders); do before[$pid]=$(switches "$pid"); done
    curl -Z --parallel-immediate --parallel-max "$many" -K "$E2E/many" > "$E2E/statuses" 2> /dev/null
    for pid in "${!before[@]}"; do
        [ $(($(switches "$pid") - before[$pid])) -ge 4 ] || idle=$((idle + 1))
    done
    is "$idle" 0 "both processes had a part in it"
    is "$(sort "$E2E/statuses" | uniq -c | tr -s ' ' | tr '\n' ';')" " 1 200 ; $((many - 1)) 200 true;" \
        "$many duplicates at once: one is new, all others are known"
    is "$(sort -u "$E2E"/same-* | wc -l)" 1 "all have the same answer"
    paid_once paula 110 "it takes effect once"
    is "$(entries)" 1 "and is handed on once"
    redis FLUSHDB > /dev/null
}

# Killed at any moment while the load runs; lighttpd starts another.
killed_under_load() {
    local n=6000 kills=0 sender pids status
    "$E2E/bin/insist" "$PORT" "$E2E/keys/t4g_api_key" "$E2E/keys/t4g_webhook_secret" lena "$n" 16 30 \
        > "$E2E/insisted" &
    sender=$!
    while kill -0 "$sender" 2> /dev/null; do
        sleep 0.2
        mapfile -t pids < <(responders)
        if [ ${#pids[@]} -gt 0 ] && kill -KILL "${pids[RANDOM % ${#pids[@]}]}" 2> /dev/null; then
            kills=$((kills + 1))
        fi
    done
    wait "$sender"
    status=$?
    note "$kills kills, $(cat "$E2E/insisted")"
    is "$status" 0 "in the end every event is acknowledged"
    [ "$kills" -ge 3 ]
    ok $? "although processes were killed"
    is "$(user lena received_count) $(user lena received_msat)" "$n $((n * (n + 1) / 2))" \
        "each took effect once"
    is "$(entries) $(redis LLEN "$DAZNO:payments:lena")" "$n $n" "each is handed on once"
}
play concurrent_duplicates killed_under_load

undeploy
stop "$LINE"
done_testing
