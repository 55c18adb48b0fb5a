#!/usr/bin/env bash
# A base of Airtable (tests/airtable/server stands in for it) kept right in the store: while records change,
# pings are lost, doubled and reordered, the worker and Redis are killed, hooks break and expire. At the end
# the cache is the base, record for record, and every payload was applied once. Then the same, in short, with a
# file as the store.
#
# AIRTABLE_RECORDS and AIRTABLE_CHANGES make it longer: 5000 and 20000 take some minutes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

DB= # the store, where it is a file
RECORDS=${AIRTABLE_RECORDS:-400}
CHANGES=${AIRTABLE_CHANGES:-1200}
LONG_S=${AIRTABLE_LONG_S:-120} # until a worker must have caught up

export AIRTABLE_BASE_ID=appTest0000000000 AIRTABLE_PERSONAL_TOKEN=patTest

mkdir "$E2E/secrets"
echo hex:00ff > "$E2E/secrets/achOther000000001"
chmod 600 "$E2E/secrets"/*
give "$E2E/secrets"

# A Redis that keeps what it has acknowledged, however it ends.
start_redis() {
    start "$E2E/redis/log" redis-server --port 0 --unixsocket "$E2E/redis/sock" --unixsocketperm 700 \
        --dir "$E2E/redis" --save "" --appendonly yes --appendfsync always --maxmemory-policy noeviction
    REDIS_PID=$STARTED
    wait_for "$REDIS_PID" redis PING
}
stop "$REDIS_PID"
start_redis || bail_out "Redis does not start"

# Sets MOCK, its address.
start_mock() {
    rm -f "$E2E/port"
    [ -d "$E2E/mock" ] || cp -r "$TOP/tests/airtable" "$E2E/mock"
    give "$E2E/mock"
    start "$E2E/mock.log" "$E2E/mock/server" --port-file "$E2E/port" --split 40 \
        --ping-header 'X-Forwarded-Proto: https' \
        --token patTest --token patNoSchema=webhook:manage,data.records:read
    MOCK_PID=$STARTED
    wait_for "$MOCK_PID" test -s "$E2E/port" || bail_out "the server for Airtable does not start"
    MOCK=http://127.0.0.1:$(cat "$E2E/port")
    export AIRTABLE_API_URL=$MOCK
}
admin() { curl -s -m 60 ${2:+-d "$2"} "$MOCK/admin/$1"; }

# The value at a path in the JSON on standard input, such as .hooks.x
json() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name] if isinstance(value, dict) else value[int(name)]
print(value if isinstance(value, (str, int)) else json.dumps(value))' "$@"; }

# What a query finds in the store that is a file. Read-only, so that it has no part in what is tested.
file() { sqlite3 -readonly -cmd '.timeout 5000' "$DB" "$@"; }

# What differs between the base and the cache, and between the payloads made and those handed off.
cat > "$E2E/compare" << 'END'
import json, sqlite3, subprocess, sys, urllib.request

url, base, store = sys.argv[1:4]
P = "guichet:{airtable}:"

def redis(*args):
    out = subprocess.run(["redis-cli", "-s", store, "-n", sys.argv[4], "--json", *args],
                         capture_output=True, text=True, check=True).stdout
    return json.loads(out)

if len(sys.argv) > 4:
    def record(key):
        return redis("HGETALL", P + key)
    def keys(prefix):
        return redis("KEYS", P + prefix + "*")
else:
    file = sqlite3.connect("file:" + store + "?mode=ro", uri=True)
    def record(key):
        return dict(file.execute("SELECT name, value FROM fields WHERE provider = 'airtable' AND key = ?", [key]))
    def keys(prefix):
        return [row[0] for row in file.execute("SELECT DISTINCT key FROM fields WHERE provider = 'airtable' AND "
                                               "substr(key, 1, length(?1)) = ?1", [prefix])]

def ask(what):
    with urllib.request.urlopen(url + "/admin/" + what) as answer:
        return json.load(answer)

dump = ask("dump")
generation = record("base:" + base)["generation"]
tables = record("tables:%s:%s" % (base, generation))
wrong = []
if {k: json.loads(v) for k, v in tables.items()} != {t["id"]: t for t in dump["meta"]["tables"]}:
    wrong.append("tables differ")
for table, records in dump["tables"].items():
    cache = record("records:%s:%s:%s" % (base, generation, table))
    for name in set(records) | set(cache):
        if name not in cache:
            wrong.append("%s %s is missing" % (table, name))
        elif name not in records:
            wrong.append("%s %s is too much" % (table, name))
        elif json.loads(cache[name]) != records[name]:
            wrong.append("%s %s differs" % (table, name))
for key in keys("records:%s:%s:" % (base, generation)):
    if key.rsplit(":", 1)[1] not in dump["tables"]:
        wrong.append("%s is left" % key)
print("\n".join(wrong[:20]) if wrong else "same")
END
same() { # NAME
    local store=("$E2E/redis/sock" "$DATABASE")
    [ -z "$DB" ] || store=("$DB")
    is "$(python3 "$E2E/compare" "$MOCK" "$AIRTABLE_BASE_ID" "${store[@]}" 2>&1)" same "$1"
}

# Payloads of the hook that were handed off: "<how many> <numbers in order without a gap?> <the last>"
handed_off() {
    if [ -n "$DB" ]; then
        file "SELECT count(*) || ' ' || iif(group_concat(n) = (WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL
            SELECT i + 1 FROM c WHERE i < (SELECT count(*) FROM events WHERE id GLOB '$1:*'))
            SELECT group_concat(i) FROM c), 'True', 'False')
            FROM (SELECT substr(id, length('$1') + 2) AS n FROM events WHERE id GLOB '$1:*' ORDER BY entry)"
        return
    fi
    redis --json XRANGE 'guichet:{airtable}:events' - + | python3 -c 'import json, sys
numbers = []
for _, fields in json.load(sys.stdin):
    hook, number = fields[fields.index("id") + 1].split(":")
    if hook == sys.argv[1]:
        numbers.append(int(number))
print(len(numbers), numbers == list(range(1, len(numbers) + 1)))' "$1"
}

# When the first hook ends, as the metrics have it
expiry() {
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    sed -n 's/^guichet_airtable_hook_expiry_timestamp_seconds{provider="airtable"} //p' <<< "$ANSWER"
}

start_mock
admin fill "{\"tables\":4,\"records\":$RECORDS}" > /dev/null
deploy lighttpd "provider airtable.secret = dir:$E2E/secrets" "provider airtable.backlog_limit = 0"
export WEBHOOK_PUBLIC_URL=$URL/webhooks/airtable/refresh

# --- one at a time ------------------------------------------------------------------------------

AIRTABLE_PERSONAL_TOKEN=patWrong tool airtable list > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*401*AIRTABLE_PERSONAL_TOKEN*" "a wrong token is said"
AIRTABLE_BASE_ID=appOther000000000 tool airtable list > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*webhook:manage*appOther000000000*" "so are the scope and the base that are missing"
tool airtable setup --json > "$E2E/out" 2>&1
is "$?" 0 "setup makes a hook" || note "$(cat "$E2E/out")"
HOOK=$(json hook < "$E2E/out")
is "$(stat -c '%a' "$E2E/secrets/$HOOK")" 600 "its secret is kept, 0600"
is "$(tool airtable setup --json | json hook)" "$HOOK" "setup again finds it"
tool airtable drain > "$E2E/out" 2>&1
is "$?" 0 "drain" || note "$(cat "$E2E/out")"
same "the first drain copies the base"
left=$(($(expiry) - $(date +%s)))
[ "$left" -gt 604000 ] && [ "$left" -le 604800 ]
ok $? "the metrics say when the hook ends" || note "$left"
admin random '{"count":30,"seed":3}' > /dev/null
# shellcheck disable=SC2317 # wait_for runs it
marked() { [ -n "$(redis HGET 'guichet:{airtable}:dirty' "$HOOK")" ]; }
wait_for $$ marked
ok $? "a signed ping marks the hook" || note "$(tail -n 3 "$D/audit.log")"
tool airtable drain --due --json > "$E2E/out"
like "$(cat "$E2E/out")" '*"full_refreshes":0*' "what it spoke of is applied without copying all"
same "the cache is the base"
tool airtable drain --due --json > "$E2E/out"
like "$(cat "$E2E/out")" '*"payloads":0,*' "and is not applied again"

# Tables and fields.
TABLE=$(admin dump | json meta tables 0 id)
FIELD=$(admin dump | json meta tables 0 fields 1 id)
admin changes "{\"changes\":[{\"op\":\"create_table\",\"name\":\"New\",\"id\":\"tblNew00000000001\"}]}" > /dev/null
admin changes "{\"changes\":[{\"op\":\"create_record\",\"table\":\"tblNew00000000001\",\"cells\":{}}]}" > /dev/null
admin changes "{\"changes\":[{\"op\":\"destroy_field\",\"table\":\"$TABLE\",\"id\":\"$FIELD\"}]}" > /dev/null
tool airtable drain > "$E2E/out" 2>&1 || note "$(cat "$E2E/out")"
same "a new table, and a field that is gone from all records"
admin changes "{\"changes\":[{\"op\":\"create_record\",\"table\":\"tblNew00000000001\",\"cells\":{}}]}" > /dev/null
admin changes "{\"changes\":[{\"op\":\"destroy_table\",\"id\":\"tblNew00000000001\"}]}" > /dev/null
tool airtable drain > "$E2E/out" 2>&1 || note "$(cat "$E2E/out")"
same "a table that is gone, though a payload before speaks of its records"

# Answers that are none.
admin random '{"count":20}' > /dev/null
admin faults '{"status_503":{"count":1},"truncate":{"count":1},"garbage":{"count":1},"close":{"count":1}}' > /dev/null
tool airtable drain > "$E2E/out" 2>&1
is "$?" 0 "errors, cut and broken answers are asked for again" || note "$(cat "$E2E/out")"
same "and nothing is lost"

# Another hook in the place of this one.
admin random '{"count":20,"seed":4}' > /dev/null
NEXT=$(admin stats | json hooks "$HOOK" next)
like "$(tool airtable payloads "$HOOK" --cursor 1 --json 2> /dev/null | head -n 1)" '{"number":1,"payload":{*"payloadFormat":"v0"*' \
    "payloads can be looked at"
tool airtable payloads achNone0000000000 > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*404*" "those of a hook that is not there cannot"
OLD=$HOOK HOOK=$(tool airtable recreate "$HOOK" --json | json hook)
is "$(handed_off "$OLD")" "$((NEXT - 1)) True" "recreate: all payloads of the old hook are applied"
[ -n "$HOOK" ] && [ -e "$E2E/secrets/$HOOK" ] && [ ! -e "$E2E/secrets/$OLD" ]
ok $? "the new one's secret is there, the old one's is not" || note "$(ls "$E2E/secrets")"
is "$(tool airtable list --json | grep -c "$OLD")" 0 "nor is the old hook"
admin random '{"count":20,"seed":5}' > /dev/null
tool airtable drain > "$E2E/out" 2>&1
same "and the cache is right"

# --- secrets and pings --------------------------------------------------------------------------

FORWARDED_PROTO=(--header 'X-Forwarded-Proto: https')
tool airtable simulate --json --hook "$HOOK" "${FORWARDED_PROTO[@]}" > "$E2E/out" 2>&1
is "$?:$(grep -c '"right":true' "$E2E/out")" "0:10" "the endpoint takes what Airtable signs, and no more" ||
    note "$(cat "$E2E/out")"
tool airtable simulate --json --variant sound --url "$URL/api/webhooks/dazno" "${FORWARDED_PROTO[@]}" > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" '1:*"status":401*"right":false*' "an endpoint that does not is noticed"
admin random '{"count":10,"seed":6}' > /dev/null
tool airtable drain > /dev/null 2>&1
rm "$E2E/secrets/achOther000000001" # of two bytes, which would be remarked
diagnose() { tool airtable diagnose --json "${FORWARDED_PROTO[@]}" > "$E2E/out" 2>&1; }
diagnose
is "$(grep -c '"well":true' "$E2E/out"):$(grep -c '"well":false' "$E2E/out")" "13:0" "diagnose finds nothing" ||
    note "$(cat "$E2E/out")"
tool airtable diagnose --json > "$E2E/out" 2>&1
like "$?:$(grep '"well":false' "$E2E/out")" '1:*"a signed ping"*403*https*' "what is wrong has a remedy: plain HTTP"
AIRTABLE_PERSONAL_TOKEN=patNoSchema tool airtable diagnose --json "${FORWARDED_PROTO[@]}" > "$E2E/out" 2>&1
like "$?:$(grep '"well":false' "$E2E/out")" '1:*schema.bases:read*add the scope*' "a scope that is missing"
tool airtable diagnose --json --url "$URL/elsewhere" > "$E2E/out" 2>&1
like "$?:$(grep '"well":false' "$E2E/out")" '1:*"check":"hook"*airtable setup*' "a hook that is not there"
MAC=$(openssl rand -base64 32)
echo "nonsense!" | tool airtable import-secret achImported000001 > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*macSecretBase64*" "what is no secret is refused"
[ ! -e "$E2E/secrets/achImported000001" ]
ok $? "and not kept"
echo "$MAC" | tool airtable import-secret achImported000001 > "$E2E/out" 2>&1
is "$?:$(stat -c %a "$E2E/secrets/achImported000001"):$(cat "$E2E/secrets/achImported000001")" "0:600:base64:$MAC" \
    "a secret that Airtable showed is kept"
wait_for $$ tool airtable simulate --variant sound --hook achImported000001 "${FORWARDED_PROTO[@]}"
ok $? "and verifies pings of its hook"
rm "$E2E/secrets/achImported000001"
is "$(echo c2VjcmV0LWtleQ== | tool airtable secret-convert --to hex --json | json secret)" hex:7365637265742d6b6579 \
    "a secret in hex"
is "$(echo hex:7365637265742d6b6579 | tool airtable secret-convert --json | json secret)" base64:c2VjcmV0LWtleQ== \
    "and in base64"

# --- all at once --------------------------------------------------------------------------------

watch() {
    start "$E2E/watch.log" env GUICHET_CONFIG="$D/guichet.conf" "$E2E/bin/guichet" airtable watch --poll 4
    WATCH_PID=$STARTED
}
kill_hard() {
    kill -KILL "$1"
    wait "$1" 2> /dev/null
}
cursor() {
    if [ -n "$DB" ]; then
        file "SELECT value FROM fields WHERE provider = 'airtable' AND key = 'hook:$HOOK' AND name = 'cursor'"
    else
        redis HGET "guichet:{airtable}:hook:$HOOK" cursor
    fi
}
due() { [ "$(cursor)" != "$(admin stats | json hooks "$HOOK" next)" ]; }

admin faults '{"drop_ping":0.3,"duplicate_ping":0.3,"reorder_ping":0.3,"status_503":0.03,"truncate":0.02}' > /dev/null
watch
for part in 1 2 3 4; do
    admin random "{\"count\":$((CHANGES / 4)),\"seed\":$part,\"batch\":30}" > /dev/null
    sleep "1.$((RANDOM % 10))"
    case $part in
        1 | 3)
            kill_hard "$WATCH_PID"
            watch
            ;;
        2 | 4)
            kill_hard "$REDIS_PID"
            start_redis || bail_out "Redis does not start again"
            ;;
    esac
done
admin faults '{"drop_ping":0,"duplicate_ping":0,"reorder_ping":0,"status_503":0,"truncate":0}' > /dev/null
for ((i = 0; i < LONG_S * 4; i++)); do
    due || break
    sleep 0.25
done
! due
ok $? "the worker catches up" || note "$(tail -n 5 "$E2E/watch.log" "$D/guichet.log")"
kill -TERM "$WATCH_PID"
wait "$WATCH_PID"
is "$?" 0 "the worker ends when it is told to"
same "the cache is the base, record for record"
next=$(admin stats | json hooks "$HOOK" next)
is "$(handed_off "$HOOK")" "$((next - 1)) True" "each of $((next - 1)) payloads was handed off once, in order"

# --- hooks that end -----------------------------------------------------------------------------

admin hook "{\"id\":\"$HOOK\",\"error\":\"INVALID_HOOK\"}" > /dev/null
tool airtable drain > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*airtable setup*" "an error payload is said, with the remedy"
tool airtable setup --json > "$E2E/out" 2>&1
OLD=$HOOK HOOK=$(json hook < "$E2E/out")
[ "$HOOK" != "$OLD" ] && [ -e "$E2E/secrets/$OLD" ]
ok $? "setup makes another hook, and keeps the old one's secret"
admin random '{"count":40,"seed":9}' > /dev/null
tool airtable drain > "$E2E/out" 2>&1
same "and the cache is right again"

admin clock '{"advance_days":7.5}' > /dev/null
admin random '{"count":40,"seed":10}' > /dev/null # of which no payload tells
tool airtable drain > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*expired*" "a hook that has expired is said"
OLD=$HOOK HOOK=$(tool airtable setup --json | json hook)
tool airtable drain > "$E2E/out" 2>&1
same "with a new one the base is copied anew"
admin random '{"count":40,"seed":11}' > /dev/null
admin clock '{"advance_days":6}' > /dev/null
tool airtable refresh "$HOOK" > /dev/null
admin clock '{"advance_days":2}' > /dev/null # the payloads are older than a week now, the hook is alive
admin random '{"count":10,"seed":12}' > /dev/null
tool airtable drain > "$E2E/out" 2>&1
like "$?:$(tail -n 20 "$E2E/out")" "*deleted before*full_refreshes*1*" "payloads that were missed are noticed"
same "and made up for"

# --- a hook that somebody else made ---------------------------------------------------------------

tool airtable delete "$HOOK" > /dev/null
sleep 1.1 # whoever that is keeps the limit too, and Guichet's requests are not known to them, nor theirs to it
made=$(curl -s -m 10 -H "Authorization: Bearer $AIRTABLE_PERSONAL_TOKEN" "$MOCK/v0/bases/$AIRTABLE_BASE_ID/webhooks" \
    -d "{\"notificationUrl\":\"$WEBHOOK_PUBLIC_URL\",\"specification\":{\"options\":{\"filters\":{\"dataTypes\":[\"tableData\"]}}}}")
sleep 1.1
HOOK=$(json id <<< "$made")
json macSecretBase64 <<< "$made" | tool airtable import-secret "$HOOK" > /dev/null
is "$(tool airtable setup --json | json hook)" "$HOOK" "a hook whose secret was imported is taken over"
admin random '{"count":20,"seed":13}' > /dev/null
tool airtable drain > "$E2E/out" 2>&1
same "its payloads are applied" || note "$(cat "$E2E/out")"

# --- the limit ----------------------------------------------------------------------------------

stats=$(admin stats)
most=$(json bases "$AIRTABLE_BASE_ID" most_in_a_second <<< "$stats")
[ "$most" -le 5 ]
ok $? "never more than 5 requests in a second: $most" || note "$stats"
is "$(json bases "$AIRTABLE_BASE_ID" refused <<< "$stats")" 0 "none was refused for that"
admin faults '{"status_429":{"count":1}}' > /dev/null
timeout 3 setpriv "${AS_USER[@]}" -- env GUICHET_CONFIG="$D/guichet.conf" "$E2E/bin/guichet" airtable list > /dev/null 2>&1
pause=$(($(redis HGET "guichet:{airtable}:api:$AIRTABLE_BASE_ID" pause) / 1000000 - $(date +%s)))
[ "$pause" -gt 20 ] && [ "$pause" -le 30 ]
ok $? "after a 429 nobody asks for 30 s" || note "$pause s"

stop "$MOCK_PID"

# --- a file as the store --------------------------------------------------------------------------

mkdir -m 700 "$E2E/store" "$E2E/secrets-file"
DB=$E2E/store/store.db
echo hex:00ff > "$E2E/secrets-file/achOther000000001"
chmod 600 "$E2E/secrets-file"/*
give "$E2E/store" "$E2E/secrets-file"
start_mock
admin fill "{\"tables\":4,\"records\":$RECORDS}" > /dev/null
deploy lighttpd "server.store = sqlite://$DB" "provider airtable.secret = dir:$E2E/secrets-file" \
    "provider airtable.backlog_limit = 0"
export WEBHOOK_PUBLIC_URL=$URL/webhooks/airtable/refresh
is "$(expiry)" "" "a file as the store: nothing is known of hooks yet"
HOOK=$(tool airtable setup --json | json hook)
tool airtable drain > "$E2E/out" 2>&1
is "$?" 0 "drain" || note "$(cat "$E2E/out")"
same "the first drain copies the base"
[ "$(expiry)" -gt "$(date +%s)" ]
ok $? "the metrics say when the hook ends"
admin faults '{"drop_ping":0.3,"duplicate_ping":0.3,"reorder_ping":0.3}' > /dev/null
watch
for part in 1 2 3; do
    admin random "{\"count\":$((CHANGES / 6)),\"seed\":2$part,\"batch\":30}" > /dev/null
    sleep "1.$((RANDOM % 10))"
    kill_hard "$WATCH_PID"
    watch
done
admin faults '{"drop_ping":0,"duplicate_ping":0,"reorder_ping":0}' > /dev/null
for ((i = 0; i < LONG_S * 4; i++)); do
    due || break
    sleep 0.25
done
! due
ok $? "the worker catches up" || note "$(tail -n 5 "$E2E/watch.log" "$D/guichet.log")"
kill -TERM "$WATCH_PID"
wait "$WATCH_PID"
is "$?" 0 "the worker ends when it is told to"
same "the cache is the base, record for record"
next=$(admin stats | json hooks "$HOOK" next)
is "$(handed_off "$HOOK")" "$((next - 1)) True" "each of $((next - 1)) payloads was handed off once, in order"
[ "$(admin stats | json bases "$AIRTABLE_BASE_ID" most_in_a_second)" -le 5 ]
ok $? "never more than 5 requests in a second"
stop "$MOCK_PID"
done_testing
