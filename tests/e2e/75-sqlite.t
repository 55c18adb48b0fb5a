#!/usr/bin/env bash
# Without Redis: the store is a file, and guichet.fcgi with that file and the secrets is the whole receiver,
# under plain CGI, mod_fcgid and lighttpd.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

stop "$REDIS_PID" # nothing here needs it
REDIS_PID=

body=$E2E/body
other=$E2E/other

# What a query finds in the store. Read-only, so that it has no part in what is tested.
ask() { sqlite3 -readonly -cmd '.timeout 5000' "$DB" "$@"; }

# A folder for a store: sets DB.
make_store() {
    mkdir "$E2E/$1"
    chmod 700 "$E2E/$1"
    give "$E2E/$1"
    DB=$E2E/$1/store.db
}

serve() { # DEPLOYMENT LINE...
    local name=$1
    shift
    make_store "store-$name-$((++STORES))"
    deploy "$name" "server.store = sqlite://$DB" "$@"
}
STORES=0

expect() { is "$STATUS" "$1" "$deployment: $2" || note "$ANSWER"; }

each_answer() {
    local first
    event "$body" a-1 user.created '"user_id":"u1","email":"u1@example.com"'
    send "$body"
    expect 200 "an event"
    first=$ANSWER
    send "$body"
    expect 200 "the same again"
    is "$ANSWER" "$first" "$deployment: the original answer"
    is "$(header idempotent-replayed)" true "$deployment: it is a replay"
    event "$other" a-1 user.created '"user_id":"u1","email":"other@example.com"'
    send "$other"
    expect 409 "the same id with another body"
    printf '{"id":"a-2","timestamp":"2025-10-15T10:30:00Z"}' > "$other"
    send "$other"
    expect 400 "an invalid event"
    send "$other"
    expect 400 "and again"
    event "$other" a-2 t4g.balance_updated '"user_id":"u1","new_balance":9223372036854775807'
    send "$other"
    expect 200 "corrected under its id"
    event "$other" a-3 user.updated '"user_id":"u1","city":"Basel"'
    send "$other"
    expect 200 "a third"
    event "$other" a-4 user.updated '"user_id":"u1","city":"Bern"'
    send "$other"
    expect 429 "one more than the rate allows"
    like "$(header retry-after)" '[1-9]*' "$deployment: it says when"
    send "$body"
    expect 200 "a duplicate passes the full window"
    printf '{"base":{"id":"b"},"webhook":{"id":"hook1"},"timestamp":"2025-10-15T10:30:00Z"}' > "$other"
    request /webhooks/airtable/refresh -H 'Content-Type: application/json' --data-binary "@$other" \
        -H "X-Airtable-Content-MAC: hmac-sha256=$(airtable_signature "$other")"
    expect 200 "an Airtable ping"
    request /api/health
    expect 200 "health"
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    like "$ANSWER" '*guichet_store_up 1*' "$deployment: the metrics know the store"
    like "$ANSWER" '*guichet_backlog_entries{provider="dazno"} 3*' "$deployment: and how much is in it"
    like "$ANSWER" '*guichet_quarantine_entries{provider="dazno"} 2*' "$deployment: and in quarantine"
}

what_is_stored() {
    is "$(ask "SELECT group_concat(id) FROM (SELECT id FROM events ORDER BY entry)")" a-1,a-2,a-3 \
        "$deployment: the hand-off, in order"
    is "$(ask "SELECT count FROM quarantine WHERE reason <> 'conflict'")" 2 "$deployment: a repeat is counted"
    is "$(ask "SELECT value FROM fields WHERE key = 'user:u1' AND name = 'email'")" u1@example.com \
        "$deployment: the conflict changed nothing"
    is "$(ask "SELECT group_concat(outcome) FROM (SELECT outcome FROM audit WHERE provider = 'dazno'
        ORDER BY entry)")" accepted,duplicate,conflict,invalid,invalid,accepted,accepted,limited,duplicate \
        "$deployment: the audit"
    is "$(ask "SELECT count(*) FROM fields WHERE provider = 'airtable' AND key = 'dirty'")" 1 \
        "$deployment: the hook is marked"
    is "$(stat -c %a "$DB" "$DB-wal" "$DB-shm" "$DB-lock" | sort -u)" 600 "$deployment: its files are 0600"
}

# While another program holds the file: 503 within the deadline, but a duplicate is answered.
locked() {
    local holder
    mkfifo "$E2E/hold-$STORES"
    setpriv "${AS_USER[@]}" -- sqlite3 "$DB" < "$E2E/hold-$STORES" > "$E2E/held" &
    holder=$!
    exec 9> "$E2E/hold-$STORES"
    echo "BEGIN IMMEDIATE; SELECT 'held';" >&9
    wait_for "$holder" grep -q held "$E2E/held"
    send "$body" -m 6
    expect 200 "locked: a duplicate"
    event "$other" l-1 user.updated '"user_id":"u1","city":"Genf"'
    send "$other" -m 6
    expect 503 "locked: an event"
    like "$(header retry-after)" '[1-9]*' "$deployment: locked: it says when to come again"
    printf 'ROLLBACK;\n.quit\n' >&9
    exec 9>&-
    wait "$holder"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        send "$other"
        [ "$STATUS" != 503 ] && break
        sleep 0.3
    done
    expect 200 "and when it is free again"
    like "$(cat "$D"/*.log)" '*store_busy*' "$deployment: the log says what it was"
}

# In the background alone: kills one of our programs after the other, and prints how many when it is ended.
kill_all_the_time() {
    exec perl -MTime::HiRes=sleep -e '
        my ($top, $pause, $n, $end) = (@ARGV, 0, 0);
        $SIG{TERM} = sub { $end = 1 };
        until ($end) {
            sleep $pause;
            my @found = grep { (readlink("/proc/$_/exe") // "") =~ m{^\Q$top\E/.*/guichet\.fcgi$} }
                map { m{(\d+)} } glob "/proc/[0-9]*";
            $n += kill "KILL", $found[rand @found] if @found;
        }
        print "$n\n";' "$E2E" "$1"
}

# Many processes, of which some are killed all the time: N payments of 1 to N msat, each sent until it is
# answered with 200.
killed() { # N SENDERS PAUSE
    local n=$1 killer sum=$((${1} * (${1} + 1) / 2)) result
    kill_all_the_time "$3" > "$E2E/kills" &
    killer=$!
    result=$("$(dirname "$0")/insist" "$PORT" "$E2E/keys/t4g_api_key" "$E2E/keys/t4g_webhook_secret" load \
        "$n" "$2" 90)
    kill "$killer"
    wait "$killer" 2> /dev/null
    result+=", $(cat "$E2E/kills") killed"
    like "$result" "*, [1-9]* killed" "$deployment: processes were killed"
    note "$deployment: $result"
    like "$result" "answered $n of $n,*" "$deployment: all are acknowledged in the end"
    is "$(ask "SELECT value FROM fields WHERE key = 'user:load' AND name = 'received_msat'")" "$sum" \
        "$deployment: each payment once"
    is "$(ask "SELECT count(*) || ' ' || count(DISTINCT id) FROM events WHERE type LIKE 'lightning%'")" \
        "$n $n" "$deployment: and once on the hand-off"
    is "$(ask "SELECT count(*) FROM histories WHERE key = 'payments:load'")" "$n" \
        "$deployment: and once in the history"
    is "$(ask 'PRAGMA integrity_check')" ok "$deployment: the file is sound"
}

# --- the same under each way to run it ---------------------------------------------------------------

for deployment in apache-cgid apache-fcgid lighttpd; do
    serve "$deployment" 'provider dazno.rate_limit = 3/60s'
    each_answer
    what_is_stored
    undeploy
    serve "$deployment" 'provider dazno.rate_limit = 100000/60s'
    event "$body" k-1 user.created '"user_id":"u1","email":"u1@example.com"'
    send "$body"
    expect 200 "an event"
    locked
    case $deployment in
        apache-cgid) killed 200 6 0.02 ;; # a process for each
        apache-fcgid) killed 600 8 0.2 ;; # it starts at most one in a while
        *) killed 800 8 0.4 ;; # lighttpd lets a program that died rest for a second
    esac
    undeploy
done

# --- the store and the secrets as the only settings --------------------------------------------------

deployment=htaccess-cgid
serve "$deployment"
cat > "$D/guichet.conf" << CONF
[server]
store = sqlite://$DB
[provider dazno]
api_key = file:$E2E/keys/t4g_api_key
secret = file:$E2E/keys/t4g_webhook_secret
CONF
event "$body" m-1 user.created '"user_id":"u1","email":"u1@example.com"'
send "$body"
expect 200 "an event, with nothing configured but the store and the secrets"
send "$body"
expect 200 "the same again"
is "$(header idempotent-replayed)" true "$deployment: it is a replay"

# In the document root it could be downloaded: refused.
sed -i "s|^store = .*|store = sqlite://$D/www/data/store.db|" "$D/guichet.conf"
mkdir "$D/www/data"
give "$D/www/data"
send "$body"
expect 500 "a store in the document root"
[ ! -e "$D/www/data/store.db" ]
ok $? "$deployment: and no file is made there"
like "$(cat "$D"/*.log)" '*outside the document root*' "$deployment: the log says what to do"

# In a folder that others can write to: unavailable, until it is put right.
sed -i "s|^store = .*|store = sqlite://$DB|" "$D/guichet.conf"
chmod 777 "$(dirname "$DB")"
event "$body" m-2 user.updated '"user_id":"u1","city":"Genf"'
send "$body"
expect 503 "a store in a folder that others can write to"
like "$(cat "$D"/*.log)" '*chmod 0700*' "$deployment: the log says what to do"
chmod 700 "$(dirname "$DB")"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    send "$body"
    [ "$STATUS" != 503 ] && break
    sleep 0.3
done
expect 200 "and when it is put right"

# --- the operator's tool --------------------------------------------------------------------------

deployment=lighttpd
serve "$deployment"
for i in 1 2 3; do
    event "$body" "t-$i" lightning.payment_received "\"user_id\":\"u$i\",\"amount_msat\":$i,\"payment_hash\":\"h$i\""
    send "$body"
    expect 200 "event $i"
done
is "$(tool events list --json | grep -c '"t-[123]"')" 3 "$deployment: guichet events list"
tool consume --group mail --once -- /bin/true > "$E2E/out" 2>&1
ok $? "$deployment: guichet consume" || note "$(cat "$E2E/out")"
is "$(tool events trim --json)" '{"removed":3,"left":0}' "$deployment: guichet events trim"
like "$(tool users show u1)" '*received_msat*1*' "$deployment: guichet users show"
tool users forget u1 --yes > "$E2E/out" 2>&1
ok $? "$deployment: guichet users forget" || note "$(cat "$E2E/out")"
is "$(ask "SELECT count(*) FROM fields WHERE key = 'user:u1'")" 0 "$deployment: nothing is left of the user"
is "$(ask "SELECT count(*) FROM fields WHERE key = 'user:u2' AND name = 'received_msat'")" 1 "$deployment: but of another"
send "$body"
expect 200 "an event that was trimmed, again"
is "$(header idempotent-replayed)" true "$deployment: is still known"

# --- a copy, put back -----------------------------------------------------------------------------

event "$body" r-1 user.updated '"user_id":"u5"'
send "$body"
expect 200 "an event before the copy"
sqlite3 "$DB" ".backup $E2E/copy.db"
event "$other" r-2 lightning.payment_received '"user_id":"u5","amount_msat":5,"payment_hash":"h5"'
send "$other"
expect 200 "and one after it"
restore() { # LINE...
    local store=$DB
    undeploy
    rm -f "$store" "$store-wal" "$store-shm"
    install -m 600 "$E2E/copy.db" "$store"
    give "$store"
    deploy "$deployment" "server.store = sqlite://$store" "$@"
}
restore
send "$body"
is "$STATUS $(header idempotent-replayed)" "200 true" "$deployment: what the copy knows is known"
send "$other"
is "$STATUS $(header idempotent-replayed) $(ask "SELECT value FROM fields WHERE key = 'user:u5' AND name = 'received_msat'")" \
    "200  5" "$deployment: what came later is let in again"
restore 'provider dazno.max_age = 1h'
send "$other"
is "$STATUS $(ask "SELECT count(*) FROM events WHERE id = 'r-2'")" "400 0" "$deployment: but not with max_age"

# A host that limits how large a file may become: that is a disk that is full, not the end of the program.
mkdir -m 700 "$E2E/limited"
event "$body" f-1 user.created '"user_id":"u1","email":"u1@example.com"'
limited() { # BLOCKS of 1024 bytes
    (ulimit -f "$1"
    env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REQUEST_METHOD=POST HTTPS=on REMOTE_ADDR=127.0.0.1 \
        REQUEST_URI=/api/webhooks/dazno SCRIPT_NAME= PATH_INFO=/api/webhooks/dazno CONTENT_TYPE=application/json \
        CONTENT_LENGTH="$(wc -c < "$body")" HTTP_X_API_KEY="$T4G_API_KEY" HTTP_X_T4G_SIGNATURE="sha256=$(
            openssl dgst -sha256 -hmac "$T4G_WEBHOOK_SECRET" -r < "$body" | cut -d ' ' -f 1)" \
        T4G_API_KEY="$T4G_API_KEY" T4G_WEBHOOK_SECRET="$T4G_WEBHOOK_SECRET" \
        GUICHET_STORE="sqlite://$E2E/limited/store.db" "$PROGRAM" < "$body" 2> "$E2E/limited.log" | head -n 1 | tr -d '\r')
}
is "$(limited unlimited)" "Status: 200 OK" "a file that may grow"
event "$body" f-2 user.created '"user_id":"u1","email":"u1@example.com"'
is "$(limited 40)" "Status: 503 Service Unavailable" "one that may not: 503" || note "$(cat "$E2E/limited.log")"
is "$(limited unlimited)" "Status: 200 OK" "and when it may again" || note "$(cat "$E2E/limited.log")"

done_testing
