#!/usr/bin/env bash
# Keys, signatures and their mistakes from the shell, against the real responder.
# shellcheck disable=SC2094,SC2317 # bodies are only read; functions that wait_for calls
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

GUICHET=$TOP/build/guichet
W=$E2E/work
mkdir "$W"
cp "$GUICHET" "$E2E/bin/guichet"
BODY='{"id":"w1","timestamp":"2025-10-15T10:30:00Z","source":"dazno.de","event_type":"user.created","user_id":"u1","email":"a@b.c"}'
printf '%s' "$BODY" > "$W/body"

# tool ARG...: OUT, ERR and STATUS
tool() {
    OUT=$("$GUICHET" "$@" 2> "$W/err")
    STATUS=$?
    ERR=$(< "$W/err")
}

# --- keygen ------------------------------------------------------------------------------------------------

tool keygen
is "$STATUS" 0 "keygen ends with 0"
lines=$'^T4G_API_KEY=[0-9a-f]{64}\nT4G_WEBHOOK_SECRET=[0-9a-f]{128}$'
[[ $OUT =~ $lines ]]
ok $? "it prints the two lines of variables" || note "$OUT"
first=$OUT
tool keygen
[ "$OUT" != "$first" ]
ok $? "other ones every time"
tool keygen --json
is "$(jq -r '(.T4G_API_KEY | length), (.T4G_WEBHOOK_SECRET | length)' <<< "$OUT" | paste -sd ' ')" "64 128" \
    "the same as JSON"
tool keygen --out "$W/keys.env"
is "$STATUS $(stat -c %a "$W/keys.env") $(wc -l < "$W/keys.env")" "0 600 2" "--out writes a file, 0600"
before=$(sha256sum < "$W/keys.env")
[[ $OUT != *"$(sed -n 's/^T4G_API_KEY=//p' "$W/keys.env")"* ]]
ok $? "and does not show what is in it"
tool keygen --out "$W/keys.env"
[ "$STATUS" -ne 0 ] && [ "$(sha256sum < "$W/keys.env")" = "$before" ]
ok $? "an existing file is not overwritten"
like "$ERR" "*is there already*" "and it says so"
ln -s /nonexistent "$W/link"
tool keygen --out "$W/link"
like "$STATUS $ERR" "3 *there already*" "nor a link that leads nowhere"
tool keygen --out "$W/none/keys.env"
like "$STATUS $ERR" "3 *cannot open the folder*" "a folder that is not there"
tool keygen --dir "$W/keys"
is "$STATUS $(stat -c %a "$W/keys/dazno.key" "$W/keys/dazno.secret" | paste -sd ' ')" "0 600 600" \
    "--dir writes a file for each"
rm "$W/keys/dazno.key"
tool keygen --dir "$W/keys"
[ "$STATUS" -ne 0 ] && [ ! -e "$W/keys/dazno.key" ]
ok $? "both or none"
is "$(find "$W" -name '.*' ! -name '.' -type f)" "" "nothing half-made is left"
tool keygen --out a --dir b
is "$STATUS" 2 "--out and --dir exclude each other"
tool keygen --dir "$W/keys2"

# --- sign and verify ---------------------------------------------------------------------------------------

SECRETS=(
    "t4g file:$W/keys2/dazno.secret"
    "github file:$W/keys2/dazno.secret"
    "stripe env:STRIPE"
    "airtable env:AIRTABLE"
    "standard-webhooks env:STRIPE"
)
AIRTABLE=$(openssl rand -hex 32)
STRIPE=whsec_$(openssl rand -base64 32)
export STRIPE AIRTABLE
for row in "${SECRETS[@]}"; do
    read -r scheme spec <<< "$row"
    tool sign --scheme "$scheme" --secret "$spec" --body "$W/body"
    is "$STATUS" 0 "$scheme: signed" || note "$ERR"
    printf '%s\n' "$OUT" > "$W/headers"
    tool verify --scheme "$scheme" --secret "$spec" --headers "$W/headers" < "$W/body"
    like "$STATUS $OUT" "0 *verified*yes*$spec*" "$scheme: verified, the secret is named" || note "$ERR"
    printf '%sx' "$BODY" > "$W/other"
    tool verify --scheme "$scheme" --secret "$spec" --headers "$W/headers" --body "$W/other"
    like "$STATUS $OUT" "1 *verified*no*mismatch*" "$scheme: another body is not"
done

SPEC=file:$W/keys2/dazno.secret KEY=file:$W/keys2/dazno.key
sig=$(signature "$W/body" "$(< "$W/keys2/dazno.secret")")
tool verify --scheme t4g --secret "$SPEC" --header "X-T4G-Signature: sha256=$sig" --json < "$W/body"
is "$STATUS $(jq -c '[.verified,.slot,.api_key_checked]' <<< "$OUT")" "0 [true,0,false]" \
    "openssl's signature verifies; the API key was not asked for"
tool sign --scheme t4g --secret "$SPEC" --api-key "$KEY" < "$W/body"
is "$(sed -n 's/^x-t4g-signature: //p' <<< "$OUT")" "sha256=$sig" "sign makes the same"
is "$(sed -n 's/^x-api-key: //p' <<< "$OUT")" "$(< "$W/keys2/dazno.key")" "and shows the API key"
tool sign --scheme t4g --secret - --body "$W/body" < "$W/keys2/dazno.secret"
like "$OUT" "*sha256=$sig*" "the secret may come from standard input"
tool sign --scheme t4g --secret - < "$W/keys2/dazno.secret"
is "$STATUS" 2 "but not together with the body"
tool sign --scheme t4g --secret "$(< "$W/keys2/dazno.secret")" < "$W/body"
like "$STATUS $ERR" "2 *never the secret itself*" "a secret in the arguments is refused"
[[ $ERR != *"$(< "$W/keys2/dazno.secret")"* ]]
ok $? "and not repeated"
tool verify --scheme t4g --secret "$SPEC" --header "x-api-key: abc" < "$W/body"
like "$STATUS $ERR" "2 *--headers*" "nor an API key"
tool verify --scheme t5g --secret "$SPEC" < "$W/body"
like "$STATUS $ERR" "2 *known are t4g*" "an unknown scheme"
tool verify --scheme t4g --secret env:NOT_SET < "$W/body"
like "$STATUS $ERR" "2 *NOT_SET is not set*" "a variable that is not set"

# mistake NAME PATTERN ARG...: the request has the signature $sig over $W/body
mistake() {
    local name=$1 pattern=$2
    shift 2
    tool verify --scheme t4g --secret "$SPEC" "$@"
    like "$STATUS $OUT" "1 *$pattern*" "$name" || note "$ERR"
    [[ $OUT$ERR != *"$(< "$W/keys2/dazno.secret")"* ]] || ok 1 "$name: the secret is shown"
}
mistake "a newline was added" "without the newline" --header "x-t4g-signature: sha256=$sig" < <(echo "$BODY")
mistake "the body was pretty-printed" "JSON.stringify" --header "x-t4g-signature: sha256=$sig" < <(jq . "$W/body")
mistake "the prefix is missing" "stands alone" --header "x-t4g-signature: $sig" < "$W/body"
mistake "base64 for hex" "in base64 where hex is due" \
    --header "x-t4g-signature: sha256=$(xxd -r -p <<< "$sig" | base64)" < "$W/body"
mistake "the key was decoded" "as hex digits" --header "x-t4g-signature: sha256=$(openssl dgst -sha256 \
    -mac HMAC -macopt "hexkey:$(< "$W/keys2/dazno.secret")" -r "$W/body" | cut -d ' ' -f 1)" < "$W/body"
mistake "a newline in the secret" "ends in a newline" --header "x-t4g-signature: sha256=$(signature "$W/body" \
    "$(< "$W/keys2/dazno.secret")"$'\n')" < "$W/body"
mistake "SHA-1" "SHA-1" --header "x-t4g-signature: sha1=$(openssl dgst -sha1 \
    -hmac "$(< "$W/keys2/dazno.secret")" -r "$W/body" | cut -d ' ' -f 1)" < "$W/body"
mistake "the header of another scheme" "x-hub-signature-256 is there instead" \
    --header "x-hub-signature-256: sha256=$sig" < "$W/body"
mistake "the URL was signed too" "as Square does" --url https://h/p \
    --header "x-t4g-signature: sha256=$(signature <(printf 'https://h/p%s' "$BODY") "$(< "$W/keys2/dazno.secret")")" < "$W/body"
mistake "a digest that is too long" "not in the form of the scheme t4g" --header "x-t4g-signature: sha256=00$sig" < "$W/body"
mistake "a stranger" "no known mistake" --header "x-t4g-signature: sha256=$(signature "$W/body" stranger)" < "$W/body"
tool sign --scheme stripe --secret env:STRIPE --now 1000000 --body "$W/body"
printf '%s\n' "$OUT" > "$W/headers"
tool verify --scheme stripe --secret env:STRIPE --headers "$W/headers" --now 1000300 < "$W/body"
is "$STATUS" 0 "300 s later a signed time still counts"
tool verify --scheme stripe --secret env:STRIPE --headers "$W/headers" --now 1000301 < "$W/body"
like "$STATUS $OUT" "1 *stale*301 s before now*" "301 s later it does not"

# --- with the real responder ---------------------------------------------------------------------------------

mkdir "$E2E/live"
(umask 077 && cp "$E2E/keys/t4g_webhook_secret" "$E2E/live/first")
give "$E2E/live"
deploy lighttpd "provider dazno.secret = dir:$E2E/live"
# The configuration names the secret twice: by the file, and by the folder.
sed -i "/^secret = file:.*t4g_webhook_secret/d" "$D/guichet.conf"
CONF=$D/guichet.conf

# explained PATTERN: until the log says so
explained() { grep -q "$1" "$D/guichet.log"; }
cp "$W/body" "$W/sent"
echo >> "$W/sent"
request /api/webhooks/dazno -H "Content-Type: application/json" -H "x-api-key: $T4G_API_KEY" \
    -H "x-t4g-signature: sha256=$(signature "$W/body")" --data-binary "@$W/sent"
is "$STATUS" 401 "a body that was changed is refused"
told=$ANSWER
wait_for "$REDIS_PID" explained "dazno: a request was refused (mismatch): the signature is that of the body without the newline"
ok $? "the log says why" || note "$(cat "$D/guichet.log")"
request /api/webhooks/dazno -H "Content-Type: application/json" -H "x-api-key: $T4G_API_KEY" \
    -H "x-t4g-signature: sha256=$(signature "$W/body" stranger)" --data-binary "@$W/body"
is "$STATUS $ANSWER" "401 $told" "the sender is told what a stranger is"
for _ in 1 2 3 4 5; do
    request /api/webhooks/dazno -H "Content-Type: application/json" -H "x-api-key: $T4G_API_KEY" \
        -H "x-t4g-signature: sha256=$(signature "$W/body")" --data-binary "@$W/sent"
done
[ "$(grep -c 'a request was refused' "$D/guichet.log")" -le 2 ]
ok $? "and seldom"

tool secrets --config "$CONF" --provider dazno
like "$STATUS $OUT" "0 *only*" "one secret is the only one" || note "$ERR"
send "$W/body"
is "$STATUS" 200 "an event is accepted"
tool keygen --rotate --config "$CONF" --provider dazno
is "$STATUS" 0 "a second secret is added" || note "$ERR"
new=$(find "$E2E/live" -type f ! -name first)
is "$(stat -c '%a %U' "$new")" "$(stat -c '%a %U' "$E2E/live/first")" "with mode and owner of the first"
like "$OUT" "*live within a second*" "it is said to be live"
[[ $OUT != *"$(< "$new")"* ]]
ok $? "and not shown"
accepted() {
    event "$W/next" "$1" user.updated '"user_id":"u1"'
    T4G_WEBHOOK_SECRET=$(< "$new") send "$W/next"
    [ "$STATUS" != 401 ]
}
T4G_OLD=$T4G_WEBHOOK_SECRET
wait_for "$REDIS_PID" accepted w2
ok $? "the new one is live without a restart"
T4G_WEBHOOK_SECRET=$T4G_OLD send "$W/body"
is "$STATUS" 200 "the old one stays live"
wait_for "$REDIS_PID" accepted w3
tool secrets --config "$CONF" --provider dazno --json
is "$STATUS $(jq -s -c 'map(.state) | sort' <<< "$OUT")" '0 ["in_use","wait"]' "secrets: one is in use, one can go later"
is "$(jq -r '.kind' <<< "$OUT" | sort -u)" dir "their kind"
[[ $OUT != *"$(< "$new")"* && $OUT == *fingerprint* ]]
ok $? "by fingerprint, not by text"
sleep 1.1
tool secrets --config "$CONF" --provider dazno --idle 1s --json
is "$(jq -r 'select(.state == "can_go") | .secret' <<< "$OUT")" "dir:$E2E/live/first" "in time the old one can go"
tool secrets --config "$CONF" --provider nobody
is "$STATUS" 2 "no such provider"
tool secrets --config "$CONF" --idle soon
is "$STATUS" 2 "no such duration"
if [ "$(id -u)" -eq 0 ]; then
    ! OUT=$(setpriv --reuid nobody --regid nogroup --clear-groups -- "$E2E/bin/guichet" secrets --config "$CONF" 2>&1)
    ok $? "who may not read the state gets no answer"
fi

# --- rotation of files and variables -------------------------------------------------------------------------

cat > "$W/file.conf" << CONF
[server]
store = unix://$E2E/redis/sock
state_dir = $W/state
[provider dazno]
api_key = $KEY
secret = $SPEC
CONF
chmod 640 "$W/file.conf"
tool keygen --rotate --config "$W/file.conf"
line=$(sed -n 's/^add_line *//p' <<< "$OUT")
like "$line" "secret = $SPEC-*" "beside a file: the line to add is said"
is "$(stat -c %a "${line#secret = file:}")" 600 "and the file is there"
echo "$line" >> "$W/file.conf"
tool secrets --config "$W/file.conf" --json
is "$(jq -r .state <<< "$OUT" | paste -sd ' ')" "unused unused" "with that line both are live"
tool keygen --rotate --key --config "$W/file.conf" --json
like "$(jq -r .add_line <<< "$OUT")" "api_key = $KEY-*" "an API key likewise"
export T4G_API_KEY T4G_WEBHOOK_SECRET GUICHET_STORE=unix://$E2E/redis/sock
tool keygen --rotate --provider dazno
like "$STATUS $OUT" "0 T4G_WEBHOOK_SECRET_2=*provider dazno*secret = env:T4G_WEBHOOK_SECRET*secret = env:T4G_WEBHOOK_SECRET_2*" \
    "beside a variable: the variable and both lines" || note "$ERR"
tool keygen --rotate --provider airtable
is "$STATUS" 2 "no such provider here"
sed "s|^secret = .*|secret = 0123456789abcdef0123456789abcdef|" "$W/file.conf" > "$W/literal.conf"
chmod 600 "$W/literal.conf"
tool keygen --rotate --config "$W/literal.conf"
is "$STATUS" 2 "a literal is not rotated"

done_testing
