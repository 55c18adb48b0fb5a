#!/usr/bin/env bash
# A base of Airtable (tests/airtable/server stands in for it) kept right in the store while records change,
# pings are lost, doubled and reordered, answers break, the worker and Redis are killed, one hook falls into
# error and another one expires. At the end the copy is the base, record for record, every payload of every hook
# was handed off once, and the API saw no more requests than it allows. In Redis and in a file.
#
# By hand longer, with `tests/run -v tests/e2e/95-airtable.t`:
#
#   AIRTABLE_RECORDS=5000 AIRTABLE_CHANGES=20000 AIRTABLE_PARTS=40 AIRTABLE_PAUSE_S=8 AIRTABLE_LONG_S=600
#
# (records in 4 tables, changes, in how many parts, seconds at most between two kills, until the worker must
# have caught up: some four minutes). AIRTABLE_STORES="file" or "redis": that one alone.
# shellcheck source-path=SCRIPTDIR source=airtable.sh
. "$(dirname "$0")/airtable.sh"

CHANGES=${AIRTABLE_CHANGES:-600}
PARTS=${AIRTABLE_PARTS:-3}
PAUSE_S=${AIRTABLE_PAUSE_S:-1}

# What kills at random leave to do: another worker, and Redis again.
kill_one() { # PART
    if [ -z "$DB" ] && [ $(($1 % 2)) = 0 ]; then
        kill_hard "$REDIS_PID"
        start_redis
    else
        kill_hard "$WATCH_PID"
        watch --poll 1 --setup
    fi
}

# The newest hook is given up by Airtable. The worker, started anew as often as it is killed, has to notice, and
# to make another one, before that is lost, too.
# shellcheck disable=SC2317 # wait_for runs it
alive() { [ "$(look due)" != "a hook" ]; }
lose_hook() { # JSON SEED
    WAIT_S=60 wait_for "$MOCK_PID" alive || note "$(tail -n 5 "$E2E/watch.log")"
    change "$2"
    admin hook "{\"id\":\"$(look hook)\",$1}" > /dev/null
}

change() { # SEED: a part of the changes
    admin random "{\"count\":$((CHANGES / (PARTS + 3))),\"seed\":$1,\"batch\":30}" > /dev/null
}

storm() { # SEED
    local part
    admin faults '{"drop_ping":0.3,"duplicate_ping":0.3,"reorder_ping":0.3,"status_503":0.03,"truncate":0.02}' > /dev/null
    watch --poll 1 --setup
    for ((part = 1; part <= PARTS; part++)); do
        change "$1$part"
        [ "$part" != "$((PARTS / 3 + 1))" ] || lose_hook '"error":"INVALID_HOOK"' "7$1"
        [ "$part" != "$((PARTS * 2 / 3 + 1))" ] || lose_hook '"expire":true' "8$1"
        sleep "$((RANDOM % PAUSE_S)).$((RANDOM % 10))"
        kill_one "$part"
    done
    WAIT_S=60 wait_for "$MOCK_PID" alive
    change "$1$part"
    admin faults '{"drop_ping":0,"duplicate_ping":0,"reorder_ping":0,"status_503":0,"truncate":0}' > /dev/null
}

whole() { # STORE
    local hooks
    start_mock
    deploy_base
    tool airtable setup > "$E2E/out" 2>&1
    is "$?" 0 "$1: setup makes a hook" || note "$(cat "$E2E/out")"
    tool airtable drain > "$E2E/out" 2>&1
    is "$?" 0 "the first drain" || note "$(cat "$E2E/out")"
    same "copies the base"
    storm "$2"
    caught_up
    ok $? "the worker catches up" || note "$(tail -n 5 "$E2E/watch.log" "$D/guichet.log")"
    kill -TERM "$WATCH_PID"
    wait "$WATCH_PID"
    is "$?" 0 "it ends when it is told to"
    same "the copy is the base, record for record"
    is "$(look handed)" "each once, in order" "each payload of each hook was handed off once, in order"
    hooks=$(admin stats | json hooks)
    is "$(grep -o '"alive": false' <<< "$hooks" | wc -l)" 2 "though two hooks were lost meanwhile" || note "$hooks"
    note "$(grep -o '"next": [0-9]*' <<< "$hooks" | tr '\n' ' ')"
    within_limit
    end_base
}

in_redis() {
    stop "$REDIS_PID"
    start_redis
    whole Redis 1
}

in_file() {
    mkdir -m 700 "$E2E/store"
    give "$E2E/store"
    DB=$E2E/store/store.db
    whole "a file" 2
}

# Both at once: most of the time goes by waiting for the next request that is allowed.
case ${AIRTABLE_STORES:-both} in
    redis) in_redis ;;
    file) in_file ;;
    *)
        env AIRTABLE_STORES="file" "$0" > "$E2E/file.tap" 2>&1 &
        other=$!
        in_redis
        wait "$other"
        ok $? "the other one has ended well"
        while read -r result; do
            case $result in
                ok\ *) ok 0 "${result#*- }" ;;
                not\ ok\ *) ok 1 "${result#*- }" ;;
                *) echo "# $result" ;;
            esac
        done < "$E2E/file.tap"
        ;;
esac
done_testing
