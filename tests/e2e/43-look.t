#!/usr/bin/env bash
# Looking at what was handed off, at users, and handing events to a command: the tool on a real store.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

deploy lighttpd 'provider dazno.rate_limit = none'

post() { # ID TYPE FIELDS
    event "$E2E/event" "$1" "$2" "$3"
    send "$E2E/event"
    [ "$STATUS" = 200 ] || note "$1 was answered $STATUS"
}

# The value of a member of each line of JSON.
member() { python3 -c 'import json, sys
for line in sys.stdin:
    value = json.loads(line)
    for name in sys.argv[1].split("."):
        value = value.get(name) if isinstance(value, dict) else None
    print(value if isinstance(value, (str, int)) else json.dumps(value, separators=(",", ":")))' "$1"; }

for words in "events" "events --help" "help events" "events --json" "events lst"; do
    # shellcheck disable=SC2086
    tool $words > "$E2E/out" 2>&1
    like "$?:$(cat "$E2E/out")" "[02]:*usage: guichet events VERB*events list*events trim*" "$words names the verbs"
    ! grep -q 'groups list' "$E2E/out"
    ok $? "and no others"
done
tool event > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" '2:*no verb "event"*' "what begins no verb is said"

tool events list --nonsense > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:guichet events list: *--nonsense*usage:*" "an option that is none is said, with the verb's name"
is "$(tool help --json | head -n 1 | member verb)" "events list" "help: as JSON, an object a verb"
is "$(tool help events trim --json | jq -r '.options[0].name') $(tool help events --json | wc -l)" "provider 5" \
    "one verb, and those of a word"
is "$(tool completion --json | jq -j .completion | cmp - <(tool completion) && echo same)" same "the completion, too"
# completed WORD...: what the last of the words may become
completed() { bash -c 'source /dev/stdin; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _guichet 2> /dev/null; echo "${COMPREPLY[*]}"' \
    - guichet "$@" < <(tool completion); }
is "$(completed ver) $(completed events tr) $(completed help events sh) $(completed verify --hea)" \
    "verify trim show --header --headers" "bash completes verbs, their second words and their options"
is "$(completed help se | tr ' ' '\n' | sort -u | xargs)" "secrets send" "and the verbs that help explains"
: > "$E2E/empty.conf"
chmod 640 "$E2E/empty.conf"
env -u T4G_API_KEY -u WEBHOOK_SECRET GUICHET_STORE=unix:///nonexistent "$E2E/bin/guichet" events list --config "$E2E/empty.conf" > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*no provider is configured*T4G_API_KEY*" "that no provider is configured is said, and how to"
tool events list > "$E2E/out"
is "$?:$(cat "$E2E/out")" "0:" "an empty hand-off has nothing to list"
post e1 user.created '"user_id":"u1","email":"u1@example.org","nick":"A\u001b[31mB"'
post e2 lightning.payment_received '"user_id":"u1","amount_msat":1500,"payment_hash":"h1"'
post e3 lightning.payment_sent '"user_id":"u2","amount_msat":700,"payment_hash":"h2"'
post e4 gamification.level_up '"user_id":"u1","new_level":3,"points":40'
printf '{\n  "id": "e5",\r\n  "timestamp": "2025-10-15T10:30:00Z", "source": "dazno",\n "event_type": "t4g.balance_updated",\n "user_id": "u2", "new_balance": 9\n}' > "$E2E/event"
send "$E2E/event"

is "$(tool events list --json | member id | xargs)" "e1 e2 e3 e4 e5" "list: in order of arrival"
is "$(tool events list --json --newest --max 2 | member id | xargs)" "e5 e4" "list: the newest first"
is "$(tool events list --json --user u2 | member id | xargs)" "e3 e5" "list: of a user"
is "$(tool events list --json --user u9 | member id | xargs)" "" "list: of another user nothing"
is "$(tool events list --json --type user.created | member id | xargs)" "e1" "list: of a type"
is "$(tool events list --json --since 1h | member id | xargs)" "e1 e2 e3 e4 e5" "list: of the last hour"
is "$(tool events list --json --until 1h | member id | xargs)" "" "list: until an hour ago"
entry=$(tool events list --json --max 2 | member entry | tail -n 1)
is "$(tool events list --json --after "$entry" | member id | xargs)" "e3 e4 e5" "list: after an entry"
is "$(tool events list --json | member body.new_balance | tail -n 1)" 9 "a body of several lines is one line of JSON"
is "$(tool events list --json --after "$entry" --newest | member id | xargs)" "e5 e4 e3" "list: after an entry, the newest first"
# One rule for all lists: the oldest first, --newest, --max; the time of arrival is `at`.
is "$(tool audit list --json | member id | xargs)" "e1 e2 e3 e4 e5" "audit list: the oldest first, too"
is "$(tool audit list --json --newest --max 2 | member id | xargs)" "e5 e4" "audit list: the newest first"
is "$(tool audit list --json --until 1h | member id | xargs)" "" "audit list: until an hour ago"
is "$(tool audit list --json | head -n 1 | cut -d '"' -f 2,6)" 'entry"at' "audit list: when it came is at"
for verb in events audit quarantine dead; do
    tool $verb list --help > "$E2E/out"
    like "$(cat "$E2E/out")" "*--after*--newest*--max*" "$verb list: takes what all lists take"
    for wrong in "list --after zzz" "show zzz-" "drop zzz"; do
        case "$verb $wrong" in "events drop"* | "audit drop"* | "audit show"* | "dead show"* | "events show"*) continue ;; esac
        # shellcheck disable=SC2086
        tool $verb $wrong > "$E2E/out" 2>&1
        like "$?:$(cat "$E2E/out")" "2:*no id of an entry*" "$verb $wrong: what is no id was called wrongly"
    done
    is "$(tool $verb list --json --since 2125-01-01 2>&1)" "" "$verb list: of nothing nothing is printed, also as JSON"
    if [ "$verb" != events ]; then
        script -qec "setpriv ${AS_USER[*]} env GUICHET_CONFIG=$D/guichet.conf $E2E/bin/guichet $verb list --since 2125-01-01" /dev/null > "$E2E/out"
        like "$(cat "$E2E/out")" "guichet $verb list: nothing to list*" "$verb list: a terminal is told"
    fi
done
tool events list 2> "$E2E/out" | head -n 0
is "${PIPESTATUS[0]}:$(cat "$E2E/out")" "0:" "a reader that has seen enough ends a list quietly"
tool events list > /dev/full 2> "$E2E/out"
like "$?:$(cat "$E2E/out")" "3:*could not all be written*" "a disk that is full does not"
tool events tail --follow 2> "$E2E/out" | head -n 1 > /dev/null &
tail_pid=$!
wait_for $$ bash -c "! kill -0 $tail_pid"
ok $? "tail --follow ends when nobody reads it any more"
like "$(tool events list | head -n 2)" "entry*at*type*id*user*e1*u1" "for people there are columns"
tool events list --since yesterday > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*--since must be a time as*" "a time that is none is said"
tool events list --provider nobody > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" '2:*no provider "nobody"*' "so is a provider that is none"
# Airtable is mounted too.
tool events list --max 1 --provider dazno --json | member id > "$E2E/out"
is "$(cat "$E2E/out")" e1 "a provider may be named"

like "$(tool events show e2)" "*id*e2*amount_msat*" "show: by the event's id"
is "$(tool events show "$entry" --json | member id)" e2 "show: by the entry's id"
tool events show e9 > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*no entry*" "show: an unknown one is said"
! tool events show e1 | LC_ALL=C grep -q $'\033'
ok $? "what a sender wrote steers no terminal"
is "$(tool events tail --max 2 --json | member id | xargs)" "e4 e5" "tail: the newest"
tool events tail --max 0 --follow --json > "$E2E/tail" &
tail_pid=$!
sleep 1
post e6 user.updated '"user_id":"u2"'
wait_for $$ grep -q e6 "$E2E/tail"
is "$(member id < "$E2E/tail" | xargs)" e6 "tail --follow: what comes"
kill -TERM "$(pgrep -P "$tail_pid" -x guichet || echo "$tail_pid")" 2> /dev/null
wait "$tail_pid" 2> /dev/null
is "$(tool events export | wc -l)" 6 "export: a line an event"

like "$(tool users show u1)" "*email*u1@example.org*level*3*payments*1500*levels*" "users show: fields and histories"
like "$(tool users show u1)" "user_id  *created_at  *2025-10-15T10:30:00.000000Z*" "users show: moments as people write them"
tool users show u2 | grep levels
is "$?" 1 "users show: no heading of a history that is empty"
is "$(tool users show u1 --json | member payments | tr -d '\n' | cut -c 1-23)" '[{"direction":"received' "users show: as JSON"
tool users show u9 > "$E2E/out" 2>&1
is "$?" 1 "users show: an unknown one is said"

# --- consuming ----------------------------------------------------------------------------------

cat > "$E2E/bin/take" << 'END'
#!/bin/sh
# Appends the line it is given; fails on the event that FAIL names.
read -r line
[ "$GUICHET_EVENT_ID" = "$FAIL" ] && exit "${STATUS:-1}"
printf '%s %s\n' "$GUICHET_EVENT_ID" "$line" >> "$TAKEN"
END
chmod 755 "$E2E/bin/take"
export TAKEN=$E2E/taken FAIL=
touch "$TAKEN"
give "$TAKEN"

tool events trim > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*nobody reads*" "trim: without a group nothing is done"
tool consume --group mail --once -- "$E2E/bin/take" > "$E2E/out" 2>&1
like "$?:$(xargs < "$E2E/out")" "0:done 6*" "consume: all there is"
is "$(cut -d ' ' -f 1 "$TAKEN" | xargs)" "e1 e2 e3 e4 e5 e6" "consume: each once, in order"
is "$(cut -d ' ' -f 2- "$TAKEN" | member body.id | xargs)" "e1 e2 e3 e4 e5 e6" "consume: a line of JSON each"
tool consume --group mail --once -- "$E2E/bin/take" > /dev/null 2>&1
is "$(wc -l < "$TAKEN")" 6 "consume: what was done is not given again"
: > "$TAKEN"
FAIL=e3 tool consume --group flaky --once --tries 2 --backoff 0 -- "$E2E/bin/take" > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*exit status 1; attempt 1 of 2*dead letter*" "consume: what fails again and again is a dead letter"
is "$(cut -d ' ' -f 1 "$TAKEN" | xargs)" "e1 e2 e4 e5 e6" "consume: the others go on"
is "$(tool dead list --json | member id)" e3 "dead list: has it"
FAIL=e3 tool dead retry -- "$E2E/bin/take" > "$E2E/out" 2>&1
is "$?:$(tool dead list --json | member id)" "1:e3" "dead retry: one that fails stays"
tool dead retry -- "$E2E/bin/take" > "$E2E/out" 2>&1
is "$?:$(tool dead list --json)" "0:" "dead retry: one that is done goes"
FAIL=e1 STATUS=65 tool consume --group hopeless --once --tries 5 -- "$E2E/bin/take" > "$E2E/out" 2>&1
like "$(cat "$E2E/out")" "*exit status 65; it is a dead letter*" "consume: 65 says that trying again is in vain"
tool dead drop 1-1 > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*no dead letter 1-1*" "dead drop: one that is not there is said"
tool consume --group 'a b' --once -- true > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*a group has a name*" "consume: a name that is none was called wrongly"
is "$(tool dead drop "$(tool dead list --json | member letter)" --json)" '{"removed":1}' "dead drop: takes it away"
tool consume --group slow --once --tries 1 --timeout 1 -- sleep 30 > "$E2E/out" 2>&1
like "$(cat "$E2E/out")" "*not done in time, killed*" "consume: a command that hangs is killed"
tool consume --group none --once --tries 1 -- /nonexistent > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "3:*cannot be started*" "consume: a command that is not there is said"
is "$(tool dead list --json | member group | sort -u)" slow "consume: no event is a dead letter for it"
: > "$TAKEN"
tool consume --group none --once --idle 1 -- "$E2E/bin/late" > "$E2E/out" 2>&1
tool consume --group none --idle 1 --backoff 1 --tries 1 -- "$E2E/bin/late" > "$E2E/out" 2>&1 &
late=$!
wait_for $$ grep -q "late cannot be started" "$E2E/out"
ln -s take "$E2E/bin/late"
for ((i = 0; i < 300; i++)); do
    [ "$(wc -l < "$TAKEN")" -ge 6 ] && break
    sleep 0.1
done
kill -TERM "$(pgrep -P "$late" -x guichet || echo "$late")" 2> /dev/null
wait "$late"
is "$(cut -d ' ' -f 1 "$TAKEN" | sort | xargs)" "e1 e2 e3 e4 e5 e6" "consume: once it is there, it is given all"
tool groups drop none && tool groups drop slow && tool groups drop hopeless && tool groups drop flaky
is "$(tool groups list --json | member group | xargs)" mail "groups: listed and dropped"

# A consumer that dies with an event in hand: another one is given it. Several at once: each event once.
: > "$TAKEN"
printf '#!/bin/sh\nsleep 60\n' > "$E2E/bin/hang"
chmod 755 "$E2E/bin/hang"
tool consume --group team --idle 2 -- "$E2E/bin/hang" > /dev/null 2>&1 &
wait_for $$ bash -c "redis-cli -s '$E2E/redis/sock' -n $DATABASE XINFO GROUPS 'guichet:{dazno}:events' | grep -A 1 -x team > /dev/null"
wait_for $$ bash -c "redis-cli -s '$E2E/redis/sock' -n $DATABASE XPENDING 'guichet:{dazno}:events' team | head -n 1 | grep -qx 1"
pkill -KILL -f "$E2E/bin/guichet consume --group team"
pkill -KILL -f "$E2E/bin/hang"
for i in $(seq 7 60); do post "e$i" user.updated '"user_id":"u2"'; done
pids=()
for _ in 1 2 3; do
    tool consume --group team --idle 2 -- "$E2E/bin/take" > /dev/null 2>&1 &
    pids+=($!)
done
for ((i = 0; i < 300; i++)); do
    [ "$(cut -d ' ' -f 1 "$TAKEN" | sort -u | wc -l)" -ge 60 ] && break
    sleep 0.1
done
pkill -TERM -f "$E2E/bin/guichet consume --group team"
wait "${pids[@]}"
is "$(cut -d ' ' -f 1 "$TAKEN" | sort -u | wc -l):$(wc -l < "$TAKEN")" "60:60" "three consumers, one of another died: each event once"
is "$(tool events trim --json)" '{"removed":6,"left":54}' "trim: only what every group has done"
tool consume --group mail --once --trim -- "$E2E/bin/take" > /dev/null 2>&1
is "$(redis XLEN 'guichet:{dazno}:events')" 0 "consume --trim: takes away what all have done"

# --- forgetting ---------------------------------------------------------------------------------

post e61 user.updated '"user_id":"u2"'
post e62 user.updated '"user_id":"u1"'
printf '{"id":"e63","user_id":"u1","broken"' > "$E2E/event"
send "$E2E/event"
is "$STATUS:$(redis XLEN 'guichet:{dazno}:quarantine')" 400:1 "something of the user is in quarantine"
tool users forget u1 > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*say --yes*" "forget: not without being sure"
is "$(tool users forget u1 --yes --json)" \
    '{"user_id":"u1","objects":3,"payments":1,"events":1,"quarantine":1,"dead_letters":3}' "forget: all that is stored"
is "$(redis --scan | grep -c 'u1\|h1')" 0 "forget: no key is left"
is "$(redis XRANGE 'guichet:{dazno}:events' - + | grep -c u1)" 0 "forget: no entry is left"
is "$(redis HGET 'guichet:{dazno}:user:u2' sent_msat)" 700 "forget: another user stays"
is "$(redis EXISTS 'guichet:{dazno}:id:e1')" 1 "forget: the idempotency keys stay"
send "$E2E/event"
is "$(redis XLEN 'guichet:{dazno}:quarantine')" 1 "forget: what comes again is kept again"

# --- the state of the host ------------------------------------------------------------------------

like "$(tool status)" "status*working*store*unix://*last*webhooks*accepted*hour*dazno*/api/webhooks/dazno*" "status: a host at work"
is "$(tool status --json | member received.outcomes.accepted)" "$(curl -s \
    -H 'X-Forwarded-Proto: https' -H "Authorization: Bearer $GUICHET_METRICS_TOKEN" "$URL/api/metrics" |
    sed -n 's/^guichet_webhooks_total{.*outcome="accepted"} //p' | awk '{ n += $1 } END { print n }')" \
    "status: counts what the metrics count"
if [ "$(id -u)" -eq 0 ]; then
    GUICHET_CONFIG=$D/guichet.conf "$TOP/build/guichet" status > "$E2E/out" 2>&1
    like "$?:$(cat "$E2E/out")" "2:*belongs to user*--user NAME*" "status: root is told whom to be"
    GUICHET_CONFIG=$D/guichet.conf "$TOP/build/guichet" status --user www-data > "$E2E/out" 2>&1
    like "$?:$(cat "$E2E/out")" "0:*working*" "status: and may be"
fi

# on_terminal VARIABLE=VALUE...: guichet status there
on_terminal() {
    script -qec "setpriv ${AS_USER[*]} env TERM=xterm $* GUICHET_CONFIG=$D/guichet.conf $E2E/bin/guichet status" /dev/null
}
green=$'\033[32mworking\033[0m'
is "$(on_terminal NO_COLOR= | grep -cF "$green")" 1 "status: coloured on a terminal"
is "$(on_terminal NO_COLOR=1 | grep -c $'\033'):$(on_terminal TERM=dumb | grep -c $'\033'):$(tool status | grep -c $'\033')" \
    "0:0:0" "and neither with NO_COLOR, nor on one that cannot, nor elsewhere"

stop "$REDIS_PID"
sleep 1.5 # it asks the store at most once a second
tool status > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:status*down*" "status: a host that is down is said, with a status of its own"
tool events list > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "3:*store_unreachable*cannot connect to $E2E/redis/sock: *" "a store that is away is said, with a status of its own"
REDIS_PID=
done_testing
