#!/usr/bin/env bash
# The audit in Redis, sealed by the responder and by the tool: what somebody does to it behind our back is named;
# sealing survives two at once and a kill at any moment; an export is verified where there is no store.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly AUDIT='guichet:{dazno}:audit'
cp "$TOP/build/guichet" "$TOP/tests/e2e/insist" "$E2E/bin"
(umask 077 && openssl rand -hex 32 > "$E2E/keys/audit" && openssl rand -hex 32 > "$E2E/keys/another")
give "$E2E/bin" "$E2E/keys"

# guichet VERB...: as the servers' user; results in VERDICT, SAID, COMPLAINT
guichet() {
    # shellcheck disable=SC2086 # an option and its argument, or nothing
    SAID=$(setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" "$@" ${CONFIG---config "$D/guichet.conf"} 2> "$E2E/complaint")
    VERDICT=$?
    COMPLAINT=$(cat "$E2E/complaint")
}
# value NAME: of the last JSON line
value() { tail -n 1 <<< "$SAID" | sed -n "s/.*\"$1\":\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p"; }
verify() { guichet audit verify --provider dazno --json "$@"; }
# problems: as in "changed 1-2 removed 1-3"
problems() {
    sed -n 's/.*"problem":"\([^"]*\)".*"entry":"\([^"]*\)".*/\1 \2/p' <<< "$SAID" | tr '\n' ' ' | sed 's/ $//'
}
audited() { redis XLEN "$AUDIT"; }
seals() { redis XLEN "$AUDIT:seals"; }
# The entries, a line each: id, and fields with their values (of which `sid` is an id too).
lines() {
    redis XRANGE "$AUDIT" - + | awk '/^[0-9]+-[0-9]+$/ && last != "sid" { if (line) print line; line = $0; last = ""; next }
        { line = line " " $0; last = $0 } END { print line }'
}
entry() { lines | sed -n "$1s/ .*//p"; }
updates() { # FROM TO
    local i
    for ((i = $1; i <= $2; i++)); do
        event "$E2E/body" "u-$i" user.updated '"user_id":"ursula"'
        send "$E2E/body"
    done
}
metric() {
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    sed -n "s/^$1 //p" <<< "$ANSWER"
}
insist() { "$E2E/bin/insist" "$PORT" "$E2E/keys/t4g_api_key" "$E2E/keys/t4g_webhook_secret" "$@"; }

# --- without a key ----------------------------------------------------------------------------------------

deploy lighttpd-socket
updates 1 1
verify
is "$VERDICT" 2 "without a key there is nothing to verify"
like "$COMPLAINT" '*audit_key*openssl rand*' "and it is said how to have one"
is "$(metric 'guichet_audit_unsealed_entries{provider="dazno"}')" "" "the metric is absent"
is "$(seals)" 0 "nothing is sealed"
guichet audit list --provider dazno
like "$VERDICT $SAID" '0 *accepted*user.updated*u-1*' "the audit is listed all the same"

# --- the responder seals ----------------------------------------------------------------------------------

deploy lighttpd-socket "server.audit_key = file:$E2E/keys/audit" 'provider dazno.rate_limit = none' \
    'provider dazno.audit_limit = 40'
updates 1 3
# shellcheck disable=SC2317 # called by wait_for
sealed() { [ "$(seals)" -gt 0 ]; }
kill -HUP "${SERVER_PIDS[1]}" # it seals when it starts, and about once a minute
wait_for "${SERVER_PIDS[1]}" sealed
ok $? "the responder seals by itself"
wait_for "${SERVER_PIDS[1]}" bash -c "redis-cli -s '$E2E/redis/sock' -n $DATABASE EXISTS 'guichet:{dazno}:lease:seal' | grep -q 0"
is "$?" 0 "and gives its lease back"
guichet audit seal --provider dazno --json
is "$VERDICT $(value seal | grep -c -E '^[0-9]+:[0-9a-f]{64}$')" '0 1' "the tool seals beside it, and prints the seal"
first=$(value seal)
verify
is "$VERDICT $(value intact) $(value entries) $(value not_sealed_yet)" '0 true 3 0' "untouched it is intact"
is "$(metric 'guichet_audit_unsealed_entries{provider="dazno"}')" 0 "all is sealed"
updates 4 8
send "$E2E/body"
is "$(metric 'guichet_audit_unsealed_entries{provider="dazno"}')" 6 "what is not sealed yet is a metric"
verify
is "$VERDICT $(value entries) $(value not_sealed_yet)" '0 3 6' "what came since is said to be unprotected"
guichet audit seal --provider dazno
is "$VERDICT" 0 "it is sealed too"
verify --expect "$first"
is "$VERDICT $(value entries) $(value not_sealed_yet)" '0 9 0' "and the seal that was noted is still there"
guichet audit list --provider dazno --outcome duplicate --id u-8 --json
is "$(wc -l <<< "$SAID") $(value outcome)" '1 duplicate' "the list is filtered"

# --- tampered with ----------------------------------------------------------------------------------------

# A stream cannot be edited in place: what is to stand there afterwards is written anew.
rewrite() { # SED-SCRIPT over lines "ID field value ..."
    lines | sed "$1" | sort -s -t- -k1,1n -k2,2n > "$E2E/lines"
    redis DEL "$AUDIT" > /dev/null
    while read -r line; do
        # shellcheck disable=SC2086 # words on purpose
        redis XADD "$AUDIT" $line > /dev/null
    done < "$E2E/lines"
}
tampering() {
    local two three four
    two=$(entry 2) three=$(entry 3) four=$(entry 4)
    redis COPY "$AUDIT" "$AUDIT:kept" > /dev/null
    untouched() { redis COPY "$AUDIT:kept" "$AUDIT" REPLACE > /dev/null; }

    rewrite ''
    verify
    is "$VERDICT" 0 "an audit that was written anew as it was is intact"
    rewrite "/^$two /s/accepted/duplicate/"
    verify
    is "$VERDICT $(problems)" "1 changed $two" "a changed entry is named"
    untouched
    redis XDEL "$AUDIT" "$three" > /dev/null
    verify
    is "$VERDICT $(problems)" "1 removed $three" "a removed one"
    untouched
    rewrite "/^$two /{p;s/^[0-9]*-[0-9]*/${two%-*}-77/}"
    verify
    is "$VERDICT $(problems)" "1 inserted ${two%-*}-77" "an inserted one"
    untouched
    rewrite "s/^$two /x /;s/^$four /$two /;s/^x /$four /"
    verify
    is "$VERDICT $(problems | tr ' ' '\n' | sort | tr '\n' ' ')" \
        "1 $(printf '%s\n' moved "$two" moved "$four" | sort | tr '\n' ' ')" "two that changed places"
    untouched
    redis XDEL "$AUDIT" "$(entry 1)" > /dev/null
    verify
    like "$VERDICT $(problems)" "1 removed *" "one taken from the front"
    untouched
    verify
    is "$VERDICT" 0 "put back it is intact"
}
tampering

cut_off() {
    local last noted
    verify
    noted=$(value newest_seal)
    redis COPY "$AUDIT:seals" "$AUDIT:kept-seals" > /dev/null
    last=$(redis XREVRANGE "$AUDIT:seals" + - COUNT 1 | head -n 1)
    redis XDEL "$AUDIT:seals" "$last" > /dev/null
    verify
    is "$VERDICT" 0 "that the newest end was cut off does not show by itself"
    verify --expect "$noted"
    is "$VERDICT $(problems)" '1 cut_off ' "but against a seal that was noted elsewhere"
    verify --expect "12:short"
    is "$VERDICT" 2 "what is no seal is a mistake of the call"
    redis COPY "$AUDIT:kept-seals" "$AUDIT:seals" REPLACE > /dev/null
    redis XTRIM "$AUDIT:seals" MAXLEN 1 > /dev/null
    verify
    like "$VERDICT $SAID" '1 *seal_missing*' "seals that are missing in front are named"
    redis COPY "$AUDIT:kept-seals" "$AUDIT:seals" REPLACE > /dev/null
    verify --key "file:$E2E/keys/another"
    like "$VERDICT $SAID" '1 *foreign*' "with another key nothing is authentic"
    verify --key "$(cat "$E2E/keys/audit")"
    is "$VERDICT" 2 "a key is never taken from an argument"
}
cut_off

# --- elsewhere ---------------------------------------------------------------------------------------------

elsewhere() {
    setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" audit export --provider dazno --config "$D/guichet.conf" > "$E2E/export"
    is "$?" 0 "the audit is exported"
    CONFIG='' guichet audit verify --from-file "$E2E/export" --key "file:$E2E/keys/audit" --json
    is "$VERDICT $(value intact) $(value entries)" '0 true 9' "and verified without store and configuration"
    sed -i '/"id":"u-5"/s/accepted/limited/' "$E2E/export"
    CONFIG='' guichet audit verify --from-file "$E2E/export" --key "file:$E2E/keys/audit" --json
    like "$VERDICT $(problems)" '1 changed *' "a change of the export shows too"
    head -c -5 "$E2E/export" > "$E2E/short"
    CONFIG='' guichet audit verify --from-file "$E2E/short" --key "file:$E2E/keys/audit"
    like "$VERDICT $COMPLAINT" '1 *cut off*' "and one that was cut off"
}
elsewhere

# --- sealed and trimmed under load --------------------------------------------------------------------------

under_load() {
    local n=1500 sender pid kills=0 all
    insist lena "$n" 8 60 > "$E2E/insisted" &
    sender=$!
    while kill -0 "$sender" 2> /dev/null; do
        for _ in 1 2; do
            setpriv "${AS_USER[@]}" -- "$E2E/bin/guichet" audit seal --provider dazno --config "$D/guichet.conf" \
                > /dev/null 2>&1 &
        done
        pid=$!
        sleep "0.0$((RANDOM % 10))"
        kill -KILL "$pid" 2> /dev/null && kills=$((kills + 1))
        # A lease that was killed with its holder would keep the others waiting.
        redis DEL 'guichet:{dazno}:lease:seal' > /dev/null
    done
    wait "$sender"
    is $? 0 "every event is acknowledged while the audit is sealed, two at once and killed $kills times"
    redis DEL 'guichet:{dazno}:lease:seal' > /dev/null
    verify
    is "$VERDICT $(value problems)" '0 0' "and the chain holds"
    note "$(value seals) seals, $(value entries) entries, $(value not_sealed_yet) not sealed, $(value being_trimmed) being trimmed"
    guichet audit seal --provider dazno
    verify
    is "$VERDICT $(value not_sealed_yet) $(value being_trimmed)" '0 0 0' "after one more all is sealed, and trimmed"
    all=$(value entries)
    is "$(audited)" "$all" "what is kept is what is sealed"
    [ "$all" -ge 40 ] && [ "$(value first_seal)" -gt 1 ]
    ok $? "and no less than audit_limit, $all of $((n + 9))"
    is "$(redis XLEN 'guichet:{dazno}:events')" $((n + 8)) "no event is lost by it"
}
under_load

done_testing
