#!/usr/bin/env bash
# guichet store copy, while senders go on: plain CGI moves from a file to Redis and back to another file, with a kill in
# the middle. What was answered stays answered, what comes meanwhile comes again, and each counts once.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

body=$E2E/body
deployment=apache-cgid

ask() { sqlite3 -readonly -cmd '.timeout 5000' "$DB" "$@"; }
expect() { is "$STATUS" "$1" "$2" || note "$ANSWER"; }

mkdir -m 700 "$E2E/store"
give "$E2E/store"
DB=$E2E/store/store.db
openssl rand -hex 32 > "$E2E/keys/audit_key"
chmod 600 "$E2E/keys/audit_key"
give "$E2E/keys/audit_key"
deploy "$deployment" "server.store = sqlite://$DB" "server.audit_key = file:$E2E/keys/audit_key" \
    'provider dazno.rate_limit = 100000/60s'
REDIS="unix://$E2E/redis/sock?db=$DATABASE"

# The configuration names another store from the next process on, at once.
switch() { # STORE
    sed "s|^store = .*|store = $1|" "$D/guichet.conf" > "$D/guichet.conf.new"
    chmod 640 "$D/guichet.conf.new"
    give "$D/guichet.conf.new"
    mv "$D/guichet.conf.new" "$D/guichet.conf"
}

# copy EXPECTED NAME ARG...: its output in COPIED
copy() {
    local expected=$1 name=$2
    shift 2
    COPIED=$(tool store copy "$@" 2>&1)
    is "$?" "$expected" "$name" || note "${COPIED:0:2000}"
}

# --- before --------------------------------------------------------------------------------------------

event "$body" a-1 user.created '"user_id":"u1","email":"u1@example.com"'
send "$body"
expect 200 "an event"
FIRST=$ANSWER
cp "$body" "$E2E/first"
for i in 1 2 3; do
    event "$body" "p-$i" lightning.payment_received "\"user_id\":\"u1\",\"amount_msat\":$i,\"payment_hash\":\"h$i\""
    send "$body"
    expect 200 "payment $i"
done
printf '{"id":"a-2","timestamp":"2025-10-15T10:30:00Z"}' > "$body"
send "$body"
expect 400 "an invalid event goes to quarantine"
tool audit seal > "$E2E/out" 2>&1
ok $? "the audit is sealed" || note "$(cat "$E2E/out")"
tool consume --group mail --once -- sh -c "sed 's/.*\"id\":\"\([^\"]*\).*/\1/' >> $E2E/done" > "$E2E/out" 2>&1
ok $? "a consumer does what there is" || note "$(cat "$E2E/out")"

# --- what is refused -----------------------------------------------------------------------------------

copy 2 "an address that is none" redis:/nowhere
copy 3 "a Redis that is not there" "unix://$E2E/redis/none"
redis SET 'guichet:{dazno}:user:u9' x > /dev/null
copy 1 "a Redis that is not empty" "$REDIS"
like "$COPIED" '*is not empty*another database of Redis*' "and what to do is said"
is "$(redis DBSIZE)" 1 "it stays as it was"
redis DEL 'guichet:{dazno}:user:u9' > /dev/null
copy 0 "a look" --dry-run --json "$REDIS"
like "$COPIED" '*{"provider":"dazno","what":"ids","from":4,"digest":"'* "it says what there is"
is "$(redis DBSIZE)" 0 "and nothing was changed"
sed "s|store.db|damaged.db|" "$D/guichet.conf" > "$D/damaged.conf"
sqlite3 "$DB" ".backup $E2E/store/damaged.db"
perl -e 'open my $f, "+<", $ARGV[0] or die; for (2 .. (-s $f) / 4096 - 1) { seek $f, $_ * 4096, 0; print $f "x" x 4096 }' \
    "$E2E/store/damaged.db"
chmod 600 "$E2E/store/damaged.db"
chmod 640 "$D/damaged.conf"
give "$E2E/store/damaged.db" "$D/damaged.conf"
copy 1 "a damaged file" --config "$D/damaged.conf" "$REDIS"
like "$COPIED" '*store_damaged*' "and what is the matter is said"
send "$E2E/first"
expect 200 "meanwhile the old store serves"

# --- killed in the middle ------------------------------------------------------------------------------

# So many ids that it takes a while.
sqlite3 -cmd '.timeout 5000' "$DB" "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
    INSERT INTO ids SELECT 'dazno', 'bulk-' || i, zeroblob(32), randomblob(16), i,
    (strftime('%s', 'now') + 86400) * 1000000 FROM n"
tool store copy "$REDIS" > "$E2E/killed" 2>&1 &
until [ "$(redis EXISTS 'guichet:{dazno}:id:bulk-1')" = 1 ]; do
    [ -d "/proc/$!" ] || break
done
for pid in $(pgrep -f "^$E2E/bin/guichet store copy"); do kill -KILL "$pid"; done
wait $! 2> /dev/null
is "$(grep -c guichet: "$E2E/killed")" 0 "it was killed before it said anything"
like "$(ask "SELECT value FROM store WHERE name = 'closed:dazno'")" 'copying to *' "the old store is closed"
like "$(redis GET 'guichet:{dazno}:closed')" 'filled from *' "the new one too"
event "$body" k-1 user.updated '"user_id":"u1","city":"Basel"'
send "$body"
expect 503 "an event meanwhile"
send "$E2E/first"
is "$STATUS $ANSWER" "200 $FIRST" "one that is known is answered as it was"
switch "$REDIS"
send "$body"
expect 503 "half a copy takes nothing"
tool store open > "$E2E/out" 2>&1
is $? 1 "and is not opened" || note "$(cat "$E2E/out")"
switch "sqlite://$DB"
grep -q 'store_closed (copying to unix://.*guichet store open' "$D"/*.log
ok $? "the log says what it is, and what helps"
like "$(tool check --json | grep store.open | grep dazno)" '*"fail"*copying to*guichet store open*' "guichet check sees it"
tool store open > "$E2E/out" 2>&1
ok $? "the old one can be opened again" || note "$(cat "$E2E/out")"
send "$body"
expect 200 "and then serves"
like "$(tool check --json | grep store.open | grep dazno)" '*"ok"*' "guichet check too"

# --- under load ------------------------------------------------------------------------------------------

"$(dirname "$0")/insist" "$PORT" "$E2E/keys/t4g_api_key" "$E2E/keys/t4g_webhook_secret" load 150 4 120 > "$E2E/insist" &
sender=$!
until [ "$(ask "SELECT count(*) FROM ids WHERE id LIKE '%load%'")" -ge 20 ] || ! kill -0 "$sender" 2> /dev/null; do
    sleep 0.05
done
copy 0 "the copy, repeated, while senders go on" --json "$REDIS"
is "$(grep -c '"same":true' <<< "$COPIED")" "$(grep -c '"same"' <<< "$COPIED")" "all is alike"
like "$COPIED" '*"what":"ids","from":30[0-9]*' "it is more than before"
[ "$(ask "SELECT count(*) FROM ids WHERE id LIKE '%load%'")" -lt 150 ]
ok $? "senders were not done then"
switch "$REDIS"
wait "$sender"
note "$(cat "$E2E/insist")"
like "$(cat "$E2E/insist")" 'answered 150 of 150,*' "in the end each sender has its answer"
is "$(redis HGET 'guichet:{dazno}:user:load' received_msat)" 11325 "each payment counts once"
is "$(redis LLEN 'guichet:{dazno}:payments:load')" 150 "and is once in the history"

# --- as it was -------------------------------------------------------------------------------------------

known() { # STORE
    send "$E2E/first"
    is "$STATUS $ANSWER" "200 $FIRST" "$1: an old event has its first answer"
    is "$(header idempotent-replayed)" true "$1: and is known for a duplicate"
    event "$body" a-1 user.created '"user_id":"u1","email":"other@example.com"'
    send "$body"
    expect 409 "$1: its id with another body"
    tool audit verify > "$E2E/out" 2>&1
    ok $? "$1: the seals of the audit hold" || note "$(cat "$E2E/out")"
}
known redis
tool consume --group mail --once -- sh -c "sed 's/.*\"id\":\"\([^\"]*\).*/\1/' >> $E2E/done" > "$E2E/out" 2>&1
is "$(sort "$E2E/done" | uniq -d)" "" "the consumer is not given again what it has done"
is "$(grep -c '^load-' "$E2E/done")" 150 "and is given what came since"
is "$(tool quarantine list --json | wc -l)" 2 "what was in quarantine is, and the conflict"

# --- and on, to another file ------------------------------------------------------------------------------

DB=$E2E/store/second.db
copy 0 "from Redis to a file" "sqlite://$DB"
event "$body" z-1 user.updated '"user_id":"u1","city":"Bern"'
send "$body"
expect 503 "Redis is closed"
switch "sqlite://$DB"
send "$body"
expect 200 "the file serves"
known file
is "$(ask "SELECT value FROM fields WHERE key = 'user:load' AND name = 'received_msat'")" 11325 "the state went along"

done_testing
