#!/usr/bin/env bash
# The tool's verbs for a base of Airtable (tests/airtable/server stands in for it), one after the other: what each
# does, what it says when something is wrong, and that the copy in the store is right after each change of the base.
# 95-airtable.t has all of it at once.
# shellcheck source-path=SCRIPTDIR source=airtable.sh
. "$(dirname "$0")/airtable.sh"

# When the first hook ends, as the metrics have it
expiry() {
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    sed -n 's/^guichet_airtable_hook_expiry_timestamp_seconds{provider="airtable"} //p' <<< "$ANSWER"
}

RECORDS=60 TABLES=2
start_mock
deploy_base
is "$(expiry)" "" "nothing is known of hooks yet"

# --- one at a time ------------------------------------------------------------------------------

AIRTABLE_PERSONAL_TOKEN=patWrong tool airtable list > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*401*AIRTABLE_PERSONAL_TOKEN*" "a wrong token is said"
AIRTABLE_BASE_ID=appOther000000000 tool airtable list > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*webhook:manage*appOther000000000*" "so are the scope and the base that are missing"
(unset AIRTABLE_PERSONAL_TOKEN && tool airtable list) > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*AIRTABLE_PERSONAL_TOKEN*--token-file*--env-file*" "and where a token may come from"
printf '# as for the unit\nAIRTABLE_PERSONAL_TOKEN="patTest"\nAIRTABLE_BASE_ID = %s\n' "$AIRTABLE_BASE_ID" > "$E2E/env"
chmod 600 "$E2E/env"
give "$E2E/env"
tool airtable list --env-file "$E2E/env" > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*env:3: a line must be NAME=value*" "a file of variables is read strictly"
sed -i 's/ = /=/' "$E2E/env"
(unset AIRTABLE_PERSONAL_TOKEN AIRTABLE_BASE_ID && tool airtable list --env-file "$E2E/env") > "$E2E/out" 2>&1
is "$?" 0 "the variables from a file" || note "$(cat "$E2E/out")"
chmod 644 "$E2E/env"
tool airtable list --env-file "$E2E/env" > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*others may read it*" "which nobody else may read"
tool airtable setup --json > "$E2E/out" 2>&1
is "$?" 0 "setup makes a hook" || note "$(cat "$E2E/out")"
HOOK=$(json hook < "$E2E/out")
is "$(stat -c '%a' "$SECRETS/$HOOK")" 600 "its secret is kept, 0600"
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

# Notifications: what Airtable gave up comes back, what was switched off does not.
notified() { tool airtable list --json | json state; }
keep() { timeout 1.3 setpriv "${AS_USER[@]}" -- env GUICHET_CONFIG="$D/guichet.conf" "$E2E/bin/guichet" airtable watch --poll 600 > "$E2E/out" 2>&1; }
admin hook "{\"id\":\"$HOOK\",\"notify\":false}" > /dev/null
keep
is "$(notified)" on "a worker switches notifications on that Airtable gave up" || note "$(cat "$E2E/out")"
tool airtable disable "$HOOK" > /dev/null
keep
is "$(notified)" off "but not those that were switched off here" || note "$(cat "$E2E/out")"
tool airtable enable "$HOOK" > /dev/null
is "$(notified)" on "until they are switched on"

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
for faults in '"status_503":{"count":1},"truncate":{"count":1}' '"garbage":{"count":1},"close":{"count":1}'; do
    admin random '{"count":10}' > /dev/null
    admin faults "{$faults}" > /dev/null
    tool airtable drain > "$E2E/out" 2>&1
    is "$?" 0 "$faults: what is no answer is asked for again" || note "$(cat "$E2E/out")"
done
same "and nothing is lost"

# Another hook in the place of this one.
admin random '{"count":20,"seed":4}' > /dev/null
NEXT=$(look next "$HOOK")
like "$(tool airtable payloads "$HOOK" --cursor 1 --json 2> /dev/null | head -n 1)" '{"number":1,"payload":{*"payloadFormat":"v0"*' \
    "payloads can be looked at"
tool airtable payloads achNone0000000000 > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*404*" "those of a hook that is not there cannot"
OLD=$HOOK HOOK=$(tool airtable recreate "$HOOK" --json | json hook)
is "$(look handed "$OLD")" "$((NEXT - 1)) in order" "recreate: all payloads of the old hook are applied"
[ -n "$HOOK" ] && [ -e "$SECRETS/$HOOK" ] && [ ! -e "$SECRETS/$OLD" ]
ok $? "the new one's secret is there, the old one's is not" || note "$(ls "$SECRETS")"
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
rm "$SECRETS/achOther000000001" # without the hook, which would be remarked
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
tool airtable simulate --variant none > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*there are sound, *" "an unknown variant: those there are"
MAC=$(openssl rand -base64 32)
echo "nonsense!" | tool airtable import-secret achImported000001 > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "2:*macSecretBase64*" "what is no secret is refused"
[ ! -e "$SECRETS/achImported000001" ]
ok $? "and not kept"
echo "$MAC" | tool airtable import-secret achImported000001 > "$E2E/out" 2>&1
is "$?:$(stat -c %a "$SECRETS/achImported000001"):$(cat "$SECRETS/achImported000001")" "0:600:base64:$MAC" \
    "a secret that Airtable showed is kept"
wait_for $$ tool airtable simulate --variant sound --hook achImported000001 "${FORWARDED_PROTO[@]}"
ok $? "and verifies pings of its hook"
rm "$SECRETS/achImported000001"
is "$(echo c2VjcmV0LWtleQ== | tool airtable secret-convert --to hex --json | json secret)" hex:7365637265742d6b6579 \
    "a secret in hex"
is "$(echo hex:7365637265742d6b6579 | tool airtable secret-convert --json | json secret)" base64:c2VjcmV0LWtleQ== \
    "and in base64"

# --- hooks that end -----------------------------------------------------------------------------

admin hook "{\"id\":\"$HOOK\",\"error\":\"INVALID_HOOK\"}" > /dev/null
tool airtable drain > "$E2E/out" 2>&1
like "$?:$(cat "$E2E/out")" "1:*airtable setup*" "an error payload is said, with the remedy"
tool airtable setup --json > "$E2E/out" 2>&1
OLD=$HOOK HOOK=$(json hook < "$E2E/out")
[ "$HOOK" != "$OLD" ] && [ -e "$SECRETS/$OLD" ]
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

within_limit
admin faults '{"status_429":{"count":1}}' > /dev/null
timeout 1.5 setpriv "${AS_USER[@]}" -- env GUICHET_CONFIG="$D/guichet.conf" "$E2E/bin/guichet" airtable list > /dev/null 2>&1
pause=$(($(redis HGET "guichet:{airtable}:api:$AIRTABLE_BASE_ID" pause) / 1000000 - $(date +%s)))
[ "$pause" -gt 20 ] && [ "$pause" -le 30 ]
ok $? "after a 429 nobody asks for 30 s" || note "$pause s"

end_base
done_testing
