#!/usr/bin/env bash
# /docs and /status as people and programs see them: linted, every example sent and its answer compared, in
# headless Chromium, under lighttpd and as plain CGI under Apache, below a prefix, and behind the token.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

for program in node npm chromium-headless-shell; do
    command -v "$program" > /dev/null || bail_out "$program is not there: tools/need test"
done
"$TOP/tools/need-npm" tests/pages || bail_out "no npm packages"
CHROMIUM=$(command -v chromium-headless-shell)
# For deploy.sh: mounts the pages.
# shellcheck disable=SC2034
PAGES=yes
export T4G_API_KEY T4G_WEBHOOK_SECRET WEBHOOK_SECRET GUICHET_METRICS_TOKEN
: > "$E2E/checked"

# told COMMAND...: its lines `pass NAME` and `fail NAME` are tests; the others stay in $E2E/told
told() {
    local verdict what
    timeout 150 "$@" > "$E2E/told" 2>&1
    ok $? "${1##*/} ${2##*/} ends well" || note "$(tail -n 5 "$E2E/told")"
    while read -r verdict what; do
        case $verdict in pass) ok 0 "$what" ;; fail) ok 1 "$what" ;; esac
    done < "$E2E/told"
}
examples() { told node "$TOP/tests/pages/examples.js" "$URL" "$1" "$E2E/checked"; }
# browser URL [SCHEME WIDTH]... [FILE]...; SHOTS=folder keeps screenshots there
browser() { told node "$TOP/tests/pages/browser.js" "$CHROMIUM" "$@"; }
# keep PATH FILE: the answer to PATH, for what looks at several at once
keep() {
    request "$1"
    printf '%s' "$ANSWER" > "$E2E/$2"
}
# lint FILE...: what the linter says of those that were kept
lint() {
    (cd "$E2E" && timeout 100 "$TOP/build/npm/pages/node_modules/.bin/redocly" lint --format=stylish "$@" \
        > "$E2E/lint" 2>&1)
    ok $? "redocly accepts $*" || note "$(tail -n 20 "$E2E/lint")"
    is "$(grep -cE '^ +[0-9]+:[0-9]+ |warning' "$E2E/lint")" 0 "without a warning" || note "$(cat "$E2E/lint")"
    is "$(grep -c ': validated in' "$E2E/lint")" "$#" "each of them"
}
# figure EXPRESSION: out of /status.json
figure() {
    request /status.json
    node -e 'const s = JSON.parse(require("fs").readFileSync(0)); console.log(eval(process.argv[1]))' "s.$1" \
        <<< "$ANSWER"
}
# metric OUTCOME: what the metrics counted, over all providers and types
metric() {
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    awk -v o="outcome=\"$1\"" '/^guichet_webhooks_total/ && index($0, o) { n += $NF } END { print n + 0 }' <<< "$ANSWER"
}

# --- under lighttpd, all of it -------------------------------------------------------------------------

deploy lighttpd 'provider dazno.rate_limit = 20/60s'
keep /docs/openapi.json openapi.json
keep /status empty.html
redis SET 'guichet:{dazno}:user:damaged' 'no hash' > /dev/null
examples up

# The same figures everywhere, after traffic of which each request is known to the metrics.
for outcome in accepted duplicate conflict limited invalid unauthorized rejected unavailable spooled error; do
    is "$(figure "received.outcomes.$outcome")" "$(metric "$outcome")" "/status.json and the metrics: $outcome"
done
is "$(figure received.total)" \
    "$(figure 'received.columns.flatMap((c) => Object.values(c.outcomes)).reduce((a, b) => a + b, 0)')" \
    "the columns add up"
like "$(figure latency.hour.p99_seconds)" '[0-9]*' "there is a latency"
like "$(figure 'providers[0].rate_used')" '[1-9]*' "some of the window is used"
is "$(figure status)" working "it works"

for page in /docs /status; do
    request "$page"
    [ "$(wc -c < <(printf '%s' "$ANSWER"))" -lt 50000 ]
    ok $? "$page is small"
done
is "$(grep -cE 'example-user|ada@example|u-1001|127\.0\.0\.1' <<< "$ANSWER")" 0 "and shows no event and no address"
is "$(header cache-control)" no-store "it is not kept by caches"
is "$(grep -ciE '<script|javascript:|[ "]on[a-z]+=|[ "]style=' <<< "$ANSWER")" 0 "no script and no style of its own in it"
is "$(header referrer-policy)" no-referrer "its links tell nobody"
like "$(header content-security-policy)" "default-src 'none'; style-src 'sha256-*" "it may load nothing"
is "$(grep -c unsafe <<< "$HEADERS")" 0 "nothing unsafe is allowed"

# It asks the store no more than once a second, however often it is asked.
calls() { redis INFO stats | sed -n 's/^total_commands_processed:\([0-9]*\).*/\1/p'; }
request /status
before=$(calls)
began=$(date +%s%N)
views=()
for _ in {1..60}; do
    curl -s -m 20 -o /dev/null "$URL/status" &
    views+=("$!")
done
wait "${views[@]}"
seconds=$((($(date +%s%N) - began) / 1000000000 + 2))
# A look is a PING and some commands for each provider; without the limit there would be hundreds.
[ $(($(calls) - before)) -le $((seconds * 20)) ]
ok $? "sixty views cost the store no more than one a second" || note "$(($(calls) - before)) commands in $seconds s"

kill -STOP "$REDIS_PID"
examples away
is "$(figure status)" down "it says that it is down"
like "$(figure since)" '20*Z' "and since when"
keep /status down.html
kill -CONT "$REDIS_PID"
wait_for "$REDIS_PID" curl -sf -o /dev/null "$URL/api/health"
since=$(figure since)
total=$(figure received.total)
is "$(figure status)" working "it works again"
browser "$URL" light 1200 dark 1200 light 320 dark 320 "$E2E/empty.html" "$E2E/down.html"
declare -A chart=()
while read -r kind name number; do
    [ "$kind" != chart ] || chart[$name]=$number
done < "$E2E/told"
is "${chart[accepted]:-0}" "$(metric accepted)" "the chart: accepted"
is "${chart[repeated]:-0}" "$(metric duplicate)" "the chart: repeated"
is "${chart[refused]:-0}" $(($(metric conflict) + $(metric limited) + $(metric invalid) + $(metric unauthorized) +
    $(metric rejected))) "the chart: refused"
is "${chart[failed]:-0}" $(($(metric unavailable) + $(metric error))) "the chart: failed"

# Restarts lose nothing.
undeploy
start_lighttpd
SERVER_PIDS=("$STARTED")
wait_for "$STARTED" curl -sf -m 5 -o /dev/null "$URL/api/health"
is "$(figure received.total)" "$total" "after a restart: the same day"
is "$(figure since)" "$since" "and works for as long"

# --- who may see it -------------------------------------------------------------------------------------

deploy lighttpd-socket 'server.status_page = token' "provider airtable.read_token = file:$E2E/keys/metrics_token"
request /status
is "$STATUS" 401 "status_page = token: not without it"
like "$(header www-authenticate)" 'Bearer*' "which is asked for"
request /status -H 'Authorization: Bearer wrong'
is "$STATUS" 401 "nor with another"
request /status.json -H "x-api-key: $GUICHET_METRICS_TOKEN"
is "$STATUS" 200 "but with it"
FORWARDED=()
request /status -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
is "$STATUS" 403 "and over HTTPS alone"
FORWARDED=(-H 'X-Forwarded-Proto: https')
keep /docs/openapi.json token.json
deploy lighttpd-socket 'server.status_page = off'
request /status
is "$STATUS" 404 "status_page = off: there is none"
request /docs
is "$STATUS$(grep -c '/status' <<< "$ANSWER")" 2000 "and the documentation names none"

# --- under the other servers ---------------------------------------------------------------------------

for name in apache-proxy apache-fcgid nginx htaccess-fcgid; do
    deploy "$name"
    got=''
    for path in /docs /docs/openapi.json /status /status.json; do
        request "$path" -I
        got+="$STATUS "
    done
    is "$got" '200 200 200 200 ' "$name: HEAD of all four"
    request /status
    like "$STATUS $ANSWER" '200 *</html>*' "$name: the page is whole"
done
# A site that does not include the second file has these paths for itself.
PAGES='' deploy apache-proxy
request /status
is "$STATUS$(grep -c problem <<< "$HEADERS")" 4040 "without the second file /status is the site's"
request /docs
is "$STATUS$(grep -c problem <<< "$HEADERS")" 4040 "and so is /docs"

# --- plain CGI, and below a prefix ---------------------------------------------------------------------

deploy apache-cgid
examples cgi
examples lacking
# What no client can bring about behind these servers (the cases of tests/cases do), and 405, which stands
# with every method that a path has although it is for the others.
is "$(sed -n 's/^lacks //p' "$E2E/told" | grep -v -e truncated_body -e ' 500' -e ' head 40[35]')" "" \
    "every other answer of the document was compared"
is "$(figure 'providers[0].rate_used')" 0 "plain CGI: the figures are there"
event "$E2E/body" cgi-1 user.created '"user_id":"u1","email":"u1@example.org"'
send "$E2E/body"
is "$(figure received.outcomes.accepted)" 1 "plain CGI: and each process adds to them"

# The shipped configuration with the prefix before each of its paths, as its head says.
sed -i -E 's#(/(docs|status|status\.json|api/webhooks|webhooks|api/metrics|api/health)) #/hooks\1 #; s#(fcgi://guichet)/#\1/hooks/#; s#"\^/#"^/hooks/#' \
    "$E2E"/apache/guichet-{cgid,pages}.conf
sed -i -E 's#"\^/#"^/hooks/#' "$E2E"/lighttpd/*.conf
prefixed() {
    # shellcheck disable=SC2317 # health is below the prefix now
    curl() { command curl "${@/%$URL\/api\/health/$URL/hooks/api/health}"; }
    deploy "$1" 'server.base_path = /hooks' 'server.public_url = https://example.net:8443'
    unset -f curl
    request /hooks/docs/openapi.json
    like "$ANSWER" '*"servers":?{"url":"https://example.net:8443/hooks"}?*' "$1 below a prefix: the address"
    printf '%s' "$ANSWER" > "$E2E/prefix-$1.json"
    browser "$URL/hooks"
}
prefixed lighttpd
prefixed apache-cgid
lint openapi.json token.json prefix-lighttpd.json prefix-apache-cgid.json
done_testing
