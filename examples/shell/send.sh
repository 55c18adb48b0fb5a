#!/bin/sh
# Sends one signed event with curl and openssl. The address, the key and the secret come from the environment:
# T4G_WEBHOOK_URL, T4G_API_KEY, T4G_WEBHOOK_SECRET. The event comes from standard input; if that is empty, one
# is made up.
set -eu

: "${T4G_WEBHOOK_URL:?is not set}" "${T4G_API_KEY:?is not set}" "${T4G_WEBHOOK_SECRET:?is not set}"

# A file holds the bytes, for a variable would lose a newline at the end.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
body=$folder/body
if [ ! -t 0 ]; then
    cat > "$body"
fi
if [ ! -s "$body" ]; then
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    printf '{"id":"shell-%s-%s","timestamp":"%s","source":"dazno","event_type":"user.created","user_id":"shell","email":"shell@example.com"}' \
        "$(date +%s)" "$$" "$now" > "$body"
fi

# `ps` shows both secrets to the users of this machine while openssl and curl run.
# [docs
signature=$(openssl dgst -sha256 -hmac "$T4G_WEBHOOK_SECRET" -r "$body" | cut -d ' ' -f 1)

status=$(curl -sS -m 10 -o "$folder/answer" -w '%{http_code}' "$T4G_WEBHOOK_URL" \
    -H 'Content-Type: application/json' \
    -H "x-api-key: $T4G_API_KEY" \
    -H "x-t4g-signature: sha256=$signature" \
    --data-binary "@$body") || exit 2
# docs]
echo "$status"
cat "$folder/answer"
echo
case $status in
    2??) ;;
    *) exit 1 ;;
esac
