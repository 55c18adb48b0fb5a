#!/usr/bin/env bash
# The collection of docs/postman, run by newman: every request passes, run after run; with a wrong secret, and
# against a server that is not Guichet, they fail.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

NEWMAN=$TOP/build/newman

# newman as tests/postman pins it, fetched once for each state of that pin
have_newman() {
    local new status
    cmp -s "$TOP/tests/postman/package-lock.json" "$NEWMAN/package-lock.json" && return
    mkdir -p "$TOP/build"
    new=$(mktemp -d "$TOP/build/newman.XXXXXX")
    cp "$TOP/tests/postman/package.json" "$TOP/tests/postman/package-lock.json" "$new"
    (cd "$new" && npm ci --ignore-scripts --no-audit --no-fund) > "$E2E/npm" 2>&1
    status=$?
    if [ "$status" -eq 0 ]; then
        rm -rf "$NEWMAN"
        mv "$new" "$NEWMAN"
    fi
    rm -rf "$new"
    return "$status"
}

# collection [NAME=VALUE...]: runs it with these instead of the right ones; sets RESULT and ENDED. The last one of
# a name counts. One process for all runs: newman takes long to load.
collection() {
    local line
    RESULT='' ENDED=none
    echo "BASE_URL=$URL T4G_API_KEY=$T4G_API_KEY T4G_WEBHOOK_SECRET=$T4G_WEBHOOK_SECRET" \
        "WEBHOOK_SECRET=$WEBHOOK_SECRET GUICHET_METRICS_TOKEN=$GUICHET_METRICS_TOKEN $*" >&"${RUNS[1]}"
    while read -r -t 100 line <&"${RUNS[0]}"; do
        case $line in
            ended*) ENDED=${line#ended } && break ;;
            *) RESULT+=${RESULT:+$'\n'}$line ;;
        esac
    done
}

# those_that VERDICT: the names, one a line
those_that() { sed -n "s/^$1 \(.*\) ([0-9]* assertions).*/\1/p" <<< "$RESULT"; }

# Without a network the other tests go on.
have_newman
ok $? "npm installs newman, or it is there" || { note "$(head -n 5 "$E2E/npm")" && done_testing; }
coproc RUNS { NODE_PATH="$NEWMAN/node_modules" exec node "$TOP/tests/postman/run.js" 2>&1; }

# For deploy.sh: mounts the pages.
# shellcheck disable=SC2034
PAGES=yes
deploy lighttpd 'server.require_https = no'
FORWARDED=()

# What the server documents is what the collection has.
request /docs/openapi.json
is "$(node -p '
    const { item } = require(process.argv[1]);
    const paths = (i) => i.item ? i.item.flatMap(paths) : i.request.url.raw.replace("{{base_url}}", "");
    const asked = new Set(item.flatMap(paths));
    Object.keys(JSON.parse(fs.readFileSync(0)).paths).filter((p) => !asked.has(p)).join(" ")' \
    "$TOP/docs/postman/guichet.postman_collection.json" <<< "$ANSWER")" "" "no path of the server is missing"

collection
is "$ENDED" 0 "the collection passes"
while read -r verdict rest; do
    [ "$verdict" = pass ]
    ok $? "$rest"
done <<< "$RESULT"
is "$(redis XLEN 'guichet:{dazno}:events')" 6 "one event of each type was accepted, once"
user=$(redis --scan --pattern 'guichet:{dazno}:user:postman-*')
is "$(redis HGET "$user" balance)" 9223372036854775807 "the largest balance arrived exactly"
is "$(redis HGET "$user" received_msat)" 9007199254740993 "and an amount that no double holds"
is "$(redis --raw HGET "$user" profile.display_name)" '"Zoë ⚡ 🦊"' "and what is beyond ASCII"
is "$(redis XLEN 'guichet:{dazno}:quarantine')" 3 "conflict, invalid event and unknown type are in quarantine"
is "$(redis HLEN 'guichet:{airtable}:dirty')" 1 "one hook is marked, the forged one is not"

collection
is "$ENDED" 0 "a second run passes too" || note "$RESULT"
is "$(redis XLEN 'guichet:{dazno}:events')" 12 "with ids of its own"

raw=$(perl -ne 'chomp; print pack "H*", $_' <<< "$WEBHOOK_SECRET" | openssl base64 -A)
for secret in "hex:$WEBHOOK_SECRET" "base64:$raw"; do
    collection WEBHOOK_SECRET="$secret"
    is "$ENDED" 0 "the secret of Airtable as ${secret%%:*}:"
done

# The negative twins. What is refused anyway is refused then, too.
signed='user.created
user.updated
lightning.payment_received
lightning.payment_sent
t4g.balance_updated
gamification.level_up
The same event again
The same id, another body'
collection T4G_WEBHOOK_SECRET=another
is "$ENDED" 1 "with another secret it fails"
is "$(those_that fail)" "$signed"$'\nInvalid event\nUnknown event type' "namely what must be authentic"
collection T4G_API_KEY=another
is "$(those_that fail)" "$signed"$'\nInvalid event\nUnknown event type' "the same with another key"
collection T4G_WEBHOOK_SECRET=
like "$RESULT" '*T4G_WEBHOOK_SECRET is empty*' "an empty secret is named"
is "$(redis XLEN 'guichet:{dazno}:events')" 24 "and nothing more was accepted"
collection WEBHOOK_SECRET="$(openssl rand -hex 32)"
is "$ENDED $(those_that fail)" "1 Ping" "with another secret of Airtable the ping"
collection GUICHET_METRICS_TOKEN=another
is "$ENDED $(those_that fail)" $'1 Metrics\nMetrics as OpenMetrics' "with another token the metrics"
collection BASE_URL="$URL/elsewhere"
is "$(those_that pass)" "" "where Guichet is not, no request passes"
deploy lighttpd-socket 'server.require_https = no' 'server.status_page = token'
collection
is "$ENDED" 0 "with status_page = token it passes" || note "$RESULT"
collection GUICHET_METRICS_TOKEN=another
is "$(those_that fail)" $'Metrics\nMetrics as OpenMetrics\nStatus page\nStatus page, headers alone\nStatus as JSON' \
    "with another token the status is refused as well"

is "$(grep -c '"value": ""' "$TOP/docs/postman/guichet.postman_environment.json")" 4 "no secret is in the environment"
done_testing
