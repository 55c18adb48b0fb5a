#!/usr/bin/env bash
# Reading the copy of a base: in Redis with all that can be asked, then in a file under each server.
# shellcheck source-path=SCRIPTDIR source=airtable.sh
. "$(dirname "$0")/airtable.sh"

RECORDS=130
TOKEN=$(openssl rand -hex 32)
NEXT_TOKEN=$(openssl rand -hex 32)
mkdir "$E2E/tokens"
(umask 077 && echo "$TOKEN" > "$E2E/tokens/read" && echo "$NEXT_TOKEN" > "$E2E/tokens/next")
give "$E2E/tokens"
READ=("provider airtable.read_token = file:$E2E/tokens/read" "provider airtable.read_token = file:$E2E/tokens/next")
BASE_PATH=/webhooks/airtable/$AIRTABLE_BASE_ID

get() { # PATH BELOW THE BASE, CURL ARG...
    local path=$1
    shift
    request "$BASE_PATH$path" -H "Authorization: Bearer $TOKEN" "$@"
}
answer() { json "$@" <<< "$ANSWER"; }

# --- in Redis -----------------------------------------------------------------------------------

start_mock
deploy_base
request "$BASE_PATH" -H "Authorization: Bearer $TOKEN"
like "$STATUS $ANSWER" "403 *not enabled*" "without a configured token nobody reads"
like "$(cat "$D/guichet.log")" "*/webhooks/airtable/...*[[]provider airtable] read_token*" "and the log says how to change that"
kill "$LOOKER" 2> /dev/null
wait "$LOOKER" 2> /dev/null
deploy_base "${READ[@]}"
get ""
is "$STATUS" 404 "a base that is not known"
tool airtable setup > "$E2E/out" 2>&1 || note "$(cat "$E2E/out")"
get ""
is "$STATUS:$(header retry-after)" "503:30" "a base that is not copied yet"
tool airtable drain > "$E2E/out" 2>&1 || note "$(cat "$E2E/out")"
get ""
is "$STATUS $(answer base) $(answer generation) $(answer pending) $(answer stale)" \
    "200 $AIRTABLE_BASE_ID 1 False null" "the base: which copy, and how fresh"
TABLE=$(answer tables 0 id)
is "$(json tables < <(echo "$ANSWER") | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" 4 "its tables"
like "$(header age):$(header guichet-copy)" '[0-9]*:generation=1, as-of="20*Z", pending=?0, refreshing=?0, stale=?0, old=?0' \
    "how fresh it is, in headers"

# All pages of all tables, against the server's own records; one record at random besides.
cat > "$E2E/pages" << 'END'
import json, subprocess, sys, urllib.request

url, mock, base, token = sys.argv[1:5]

def get(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return json.load(answer)

def read(path):
    return get(url + "/webhooks/airtable/" + base + path, **{"Authorization": "Bearer " + token,
                                                             "X-Forwarded-Proto": "https"})

wrong, pages = [], 0
for table, records in get(mock + "/admin/dump")["tables"].items():
    seen, cursor = [], None
    while True:
        page = read("/%s?limit=10%s" % (table, "&cursor=" + cursor if cursor else ""))
        seen += page["records"]
        cursor = page["cursor"]
        pages += 1
        if len(page["records"]) > 10:
            wrong.append("a page is too long")
        if not cursor:
            break
    if [r["id"] for r in seen] != sorted(records):
        wrong.append("%s: %d records, not %d in order" % (table, len(seen), len(records)))
    if {r["id"]: r for r in seen} != records:
        wrong.append("%s: records differ" % table)
    one = sorted(records)[len(records) // 2]
    if read("/%s/%s" % (table, one)) != records[one]:
        wrong.append("%s: %s differs" % (table, one))
print("; ".join(wrong) if wrong else "same in %d pages" % pages)
END
all_pages() { python3 "$E2E/pages" "$URL" "$MOCK" "$AIRTABLE_BASE_ID" "$TOKEN" 2>&1; }
is "$(all_pages)" "same in 16 pages" "all pages of all tables are the base"

get "/$TABLE?limit=1"
RECORD=$(answer records 0 id)
ETAG=$(header etag)
get "/$TABLE?limit=1" -H "If-None-Match: $ETAG"
is "$STATUS:$ANSWER:$(header etag)" "304::$ETAG" "a page that the reader has"
like "$(header cache-control) $(header guichet-copy)" "private, no-cache generation=1,*" "which is still told how fresh it is"
get "/$TABLE?limit=2" -H "If-None-Match: $ETAG"
is "$STATUS" 200 "and another one, which it has not"
get "/$TABLE/$RECORD"
ETAG=$(header etag) LENGTH=$(header content-length)
is "$STATUS $(answer id)" "200 $RECORD" "a record"
get "/$TABLE/$RECORD" -H "If-None-Match: \"x\", W/$ETAG"
is "$STATUS" 304 "which has not changed"
get "/$TABLE/$RECORD" -I
is "$STATUS:$(header etag):$(header content-length)" "200:$ETAG:$LENGTH" "HEAD tells the same of it"

# What is not there, and what is no question.
for case in "404 /tblNone0000000000" "404 /$TABLE/recNone0000000000" "404 /recNone0000000000" "404 /$TABLE/$TABLE" \
    "404 /$TABLE/$RECORD/fields" "404 /" "404 /$TABLE/" "404 /$TABLE/rec%2e%2e" \
    "400 /$TABLE?limit=0" "400 /$TABLE?limit=ten" "400 /$TABLE?limit=-1" "400 /$TABLE?size=1" "400 /$TABLE?limit" \
    "400 /$TABLE?limit=1&limit=1" "400 /$TABLE?cursor=" "400 /$TABLE?cursor=$RECORD" "400 /$TABLE?cursor=0.$RECORD" \
    "400 /$TABLE?cursor=1.$TABLE" "400 /$TABLE/$RECORD?limit=1" "400 ?limit=1" "410 /$TABLE?cursor=9.$RECORD" \
    "410 /$TABLE?cursor=9223372036854775807.$RECORD" "200 /$TABLE?limit=100000" "200 /$TABLE?&limit=1&"; do
    get "${case#* }"
    is "$STATUS" "${case%% *}" "$case"
done

# Who may read.
get "/$TABLE/$RECORD" -X POST -d '{}'
is "$STATUS:$(header allow)" "405:GET, HEAD" "nothing is written here"
request "$BASE_PATH/$TABLE/$RECORD" -H "x-api-key: $NEXT_TOKEN"
is "$STATUS" 200 "the other token, as x-api-key"
refused() { printf '%s\n%s\n%s' "$STATUS" "$(grep -v '^date' <<< "$HEADERS")" "$ANSWER"; }
request "$BASE_PATH/$TABLE/$RECORD"
NOBODY=$(refused)
like "$NOBODY" '401*www-authenticate: Bearer realm="guichet"*' "without a token"
for headers in "Authorization: Bearer ${TOKEN}0" "Authorization: Basic $TOKEN" "Authorization: Bearer" \
    "Authorization: Bearer $GUICHET_METRICS_TOKEN" "x-api-key: $T4G_API_KEY" "x-api-key:"; do
    request "$BASE_PATH/$TABLE/$RECORD" -H "$headers"
    is "$(refused)" "$NOBODY" "the same answer to ${headers%% *} ${headers:15:8}..."
done
request "$BASE_PATH/tblNone0000000000/recNone0000000000"
is "$(refused)" "$NOBODY" "and of what is not there"
request "$BASE_PATH?limit=x"
is "$(refused)" "$NOBODY" "and to what is no question"
request "$BASE_PATH/$TABLE/$RECORD" -H "x-api-key: $TOKEN" -H "x-api-key: $TOKEN"
[ "$STATUS" = 401 ]
ok $? "a token that comes twice" || note "$STATUS"
request /api/metrics -H "Authorization: Bearer $TOKEN"
is "$STATUS" 401 "the token to read does not open the metrics"
FORWARDED=()
get "/$TABLE/$RECORD"
is "$STATUS" 403 "nor is anything read over plain HTTP"
FORWARDED=(-H 'X-Forwarded-Proto: https')

# A change: the ping says so at once, the drain brings it.
admin changes "{\"changes\":[{\"op\":\"destroy_record\",\"table\":\"$TABLE\",\"id\":\"$RECORD\"}]}" > "$E2E/out"
# shellcheck disable=SC2317 # wait_for runs it
pending() { get "/$TABLE?limit=1" && [[ $(header guichet-copy) == *"pending=?1"* ]]; }
wait_for $$ pending
ok $? "a ping that is not answered yet is told of" || note "$(cat "$E2E/out") $(header guichet-copy)"
get "/$TABLE/$RECORD"
is "$STATUS" 200 "until then the record is there"
tool airtable drain --due > "$E2E/out" 2>&1
get "/$TABLE/$RECORD"
is "$STATUS" 404 "then it is gone"
get ""
is "$(answer pending)" False "and nothing is pending"

# Another copy, and a third, while a reader pages.
get "/$TABLE?limit=10"
CURSOR=$(answer cursor) REST=$(answer records 9 id)
tool airtable drain --full > "$E2E/out" 2>&1
get "/$TABLE?limit=10&cursor=$CURSOR"
is "$STATUS $(answer generation) $(header guichet-copy | grep -o 'old=.*')" "200 1 old=?1" \
    "a reader goes on in the copy in which it began"
[[ $(answer records 0 id) > $REST ]]
ok $? "behind the last record that it has"
get "/$TABLE?limit=10"
is "$(answer generation)" 2 "who begins now reads the new one"
tool airtable drain --full > "$E2E/out" 2>&1
get "/$TABLE?limit=10&cursor=$CURSOR"
like "$STATUS $ANSWER" "410 *begin again without a cursor*" "when the old one is gone, that is said, with the remedy"
is "$(all_pages)" "same in 16 pages" "and all pages of the newest are the base"

stop "$REDIS_PID"
get "/$TABLE?limit=10"
is "$STATUS:$(header retry-after)" "503:2" "without the store there is no answer"
end_base

# --- in a file, under each server ---------------------------------------------------------------

mkdir -m 700 "$E2E/store"
give "$E2E/store"
DB=$E2E/store/store.db
start_mock
deploy_base "${READ[@]}"
tool airtable setup > "$E2E/out" 2>&1 || note "$(cat "$E2E/out")"
tool airtable drain > "$E2E/out" 2>&1 || note "$(cat "$E2E/out")"
is "$(all_pages)" "same in 16 pages" "in a file: all pages of all tables are the base"
get ""
TABLE=$(answer tables 0 id)
get "/$TABLE?limit=1"
RECORD=$(answer records 0 id)
get "/$TABLE/$RECORD"
ETAG=$(header etag) BODY=$ANSWER
for name in "${DEPLOYMENTS[@]}"; do
    deploy "$name" "server.store = sqlite://$DB" "provider airtable.secret = dir:$SECRETS" "${READ[@]}"
    get "/$TABLE/$RECORD"
    is "$STATUS $(header etag) $ANSWER" "200 $ETAG $BODY" "$name: a record"
    like "$(header guichet-copy)" "generation=1,*" "how fresh it is"
    get "/$TABLE/$RECORD" -H "If-None-Match: $ETAG"
    is "$STATUS:$ANSWER" "304:" "not again"
    get "/$TABLE/$RECORD" -I
    is "$STATUS:$(header etag)" "200:$ETAG" "the headers alone"
    get "/$TABLE?limit=3"
    is "$STATUS $(grep -o '"cursor"' <<< "$ANSWER")" '200 "cursor"' "a page, by its query"
    request "$BASE_PATH/$TABLE/$RECORD"
    is "$STATUS" 401 "but not without the token"
done
end_base
done_testing
