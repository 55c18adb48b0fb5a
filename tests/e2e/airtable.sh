# shellcheck shell=bash
# airtable.sh: what the tests of a base of Airtable share. Source it first; it sources lib.sh.
#
#   start_mock               tests/airtable/server, filled with $RECORDS records in $TABLES (4) tables; sets MOCK
#   stop_mock
#   admin WHAT [JSON]        what its /admin has
#   deploy_base LINE...      lighttpd with Guichet for it, in Redis or, with DB, in a file; the hooks' secrets
#                            lie in SECRETS. Starts LOOK.
#   look QUESTION...         an answer of tests/airtable/look
#   json NAME...             the value at that path in the JSON on standard input
#   watch OPTION...          a worker; sets WATCH_PID
#   caught_up                waits until there is nothing left to do for it
#   end_base                 stops what was started
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DB= # the store, where it is a file
RECORDS=${AIRTABLE_RECORDS:-400}
LONG_S=${AIRTABLE_LONG_S:-120} # until a worker must have caught up

export AIRTABLE_BASE_ID=appTest0000000000 AIRTABLE_PERSONAL_TOKEN=patTest

# A Redis that keeps what it has acknowledged, however it ends.
start_redis() {
    start "$E2E/redis/log" redis-server --port 0 --unixsocket "$E2E/redis/sock" --unixsocketperm 700 \
        --databases 64 --dir "$E2E/redis" --save "" --appendonly yes --appendfsync always \
        --maxmemory-policy noeviction
    REDIS_PID=$STARTED
    wait_for "$REDIS_PID" redis PING || bail_out "Redis does not start: $(tail -n 3 "$E2E/redis/log")"
}

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
    admin fill "{\"tables\":${TABLES:-4},\"records\":$RECORDS}" > /dev/null
}
admin() { curl -s -m 60 ${2:+-d "$2"} "$MOCK/admin/$1"; }

json() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name] if isinstance(value, dict) else value[int(name)]
print(value if isinstance(value, (str, int)) else json.dumps(value))' "$@"; }

deploy_base() {
    local store=("$E2E/redis/sock" "$((DATABASE + 1))")
    SECRETS=$E2E/secrets-$((DATABASE + 1))
    mkdir "$SECRETS"
    # A responder without any secret does not start.
    echo hex:00ff00ff00ff00ff00ff00ff00ff00ff > "$SECRETS/achOther000000001"
    chmod 600 "$SECRETS"/*
    give "$SECRETS"
    if [ -n "$DB" ]; then
        store=("$DB")
        set -- "server.store = sqlite://$DB" "$@"
    fi
    deploy lighttpd "provider airtable.secret = dir:$SECRETS" "provider airtable.backlog_limit = 0" "$@"
    export WEBHOOK_PUBLIC_URL=$URL/webhooks/airtable/refresh
    coproc LOOK { exec "$TOP/tests/airtable/look" "$MOCK" "$AIRTABLE_BASE_ID" "${store[@]}" 2>&1; }
    LOOKER=$LOOK_PID # the shell forgets LOOK_PID with its end
}

look() {
    local answer="no answer"
    echo "$*" >&"${LOOK[1]}"
    read -r -t 60 answer <&"${LOOK[0]}"
    echo "$answer"
}
same() { is "$(look same)" same "$1"; }

watch() {
    start "$E2E/watch.log" env GUICHET_CONFIG="$D/guichet.conf" "$E2E/bin/guichet" airtable watch "$@"
    # shellcheck disable=SC2034 # a result, for the tests
    WATCH_PID=$STARTED
}
kill_hard() {
    kill -KILL "$1"
    wait "$1" 2> /dev/null
}

caught_up() {
    local due=
    for ((i = 0; i < LONG_S * 4; i++)); do
        due=$(look due)
        [ "$due" != nothing ] || return 0
        sleep 0.25
    done
    note "left to do: $due"
    return 1
}

# Never more requests than Airtable allows, and none refused for that.
within_limit() { # NAME
    local stats most
    stats=$(admin stats)
    most=$(json bases "$AIRTABLE_BASE_ID" most_in_a_second <<< "$stats")
    [ "$most" -le 5 ] && [ "$(json bases "$AIRTABLE_BASE_ID" refused <<< "$stats")" = 0 ]
    ok $? "never more than 5 requests in a second: $most" || note "$stats"
}

end_base() {
    kill "$LOOKER" 2> /dev/null
    wait "$LOOKER" 2> /dev/null
    stop "$MOCK_PID"
}
