#!/usr/bin/env bash
# docs/monitoring at work: a Prometheus with the shipped configuration, in which only the address, the place of
# the token and the intervals are other ones, scrapes Guichet under Apache with TLS. The rules record something, every
# panel of the dashboard shows something, and what it shows is what was sent.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

for program in prometheus promtool python3; do
    command -v "$program" > /dev/null || bail_out "$program is not there: tools/need test"
done
PATIENCE_S=60 # two scrapes and an evaluation, on a busy machine

mkdir -m 700 "$E2E/spool" "$E2E/prometheus"
give "$E2E/spool"
# require_https stays on: what follows goes through TLS.
deploy lighttpd-socket 'provider dazno.rate_limit = 100/3600s' 'server.when_store_down = spool' "server.spool_dir = $E2E/spool"

# Beside lighttpd, to the same responder, an Apache with a certificate of its own.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$E2E/keys/tls" -out "$E2E/certificate" 2> "$E2E/out" || bail_out "$(cat "$E2E/out")"
TLS_PORT=$(free_port)
{
    PORT=$TLS_PORT apache_base ssl buffer proxy proxy_fcgi
    printf 'SSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\n' "$E2E/certificate" "$E2E/keys/tls"
    echo "Include \"$E2E/apache/guichet-proxy.conf\""
} > "$D/tls.conf"
give "$D" "$E2E/keys"
start "$D/server.log" apache2 -f "$D/tls.conf" -DFOREGROUND
SERVER_PIDS=("$STARTED" "${SERVER_PIDS[@]}")
URL=https://localhost:$TLS_PORT
FORWARDED=()
export CURL_CA_BUNDLE=$E2E/certificate
wait_for "$STARTED" curl -sf -m 5 -o /dev/null "$URL/api/health" ||
    bail_out "Apache does not serve with TLS: $(tail -n 5 "$D/server.log")"

# round N: two accepted events, a duplicate, a conflict, an invalid and a forged event, a wrong method, a ping
round() {
    local ping=$E2E/ping
    event "$E2E/body" "payment-$1" lightning.payment_received \
        "\"user_id\":\"u1\",\"amount_msat\":1000,\"payment_hash\":\"h$1\""
    send "$E2E/body"
    event "$E2E/body" "user-$1" user.created "\"user_id\":\"u$1\",\"email\":\"u$1@example.com\""
    send "$E2E/body"
    send "$E2E/body"
    event "$E2E/body" "user-$1" user.created "\"user_id\":\"v$1\",\"email\":\"v$1@example.com\""
    send "$E2E/body"
    event "$E2E/body" "invalid-$1" user.created "\"user_id\":\"u$1\""
    send "$E2E/body"
    send "$E2E/body" -H 'x-t4g-signature:' -H "x-t4g-signature: sha256=$(signature "$E2E/body" another)"
    request /api/webhooks/dazno
    printf '{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2025-10-15T10:30:00Z"}' > "$ping"
    request /webhooks/airtable/refresh -H 'Content-Type: application/json' \
        -H "X-Airtable-Content-MAC: hmac-sha256=$(airtable_signature "$ping")" --data-binary "@$ping"
}
round 1
is "$STATUS" 200 "webhooks arrive through TLS"

cp "$TOP"/docs/monitoring/*.yml "$E2E/prometheus"
sed -i -e "s|hooks.example.org:443|localhost:$TLS_PORT|" \
    -e "s|/etc/prometheus/guichet.token|$E2E/keys/metrics_token|" \
    -e 's|^\( *[a-z]*_interval:\) 15s$|\1 1s|' "$E2E/prometheus/prometheus.yml"
is "$(diff "$TOP/docs/monitoring/prometheus.yml" "$E2E/prometheus/prometheus.yml" | grep -c '^>')" 4 \
    "four lines of the shipped configuration are other ones here"
give "$E2E/prometheus"
PROMETHEUS=http://127.0.0.1:$(free_port)
# The certificate is known as a site's own authority is: by the system that Prometheus runs on.
start "$E2E/prometheus/log" env SSL_CERT_FILE="$E2E/certificate" prometheus \
    --config.file="$E2E/prometheus/prometheus.yml" --storage.tsdb.path="$E2E/prometheus/data" \
    --web.listen-address="${PROMETHEUS#http://}"
SERVER_PIDS+=("$STARTED")

# query EXPRESSION: the value, or nothing
query() {
    curl -s -m 5 --data-urlencode "query=$1" "$PROMETHEUS/api/v1/query" |
        sed -n 's/.*"value":\[[^,]*,"\([^"]*\)"\].*/\1/p'
}
# insist_on COMMAND...: repeats it for as long as we are patient
insist_on() {
    local begun=$SECONDS
    until "$@"; do
        [ $((SECONDS - begun)) -lt "$PATIENCE_S" ] || return 1
        kill -0 "$STARTED" 2> /dev/null || return 1
        sleep 0.5
    done
}
# shellcheck disable=SC2317 # called by insist_on
accepted() { [ "$(query 'sum(guichet_webhooks_total{provider="dazno",outcome="accepted"})')" = "$1" ]; }

insist_on accepted 2
ok $? "it scrapes over HTTPS, with the token from the file" || note "$(tail -n 5 "$E2E/prometheus/log")"
# Something must have been recorded before there is more of it.
# shellcheck disable=SC2317 # called by insist_on
recorded() { [ "$(query 'job_provider:guichet_quarantine_entries:max{provider="dazno"}')" = 2 ]; }
insist_on recorded
ok $? "the rules record"
round 2
insist_on accepted 4
ok $? "and again"

# all WHAT ARG...: whether tests/monitoring/ask has an answer to each of its questions; sets SAID
all() {
    SAID=$("$TOP/tests/monitoring/ask" "$@" 2>&1) && [ -n "$SAID" ] && ! grep -qv '^data ' <<< "$SAID"
}
# each: a test for each of the questions
each() {
    local verdict rest
    while read -r verdict rest; do
        is "$verdict" data "$rest"
    done <<< "$SAID"
}

insist_on all rules "$PROMETHEUS"
each
insist_on all panels "$PROMETHEUS" guichet '.*' '.*'
each
all panels "$PROMETHEUS" guichet "localhost:$TLS_PORT" dazno
ok $? "the same with one instance and one provider chosen" || note "$(grep -v '^data ' <<< "$SAID")"
all panels "$PROMETHEUS" nobody '.*' '.*'
is "$(grep '^data ' <<< "$SAID" | sed 's/: .*//')" $'data variable job\ndata panel Pending and firing A' \
    "another job has no data"
all panels "$PROMETHEUS" guichet '.*' nobody
is "$(grep -c '^data panel .*provider=~' <<< "$SAID")" 0 "another provider neither" || note "$SAID"

# What is shown is what was sent.
for want in accepted:4 duplicate:2 conflict:2 invalid:2 unauthorized:2 rejected:2; do
    is "$(query "sum(guichet_webhooks_total{provider=\"dazno\",outcome=\"${want%:*}\"})")" "${want#*:}" "${want/:/: }"
done
# comes_to EXPRESSION VALUE NAME: a rule records what was scraped a little later
# shellcheck disable=SC2317 # called by insist_on
is_now() { [ "$(query "$1")" = "$2" ]; }
comes_to() {
    insist_on is_now "$1" "$2"
    ok $? "$3" || note "$1 is $(query "$1"), not $2"
}
comes_to 'job_provider:guichet_backlog_entries:max{provider="dazno"}' "$(redis XLEN 'guichet:{dazno}:events')" \
    "the backlog is the stream's length"
comes_to 'job_provider:guichet_quarantine_entries:max{provider="dazno"}' \
    "$(redis XLEN 'guichet:{dazno}:quarantine')" "the quarantine too"
comes_to 'job_provider:guichet_rate_limit_used:ratio{provider="dazno"}' 0.04 "4 of 100 are used"

# This Redis keeps nothing on its disk, and there are new entries of the quarantine.
# shellcheck disable=SC2317 # called by insist_on
due() {
    ALERTS=$(curl -s -m 5 "$PROMETHEUS/api/v1/alerts" | grep -oE '"alertname":"[A-Za-z]+"' | sort -u | tr '\n' ' ')
    [ "$ALERTS" = '"alertname":"GuichetQuarantineGrowing" "alertname":"GuichetStoreNotDurable" ' ]
}
insist_on due
ok $? "of the alerts those are due that should be" || note "$ALERTS"

# Names, by what is really scraped.
request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' <<< "$ANSWER" > "$E2E/names"
grep -oE 'OUTCOME_[A-Z]+\] = "[a-z]+"' "$TOP/lib/observe/state.c" | sed 's/.*"\(.*\)"/\1/' > "$E2E/outcomes"
judged=$("$TOP/tests/monitoring/judge" "$TOP/docs/monitoring" "$E2E/names" "$E2E/outcomes" \
    "$TOP"/tests/monitoring/*.test.yml 2>&1)
ok $? "every name is in the scrape, and every series of the scrape is shown" || note "$judged"
grep -v guichet_store_up "$E2E/names" > "$E2E/fewer"
judged=$("$TOP/tests/monitoring/judge" "$TOP/docs/monitoring" "$E2E/fewer" "$E2E/outcomes" \
    "$TOP"/tests/monitoring/*.test.yml 2>&1)
like "$judged" '*GuichetStoreDown: guichet_store_up is neither exported*' "a name that is not is noticed"
done_testing
