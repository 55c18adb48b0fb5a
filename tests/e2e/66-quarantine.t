#!/usr/bin/env bash
# What was refused is let in again after a fix: what passes now, once each, whatever is killed in between and
# whoever does it at the same time. Judged by what lies in Redis afterwards.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly DAZNO='guichet:{dazno}'
cp "$TOP/build/guichet" "$TOP/tests/e2e/cut" "$TOP/tests/e2e/insist" "$E2E/bin"
give "$E2E/bin"
body=$E2E/body
NOW=$E2E/now.conf # the configuration after the fix

# guichet VERB...: as the servers' user, with the configuration after the fix; results in VERDICT, SAID
guichet() {
    # shellcheck disable=SC2086 # an option and its argument, or nothing
    SAID=$(setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" "$@" --config "${CONFIG:-$NOW}" \
        ${PROVIDER---provider dazno} 2> "$E2E/complaint")
    VERDICT=$?
    COMPLAINT=$(cat "$E2E/complaint")
}
PROVIDER='--provider dazno'
count() { grep -c "$1" <<< "$SAID"; }
entries() { redis XLEN "$DAZNO:events"; }
kept() { redis XLEN "$DAZNO:quarantine"; }
audited() { redis XRANGE "$DAZNO:audit" - + | grep -A1 -x "$1" | grep -c -x "$2"; }
user() { redis HGET "$DAZNO:user:$1" "$2"; }
payment() {
    event "$1" "$2" lightning.payment_received \
        "\"user_id\":\"$3\",\"amount_msat\":$4,\"payment_hash\":\"hash-$2\""
}
# The entry's id in the quarantine of the event of that id.
entry_of() { redis XRANGE "$DAZNO:quarantine" - + | grep -B6 -x -- "$1" | grep -m1 -E '^[0-9]+-[0-9]+$'; }

deploy lighttpd-socket 'provider dazno.max_age = 1h'
sed '/^max_age/d' "$D/guichet.conf" > "$NOW"
give "$NOW"

# --- looking at it ------------------------------------------------------------------------------------

looking() {
    payment "$body" q-1 quinn 5
    send "$body"
    is "$STATUS" 400 "an event that is too old is refused"
    printf '{"id":"q-2","timestamp":"2025-10-15T10:30:00Z","source":"dazno","event_type":"user.updated"}' > "$E2E/other"
    send "$E2E/other"
    is "$STATUS" 400 "and one without a field"
    guichet quarantine list
    is "$VERDICT $(count q-1) $(count q-2)" '0 1 1' "both are listed"
    guichet quarantine list --reason too_old --json
    like "$SAID" '{"entry":"*","at":"*","reason":"too_old","type":"lightning.payment_received","id":"q-1",*}' \
        "chosen by reason, as JSON"
    guichet quarantine list --type user.updated --since 1h
    is "$(count q-1) $(count q-2)" '0 1' "by type and time"
    guichet quarantine list --since 2125-01-01T00:00:00Z
    is "$VERDICT $(count q-)" '0 0' "nothing came in the next century"
    guichet quarantine list --since yesterday
    is "$VERDICT" 2 "a time that is none is a mistake of the call"
    guichet quarantine list --newest --max 1
    is "$(count q-1) $(count q-2)" '0 1' "the newest first"
    first=$(entry_of q-1) second=$(entry_of q-2)
    guichet quarantine list --after "$first"
    is "$(count q-1) $(count q-2)" '0 1' "from an entry on"
    guichet quarantine show "$first"
    like "$SAID" "*too_old*q-1*payment_hash*" "an entry is shown with its body"
    setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" quarantine show "$first" --raw --config "$NOW" --provider dazno > "$E2E/raw"
    cmp -s "$E2E/raw" "$body"
    ok $? "and the bytes of the body alone, as they came"
    guichet quarantine show 1-1
    is "$VERDICT" 1 "one that is not there is said"
    PROVIDER='' guichet quarantine list
    is "$VERDICT" 0 "the one provider that hands events off need not be named"
    sed 's/^\[provider dazno\]/[provider other]\nscheme = github\npath = \/other\nsecret = env:T4G_WEBHOOK_SECRET\n\n&/' "$NOW" > "$NOW.two"
    chmod 640 "$NOW.two"
    give "$NOW.two"
    NOW=$NOW.two PROVIDER='' guichet quarantine list
    like "$VERDICT $COMPLAINT" '2 *--provider*' "with several it must be said which"
}
looking

# --- letting in ------------------------------------------------------------------------------------------

letting_in() {
    guichet quarantine requeue
    is "$VERDICT" 2 "nothing is let in without saying what"
    guichet quarantine requeue --all --dry-run
    is "$VERDICT $(kept) $(entries)" '1 2 0' "a rehearsal changes nothing"
    like "$SAID" '*would pass*q-1*stays*q-2*missing_field*' "and says what would"
    CONFIG=$D/guichet.conf guichet quarantine requeue --all
    is "$VERDICT $(kept) $(count too_old)" '1 2 1' "as long as nothing is fixed all stays, with the reason"
    guichet quarantine requeue --all
    is "$VERDICT $(kept) $(entries)" '1 1 1' "then what passes is let in, and the other stays"
    like "$SAID" '*accepted*q-1*stays*q-2*missing_field*user_id*' "with the reason"
    is "$(user quinn received_msat)" 5 "it has its effect"
    is "$(audited reason requeued)" 1 "the audit says that it was requeued"
    is "$(redis LLEN "$DAZNO:rate")" 0 "it is outside the rate window"
    send "$body"
    is "$STATUS" 400 "for the responder it is too old as ever"
    guichet quarantine requeue --reason too_old
    is "$VERDICT $(count known) $(kept) $(entries)" '0 1 1 1' "the same event again is known, and leaves"
    guichet quarantine drop "$second" 7-7
    is "$VERDICT $(kept)" '1 0' "an entry can be dropped, and one that is not there is said"
}
letting_in

# The corrected event, under the same id, was accepted before the first one is let in.
conflict() {
    local id
    payment "$body" c-1 cora 1
    send "$body"
    payment "$E2E/other" c-1 cora 2
    deploy_now
    send "$E2E/other"
    is "$STATUS" 200 "the corrected event is accepted under its id"
    id=$(entry_of c-1)
    guichet quarantine requeue "$id"
    is "$VERDICT $(count conflict) $(user cora received_msat)" '1 1 2' "then the first one is in conflict"
    is "$(kept) $(entry_of c-1)" "1 $id" "and stays, once, as it was"
    guichet quarantine requeue "$id"
    is "$VERDICT $(kept)" '1 1' "however often it is tried"
    guichet quarantine drop "$id"
}

# The responder with the configuration after the fix, or before, on the same store.
deploy_now() { replace "$NOW"; }
deploy_before() { replace "$E2E/before.conf"; }
replace() {
    [ -s "$E2E/before.conf" ] || cp "$D/guichet.conf" "$E2E/before.conf"
    cp "$1" "$D/guichet.conf.new" && mv "$D/guichet.conf.new" "$D/guichet.conf"
    give "$D/guichet.conf"
    local lines
    lines=$(grep -c 'serves with' "$D/guichet.log")
    kill -HUP "${SERVER_PIDS[1]}"
    wait_for "${SERVER_PIDS[1]}" bash -c "[ \$(grep -c 'serves with' '$D/guichet.log') -gt $lines ]"
}
conflict

# --- killed, and two at once ------------------------------------------------------------------------------

# fill PREFIX N USER: so many payments in quarantine
fill() {
    local i
    deploy_before
    for ((i = 1; i <= $2; i++)); do
        payment "$body" "$1-$i" "$3" 1
        send "$body"
    done
}

killed_in_the_moment() {
    local line
    redis DEL "$DAZNO:audit" > /dev/null
    fill m 1 mona
    sed "s|^store = .*|store = unix://$E2E/cut?db=$DATABASE|" "$NOW" > "$E2E/cut.conf"
    give "$E2E/cut.conf"
    start "$E2E/cut.log" "$E2E/bin/cut" "$E2E/cut" "$E2E/redis/sock" "$E2E/arm" "$E2E/pid"
    line=$STARTED
    wait_for "$line" test -S "$E2E/cut" || bail_out "no line to Redis"
    echo '"m-1"' > "$E2E/arm"
    : > "$E2E/pid"
    give "$E2E/arm" "$E2E/pid"
    # shellcheck disable=SC2016 # for the inner shell
    setpriv "${AS_USER[@]}" -- sh -c 'echo $$ > "$1"; shift; exec "$@"' sh "$E2E/pid" "$E2E/bin/guichet" \
        quarantine requeue --all --provider dazno --config "$E2E/cut.conf" > /dev/null 2>&1
    is $? 137 "killed when Redis has committed, and the answer is not there"
    is "$(user mona received_count) $(kept)" '1 1' "the effect is there, and the entry"
    guichet quarantine requeue --all
    is "$VERDICT $(count accepted) $(kept)" '0 1 0' "the next one takes the entry out"
    is "$(user mona received_count) $(audited outcome accepted) $(audited outcome duplicate)" '1 1 0' \
        "and it is one request to the store: one effect, one entry in the audit"
    stop "$line"
}
killed_in_the_moment

many() {
    local n=250 i runs=0 before a b
    before=$(entries)
    fill k "$n" kim
    is "$(kept)" "$n" "$n wait in quarantine"
    for ((i = 0; i < 200 && $(kept) > 0; i++)); do
        setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" quarantine requeue --all --provider dazno --config "$NOW" \
            > /dev/null 2>&1 &
        a=$!
        setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" quarantine requeue --all --provider dazno --config "$NOW" \
            > /dev/null 2>&1 &
        b=$!
        if [ "$i" -lt 40 ]; then
            sleep "0.0$((RANDOM % 2))$((RANDOM % 10))"
            kill -KILL "$a" 2> /dev/null
            sleep "0.00$((RANDOM % 10))"
            kill -KILL "$b" 2> /dev/null
        fi
        wait "$a" "$b" 2> /dev/null
        runs=$((runs + 1))
    done
    note "two at a time, $runs times"
    is "$(kept)" 0 "two at once, killed again and again: all are let in"
    is "$(user kim received_count) $(user kim received_msat) $(($(entries) - before))" "$n $n $n" "once each"
}
many

# The corrected event comes in the very moment: one of the two is accepted, the other is not.
against_new_deliveries() {
    local n=25 i before answered=0 tool
    before=$(entries)
    fill r "$n" rosa
    deploy_now
    for ((i = 1; i <= n; i++)); do
        payment "$body" "r-$i" rosa 1000
        setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" quarantine requeue "$(entry_of "r-$i")" --provider dazno \
            --config "$NOW" >> "$E2E/requeued" 2>&1 &
        tool=$!
        sleep "0.00$((RANDOM % 10))"
        send "$body"
        [ "$STATUS" != 200 ] || answered=$((answered + 1))
        wait "$tool"
    done
    note "$answered of $n were answered 200, the others came second"
    is "$(grep -c 'accepted *lightning' "$E2E/requeued") $(($(entries) - before)) $(user rosa received_count)" \
        "$((n - answered)) $n $n" "of each pair one is accepted"
}
against_new_deliveries

# Without the permission to take an entry out, nothing is applied again by trying again.
not_taken_out() {
    redis DEL "$DAZNO:quarantine" > /dev/null
    fill x 1 xenia
    redis ACL SETUSER default -xdel > /dev/null
    guichet quarantine requeue --all
    is "$VERDICT $(user xenia received_count) $(kept)" '3 1 1' "an entry that cannot be taken out is said"
    guichet quarantine requeue --all
    redis ACL SETUSER default +xdel > /dev/null
    guichet quarantine requeue --all
    is "$VERDICT $(user xenia received_count) $(kept)" '0 1 0' "and its event is applied once"
}
not_taken_out

done_testing
