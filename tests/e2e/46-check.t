#!/usr/bin/env bash
# The checklist: each line of it is seen well and seen wrong, with a real Redis.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

W=$E2E/check
mkdir "$W" "$W/state" "$W/log"
chmod 755 "$W"
cp "$TOP/build/guichet" "$E2E/bin/guichet"
openssl rand -hex 32 > "$W/key"
openssl rand -hex 64 > "$W/secret"
openssl rand -hex 32 > "$W/token"
chmod 600 "$W/key" "$W/secret" "$W/token"
give "$W" "$E2E/bin"
unset T4G_API_KEY T4G_WEBHOOK_SECRET WEBHOOK_SECRET GUICHET_METRICS_TOKEN

# conf LINE...: the configuration of a host where all is well; "section.key = value" overrides a line
conf() {
    local section line
    for section in server 'provider dazno' metrics; do
        printf '[%s]\n' "$section"
        case $section in
            server)
                for line in "store = unix://$E2E/redis/sock" "state_dir = $W/state" "log = $W/log/guichet.log" \
                    "audit_log = $W/log/audit.log" "when_store_down = spool" "spool_dir = $SPOOL" "durability = always"; do
                    [[ " $* " == *"server.${line%% =*} ="* ]] || echo "$line"
                done
                ;;
            'provider dazno')
                for line in "api_key = file:$W/key" "secret = file:$W/secret" "max_age = 7d"; do
                    [[ " $* " == *"provider dazno.${line%% =*} ="* ]] || echo "$line"
                done
                ;;
            metrics) [[ " $* " == *"metrics.token ="* ]] || echo "token = file:$W/token" ;;
        esac
        for line in "$@"; do
            [[ $line != "$section".* || $line == *"= -" ]] || echo "${line#"$section".}"
        done
    done > "$W/guichet.conf"
    chmod 640 "$W/guichet.conf"
    give "$W/guichet.conf"
}

# check ARG...: as the service's user; OUT and STATUS
check() {
    OUT=$(setpriv "${AS_USER[@]}" -- env "${ENVIRONMENT[@]}" "$E2E/bin/guichet" check --config "$W/guichet.conf" "$@" 2>&1)
    STATUS=$?
}
ENVIRONMENT=()

# The level of a matter's worst line
level() {
    local word
    for word in fail warn ok; do
        if jq -s -e --arg m "$1" --arg l "$word" 'any(.matter == $m and .level == $l)' <<< "$OUT" > /dev/null; then
            echo "$word"
            return
        fi
    done
    echo none
}

# finds LEVEL MATTER NAME
finds() {
    check --json
    is "$(level "$2")" "$1" "$3" || note "$OUT"
    if [ "$1" != ok ]; then
        [ -n "$(jq -r --arg m "$2" --arg l "$1" 'select(.matter == $m and .level == $l) | .remedy // .text' <<< "$OUT")" ]
        ok $? "$3: a remedy is said"
    fi
}

# On a disk: a spool in memory is refused.
SPOOL=$(mktemp -d /var/tmp/guichet-e2e-spool.XXXXXX)
trap 'rm -rf "$SPOOL"; clean_up' EXIT
chmod 700 "$SPOOL"
give "$SPOOL"
for setting in "appendonly yes" "appendfsync always" "no-appendfsync-on-rewrite no" "maxmemory 4gb"; do
    # shellcheck disable=SC2086
    redis CONFIG SET $setting > /dev/null
done

# --- all is well -------------------------------------------------------------------------------------------

conf
check --json
is "$STATUS" 0 "a well-kept host passes" || note "$OUT"
is "$(jq -r 'select(.level == "fail") | .matter' <<< "$OUT")" "" "no line is wrong"
is "$(jq -r 'select(.level == "warn") | .matter' <<< "$OUT" | grep -vE '^clock$')" "" "nor worth a look, the host's clock aside"
for matter in configuration providers https proxies metrics.token replay keep_ids rate_limit keys.secret keys.api_key \
    keys.owner host.user configuration.file state log audit_log spool spool.fill spool.space store.address \
    store.reachable store.version store.clock store.memory store.self_test store.permissions store.durable \
    store.evicting store.backlog store.quarantine; do
    is "$(level "$matter")" ok "$matter is looked at"
done
check
like "$STATUS $OUT" "0 level*ok *store.durable*0 wrong" "for people: aligned lines and a sum"
before=$(redis DBSIZE)
check
is "$(redis DBSIZE)" "$before" "the store is left as it was"

# --- the settings ------------------------------------------------------------------------------------------

conf "server.require_https = no"
finds fail https "plain HTTP is a failure"
is "$STATUS" 1 "a failure ends with 1"
conf "server.trusted_proxies = 10.0.0.0/7"
finds warn proxies "a wide network of proxies"
is "$STATUS" 0 "a warning ends with 0"
check --strict
is "$STATUS" 1 "with --strict with 1"
conf "metrics.token = -"
finds warn metrics.token "no metrics token"
(umask 077 && echo short > "$W/short") && give "$W/short"
conf "metrics.token = file:$W/short"
finds warn metrics.token "a short one"
conf "metrics.token = file:$W/none"
finds fail metrics.token "one that cannot be read"
conf "provider dazno.max_age = off"
finds warn replay "no max_age"
conf "provider dazno.max_age = 31d" "provider dazno.keep_ids = 30d"
finds fail replay "a max_age longer than the ids are kept"
conf "provider dazno.rate_limit = 100/60s"
check --json --retries-only-5xx
is "$(level rate_limit)" fail "429 for senders that retry only 5xx"
conf "provider dazno.rate_limit_status = 503"
check --json --retries-only-5xx
is "$(level rate_limit)" ok "503 for them"
conf "provider dazno.retired = yes"
finds fail providers "no provider"
conf "server.nonsense = 1"
finds fail configuration "a configuration that is wrong"
is "$STATUS" 1 "ends with 1"
ENVIRONMENT=(WEBHOOK_SECRET=short)
conf
check --json
is "$(jq -r 'select(.provider == "airtable" and .level == "fail") | .matter' <<< "$OUT")" keys "a secret of the wrong form"
ENVIRONMENT=()
{
    printf '[provider hooks]\nscheme = github\npath = /hooks\nsecret = file:%s/secret\nkeep_ids = 1d\n' "$W"
    echo "rate_limit = 5/1s"
} >> "$W/guichet.conf"
check --json
is "$(jq -r 'select(.provider == "hooks" and .level == "warn") | .matter' <<< "$OUT" | sort | paste -sd ' ')" \
    "keep_ids rate_limit replay" "a sender that tries for days, has no times and takes a 429 for final"
sed -i '/^rate_limit/d' "$W/guichet.conf"
check --json
is "$(jq -r 'select(.provider == "hooks" and .matter == "store.memory") | .level' <<< "$OUT")" warn \
    "without a rate limit nothing bounds the ids"

# --- keys --------------------------------------------------------------------------------------------------

conf "provider dazno.secret = file:$W/short"
finds fail keys.secret "a secret that can be guessed"
(umask 077 && printf '01%.0s' {1..64} > "$W/dull") && give "$W/dull"
conf "provider dazno.secret = file:$W/dull"
finds warn keys.secret "one of two characters"
conf "provider dazno.api_key = file:$W/short"
finds fail keys.api_key "an API key that can be guessed"
conf "provider dazno.secret = file:$W/key"
finds fail keys.different "one text for both"
conf "provider dazno.secret = 0123456789abcdef0123456789abcdef"
chmod 600 "$W/guichet.conf"
finds warn keys.literal "a secret in the configuration itself"
conf
chmod 644 "$W/secret"
finds fail keys "a secret that everybody can read"
chmod 600 "$W/secret"
mv "$W/secret" "$W/away"
finds fail keys "a secret that is not there"
mv "$W/away" "$W/secret"
if [ "$(id -u)" -eq 0 ]; then
    chown nobody:www-data "$W/secret"
    chmod 640 "$W/secret"
    finds warn keys.owner "a secret that another user could change"
    give "$W/secret"
    chmod 600 "$W/secret"
fi

# --- the host ----------------------------------------------------------------------------------------------

chmod 660 "$W/guichet.conf"
finds fail configuration.file "a configuration that others can change"
conf
chmod 777 "$W/state"
finds fail state "a state folder for everybody"
chmod 700 "$W/state"
conf "server.state_dir = /nonexistent/state"
finds fail state "one that cannot be made"
conf "server.state_dir = $W/later"
finds ok state "one that will be made"
[ ! -e "$W/later" ]
ok $? "but is not made"
conf "server.log = /nonexistent/log"
finds fail log "a log that cannot be made"
: > "$W/open.log"
give "$W/open.log"
chmod 644 "$W/open.log"
conf "server.audit_log = $W/open.log"
finds warn audit_log "an audit log that everybody can read"
conf "server.audit_log = off"
finds warn audit_log "no audit log"
if [ "$(id -u)" -eq 0 ]; then
    chown root:root "$W/open.log"
    conf "server.log = $W/open.log"
    finds fail log "a log that cannot be written"
    chown root "$W/state"
    conf
    finds fail state "a state folder that cannot be written"
    give "$W/state"
    OUT=$("$E2E/bin/guichet" check --config "$W/guichet.conf" --json 2>&1)
    is "$(level host.user)" warn "root does not see what the service's user may"
    OUT=$("$E2E/bin/guichet" check --config "$W/guichet.conf" --json --user www-data 2>&1)
    is "$(level host.user)" ok "with --user it does"
    OUT=$("$E2E/bin/guichet" check --config "$W/guichet.conf" --user nobody-of-that-name 2>&1)
    is "$?" 2 "no such user"
fi
conf "server.when_store_down = reject" "server.spool_dir = -"
finds warn spool "no spool"
conf
chmod 777 "$SPOOL"
finds fail spool "a spool for everybody"
chmod 700 "$SPOOL"
conf "server.spool_dir = /nonexistent/spool"
finds fail spool "one that cannot be made"
conf "server.spool_size = 65536MiB"
free=$(($(stat -f -c '%a * %S' "$SPOOL")))
if [ "$free" -lt $((65536 * 1048576)) ]; then
    finds warn spool.space "less space than the spool may take"
fi

# --- the store ---------------------------------------------------------------------------------------------

conf
redis CONFIG SET appendfsync everysec > /dev/null
finds fail store.durable "less durable than believed"
conf "server.durability = everysec"
finds ok store.durable "as durable as believed"
conf "server.durability = none"
finds warn store.durable "believed not to be durable"
redis CONFIG SET appendfsync always > /dev/null
conf
redis CONFIG SET maxmemory-policy allkeys-lru > /dev/null
finds fail store.evicting "a store that evicts"
redis CONFIG SET maxmemory-policy noeviction > /dev/null
redis CONFIG SET maxmemory 1gb > /dev/null
finds fail store.memory "ids that will not fit (100 a minute for 30 days)"
conf "provider dazno.keep_ids = 7d"
finds ok store.memory "fewer that do"
redis CONFIG SET maxmemory 4gb > /dev/null
conf "provider dazno.backlog_limit = 5" "provider dazno.quarantine_limit = 5"
for _ in 1 2 3 4; do redis XADD 'guichet:{dazno}:events' '*' id x > /dev/null; done
finds warn store.backlog "a backlog near its limit"
for _ in 1 2 3 4 5; do redis XADD 'guichet:{dazno}:quarantine' '*' id x > /dev/null; done
finds fail store.quarantine "a quarantine at its limit"
redis DEL 'guichet:{dazno}:events' 'guichet:{dazno}:quarantine' > /dev/null
conf "server.store = unix://$E2E/redis/none"
finds fail store.reachable "a store that is not there"
redis ACL SETUSER narrow on '>narrow' '~*' +@all -hset > /dev/null
conf "server.store = unix://narrow:narrow@$E2E/redis/sock"
chmod 600 "$W/guichet.conf"
finds fail store.self_test "a user that may not run all"
[[ $OUT == *+hset* && $OUT != *narrow:narrow* ]]
ok $? "the command is named, the password is not shown"
redis ACL SETUSER blind on '>blind' '~*' +@all -config > /dev/null
conf "server.store = unix://blind:blind@$E2E/redis/sock"
chmod 600 "$W/guichet.conf"
finds warn store.durable "durability that cannot be seen"
conf "server.store = redis://192.0.2.1:6379"
OUT=$(timeout 60 setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" check --config "$W/guichet.conf" --json 2>&1)
is "$(level store.address) $(level store.reachable)" "warn fail" "another host without encryption, not reachable"

# --- a Cluster: every node that holds a provider's keys is asked ---------------------------------------------

# cluster_node NAME PORT MEMORY: sets STARTED
cluster_node() {
    start "$E2E/redis/$1.log" redis-server --port "$2" --bind 127.0.0.1 --dir "$E2E/redis" --cluster-enabled yes \
        --cluster-config-file "$1.nodes" --cluster-port "$(free_port)" --dbfilename "$1.rdb" \
        --appenddirname "$1.aof" --save "" --appendonly yes --appendfsync always --maxmemory "$3"
    wait_for "$STARTED" redis-cli -p "$2" PING
}
first=$(free_port) second=$(free_port)
cluster_node first "$first" 8gb
FIRST_PID=$STARTED
cluster_node second "$second" 100mb
SECOND_PID=$STARTED
slot=$(redis-cli -p "$first" CLUSTER KEYSLOT '{hooks}')
redis-cli -p "$first" CLUSTER ADDSLOTSRANGE 0 $((slot - 1)) $((slot + 1)) 16383 > /dev/null
redis-cli -p "$second" CLUSTER ADDSLOTS "$slot" > /dev/null
redis-cli -p "$second" CLUSTER SET-CONFIG-EPOCH 2 > /dev/null
redis-cli -p "$first" CLUSTER MEET 127.0.0.1 "$second" \
    "$(redis-cli -p "$second" CONFIG GET cluster-port | tail -n 1)" > /dev/null
for port in "$first" "$second"; do
    wait_for $$ bash -c "redis-cli -p $port CLUSTER INFO | grep -q cluster_state:ok" || note "no cluster at $port"
done
conf "server.store = redis://127.0.0.1:$first"
printf '[provider hooks]\nscheme = github\npath = /hooks\nsecret = file:%s/secret\nrate_limit = 100/60s\n' "$W" \
    >> "$W/guichet.conf"
check --json
for matter in store.version store.clock store.memory; do
    is "$(jq -r --arg m "$matter" 'select(.matter == $m) | .provider' <<< "$OUT" | xargs)" "dazno hooks" \
        "$matter: of each node, named after its provider"
done
is "$(jq -r 'select(.matter == "store.memory") | .level' <<< "$OUT" | xargs)" "ok fail" \
    "the ids of the second one will not fit where they go" || note "$OUT"
stop "$FIRST_PID" "$SECOND_PID"

# --- the sender's list -------------------------------------------------------------------------------------

good=("T4G_API_KEY=$(openssl rand -hex 32)" "T4G_WEBHOOK_SECRET=$(openssl rand -hex 64)"
    T4G_WEBHOOK_URL=https://example.org/api/webhooks/dazno)
# sender LEVEL MATTER NAME VARIABLE...
sender() {
    local want=$1 matter=$2 name=$3
    shift 3
    OUT=$(env "${good[@]}" env "$@" "$E2E/bin/guichet" check --sender --json 2>&1)
    STATUS=$?
    is "$(level "$matter")" "$want" "sender: $name" || note "$OUT"
    [ "$want" != fail ] || is "$STATUS" 1 "sender: $name: ends with 1"
}
sender ok sender.api_key "a sound key"
is "$STATUS" 0 "sender: all is well"
[[ $OUT != *"${good[0]#*=}"* && $OUT != *"${good[1]#*=}"* ]]
ok $? "sender: nothing secret is shown"
sender ok sender.secret "a sound secret"
sender ok sender.url "an https URL"
sender fail sender.api_key "no key" -u T4G_API_KEY
sender fail sender.api_key "an empty one" T4G_API_KEY=
sender fail sender.secret "a short secret" T4G_WEBHOOK_SECRET=short
sender warn sender.secret "one of half the length" T4G_WEBHOOK_SECRET="$(openssl rand -hex 32)"
sender fail sender.secret "one in quotes" T4G_WEBHOOK_SECRET="\"$(openssl rand -hex 64)\""
sender fail sender.secret "one with a newline" T4G_WEBHOOK_SECRET="$(openssl rand -hex 64)"$'\n'
sender fail sender.different "one text for both" T4G_WEBHOOK_SECRET="${good[0]#*=}"
sender fail sender.url "plain HTTP" T4G_WEBHOOK_URL=http://example.org/
sender fail sender.url "no host" T4G_WEBHOOK_URL=https:///api
sender fail sender.url "no URL" -u T4G_WEBHOOK_URL
sender fail sender.url "a password in it" T4G_WEBHOOK_URL=https://u:p@example.org/

rm -rf "$SPOOL"
done_testing
