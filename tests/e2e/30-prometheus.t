#!/usr/bin/env bash
# A real Prometheus scrapes /api/metrics with its token, and promtool finds nothing to complain of.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

for program in prometheus promtool; do
    command -v "$program" > /dev/null || bail_out "$program is not there: tools/need test"
done

deploy lighttpd 'server.require_https = no'
FORWARDED=()

# Something of every kind to count.
event "$E2E/body" m-1 user.created '"user_id":"u1","email":"u1@example.com"'
send "$E2E/body"
send "$E2E/body"
send "$E2E/body" -H "x-api-key: twice"
event "$E2E/body" m-2 'a type that \"nobody\n knows' '"user_id":"u1"'
send "$E2E/body"

request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
printf '%s\n' "$ANSWER" > "$E2E/metrics"
complaints=$(promtool check metrics < "$E2E/metrics" 2>&1)
ok $? "promtool accepts the metrics"
is "$complaints" "" "and has nothing to remark"
is "$(grep -c 'nobody' "$E2E/metrics")" 0 "no text that a sender chose is a label"

request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN" \
    -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
like "$(header content-type)" 'application/openmetrics-text; version=1.0.0*' "OpenMetrics where it is asked for"
is "$(tail -n 1 <<< "$ANSWER")" '# EOF' "ends as OpenMetrics does"

PROMETHEUS=$(free_port)
mkdir "$E2E/prometheus"
cat > "$E2E/prometheus/prometheus.yml" << CONF
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: guichet
    metrics_path: /api/metrics
    authorization: { credentials_file: $E2E/keys/metrics_token }
    static_configs: [ { targets: [ "127.0.0.1:$PORT" ] } ]
  - job_name: stranger
    metrics_path: /api/metrics
    authorization: { credentials: wrong }
    static_configs: [ { targets: [ "127.0.0.1:$PORT" ] } ]
CONF
give "$E2E/prometheus"
promtool check config "$E2E/prometheus/prometheus.yml" > "$E2E/out" 2>&1
ok $? "its configuration is sound" || note "$(cat "$E2E/out")"
start "$E2E/prometheus/log" prometheus --config.file="$E2E/prometheus/prometheus.yml" \
    --storage.tsdb.path="$E2E/prometheus/data" --web.listen-address="127.0.0.1:$PROMETHEUS"
SERVER_PIDS+=("$STARTED")

# query EXPRESSION: the value, or nothing
query() {
    curl -s -m 5 --data-urlencode "query=$1" "http://127.0.0.1:$PROMETHEUS/api/v1/query" |
        sed -n 's/.*"value":\[[^,]*,"\([^"]*\)"\].*/\1/p'
}
# shellcheck disable=SC2317 # called by wait_for
scraped() { [ "$(query 'up{job="guichet"}')" = 1 ] && [ -n "$(query 'up{job="stranger"}')" ]; }

wait_for "$STARTED" scraped
ok $? "it scrapes with the token" || note "$(tail -n 5 "$E2E/prometheus/log")"
is "$(query 'up{job="stranger"}')" 0 "and not with another"
is "$(query 'sum(guichet_webhooks_total{provider="dazno",event_type="user.created",outcome="accepted"})')" 1 \
    "it has what was accepted"
is "$(query 'sum(guichet_webhooks_total{provider="dazno",outcome="duplicate"})')" 1 "the duplicate"
is "$(query 'sum(guichet_signature_failures_total{provider="dazno",reason="doubled"})')" 1 \
    "the doubled header"
is "$(query 'sum(guichet_webhooks_total{event_type="other",outcome="invalid"})')" 1 "the unknown type"
is "$(query guichet_store_up)" 1 "the store is up"
is "$(query 'guichet_rate_limit{provider="dazno"}')" 100 "the limit"
is "$(query 'guichet_rate_limit_used{provider="dazno"}')" 1 "and what is used of it"
is "$(query 'count(guichet_build_info)')" 1 "the version"
like "$(query 'histogram_quantile(0.9, sum by (le) (guichet_request_duration_seconds_bucket))')" '[0-9]*' \
    "the histogram gives a quantile"
done_testing
