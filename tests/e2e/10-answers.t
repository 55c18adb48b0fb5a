#!/usr/bin/env bash
# The same requests are answered alike under every server.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# expect STATUS NAME [DEPLOYMENT=STATUS...]: judges the last answer; the pairs are the exceptions.
expect() {
    local expected=$1 name=$2 exception
    shift 2
    for exception in "$@"; do
        # shellcheck disable=SC2053 # a pattern on purpose
        [[ $deployment == ${exception%=*} ]] && expected=${exception##*=}
    done
    is "$STATUS" "$expected" "$deployment: $name" || note "$ANSWER"
}

# expect_accepted NAME [DEPLOYMENT=STATUS...]: 200, and one event more is handed on
expect_accepted() {
    expect 200 "$@"
    if [ "$STATUS" = 200 ]; then
        ACCEPTED=$((ACCEPTED + 1))
    fi
}

# The last answer is a problem of Guichet's own, not the web server's page.
expect_problem() {
    is "$(header content-type)" application/problem+json "$deployment: $1: its media type"
    like "$ANSWER" '{*"received":false*}' "$deployment: $1: its body"
}

body=$E2E/body
other=$E2E/other

accepted_and_repeated() {
    local first
    event "$body" a-1 user.created '"user_id":"u1","email":"u1@example.com"'
    send "$body"
    expect_accepted "an event"
    like "$ANSWER" '{"received":true,"webhook_id":"a-1","processed_at":"20??-??-??T??:??:??Z"}' \
        "$deployment: its answer"
    is "$(header content-type)" application/json "$deployment: its media type"
    first=$ANSWER
    is "$(header idempotent-replayed)" "" "$deployment: it is no replay"

    send "$body"
    expect 200 "the same again"
    is "$ANSWER" "$first" "$deployment: the original answer"
    is "$(header idempotent-replayed)" true "$deployment: it is a replay"

    event "$body" a-1 user.created '"user_id":"u1","email":"other@example.com"'
    send "$body"
    expect 409 "the same id with another body"
    expect_problem "conflict"
    is "$(redis HGET 'guichet:{dazno}:user:u1' email)" u1@example.com "$deployment: it changed nothing"
}

# Every 401 is the same, whatever the reason.
refused_alike() {
    local url=/api/webhooks/dazno json='Content-Type: application/json' forged answers=''
    local key="x-api-key: $T4G_API_KEY" sig
    event "$body" b-1 user.created '"user_id":"u2","email":"u2@example.com"'
    event "$other" b-2 user.created '"user_id":"u2","email":"u2@example.com"'
    sig="x-t4g-signature: sha256=$(signature "$body")"
    forged="x-t4g-signature: sha256=$(signature "$body" another-secret)"

    # NAME FILE HEADER...
    unauthorized() {
        local name=$1 file=$2
        shift 2
        request "$url" -H "$json" --data-binary "@$file" "$@"
        expect 401 "$name"
        answers+="$ANSWER"$'\n'$(header www-authenticate)$'\n'
    }
    unauthorized "no signature" "$body" -H "$key"
    expect_problem "unauthorized"
    unauthorized "no API key" "$body" -H "$sig"
    unauthorized "another API key" "$body" -H "x-api-key: x$T4G_API_KEY" -H "$sig"
    unauthorized "another secret" "$body" -H "$key" -H "$forged"
    unauthorized "the signature of another body" "$other" -H "$key" -H "$sig"
    unauthorized "a signature cut short" "$body" -H "$key" -H "${sig%?}"
    unauthorized "the signature twice" "$body" -H "$key" -H "$sig" -H "$sig"
    unauthorized "the API key twice" "$body" -H "$key" -H "$key" -H "$sig"
    is "$(sort -u <<< "$answers" | grep -c .)" 2 "$deployment: all 401 are the same"
    is "$(redis EXISTS 'guichet:{dazno}:user:u2')" 0 "$deployment: nothing came of them"

    # lighttpd alone passes a header with underscores on, as if it were the other one.
    request "$url" -H "$json" --data-binary "@$body" -H "$key" -H "$sig" -H "X_Api_Key: $T4G_API_KEY"
    expect_accepted "the API key again, with underscores" 'lighttpd*=401'
}

before_the_signature() {
    event "$body" c-1 user.created '"user_id":"u3","email":"u3@example.com"'
    TYPE=text/plain send "$body"
    expect 415 "another media type"
    expect_problem "media type"
    request /api/webhooks/dazno
    expect 405 "GET"
    is "$(header allow)" POST "$deployment: Allow"
    request /api/webhooks/nobody -d x
    expect 404 "an unknown path"
    expect_problem "unknown path"
    request /webhooks-of-others -d x
    expect 404 "a path that only begins like ours"
    request /guichet.conf
    expect 404 "the configuration is not to be had" 'htaccess-*=403'
    local FORWARDED=()
    send "$body"
    expect 403 "plain HTTP"
    expect_problem "plain HTTP"
    FORWARDED=(-H 'X-Forwarded-Proto: https' -H 'X-Forwarded-Proto: https')
    send "$body"
    expect 403 "X-Forwarded-Proto twice"
    is "$(redis EXISTS 'guichet:{dazno}:user:u3')" 0 "$deployment: nothing came of them"
}

bodies() {
    local before
    event "$body" d-1 user.created '"user_id":"u4","email":"u4@example.com"'
    send "$body" -H 'Transfer-Encoding: chunked'
    expect_accepted "chunked" '*-cgid=411'
    printf '{\r\n  "source": "dazno",\r\n  "user_id": "\xc3\xa9t\xc3\xa9",\r\n  "id": "d-2",\r\n' > "$body"
    printf '  "email": "e@example.com",\r\n  "event_type": "user.created",\r\n' >> "$body"
    printf '  "timestamp": "2025-10-15T10:30:00Z"\r\n}\r\n' >> "$body"
    TYPE='application/json; charset=utf-8' send "$body"
    expect_accepted "pretty-printed, with CRLF and UTF-8"
    is "$(redis --raw HGET $'guichet:{dazno}:user:\xc3\xa9t\xc3\xa9' email)" e@example.com \
        "$deployment: under its own name"

    event "$body" d-3 t4g.balance_updated \
        "\"user_id\":\"u4\",\"new_balance\":1,\"note\":\"$(head -c 900000 /dev/zero | tr '\0' n)\""
    send "$body"
    expect_accepted "900 000 bytes" 'htaccess-fcgid=500'
    : > "$body"
    send "$body"
    expect 400 "empty"
    printf '{"id":"d-4\0"}' > "$body"
    send "$body"
    expect 400 "signed, with a NUL byte"
    event "$body" d-5 user.created '"user_id":"u5"'
    send "$body"
    expect 400 "signed, with a field missing"
    expect_problem "invalid"
    event "$body" d-6 user.vanished '"user_id":"u5"'
    send "$body"
    expect 400 "signed, of an unknown type"
    event "$body" d-7 t4g.balance_updated '"user_id":"u5","new_balance":9223372036854775808'
    send "$body"
    expect 400 "signed, with 2^63"
    event "$body" d-7 t4g.balance_updated '"user_id":"u5","new_balance":9223372036854775807'
    send "$body"
    expect_accepted "2^63-1"
    is "$(redis HGET 'guichet:{dazno}:user:u5' balance)" 9223372036854775807 "$deployment: exactly"

    head -c 1048577 /dev/zero | tr '\0' ' ' > "$body"
    send "$body"
    expect 413 "one byte too large" 'htaccess-fcgid=500'
    send "$body" -H 'Transfer-Encoding: chunked'
    expect 413 "the same, chunked" 'htaccess-fcgid=500'

    event "$body" d-8 user.created '"user_id":"u8","email":"u8@example.com"'
    before=$(redis XLEN 'guichet:{dazno}:events')
    upload_cut_off > "$other"
    if grep -q '^HTTP/1.. 2' "$other"; then
        ok 1 "$deployment: an upload that breaks off is not accepted" || note "$(cat "$other")"
    else
        ok 0 "$deployment: an upload that breaks off is not accepted"
    fi
    is "$(redis XLEN 'guichet:{dazno}:events')" "$before" "$deployment: nothing came of it"
    send "$body"
    expect_accepted "the same, whole"
}

# One byte less of $body than was announced; what is there is signed, as a forger could not do.
upload_cut_off() {
    local cut=$E2E/cut
    head -c -1 "$body" > "$cut"
    {
        printf 'POST /api/webhooks/dazno HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
        printf 'X-Forwarded-Proto: https\r\nContent-Type: application/json\r\n'
        printf 'x-api-key: %s\r\nx-t4g-signature: sha256=%s\r\n' "$T4G_API_KEY" "$(signature "$cut")"
        printf 'Content-Length: %d\r\n\r\n' "$(stat -c %s "$body")"
        cat "$cut"
    } | raw cut
}

paths() {
    local path n=0
    for path in '/api/webhooks/%64azno' '//api//webhooks/dazno' '/api/webhooks/./x/../dazno' \
        '/api/webhooks/dazno?a=/webhooks'; do
        n=$((n + 1))
        event "$body" "e-$n" user.created "\"user_id\":\"p$n\",\"email\":\"p@example.com\""
        request "$path" -H 'Content-Type: application/json' -H "x-api-key: $T4G_API_KEY" \
            -H "x-t4g-signature: sha256=$(signature "$body")" --data-binary "@$body"
        expect_accepted "$path"
    done
    request /api/webhooks%2Fdazno -d x
    expect 404 "an encoded slash"
    request /api/webhooks/dazno/ -d x
    expect 404 "a slash at the end"
}

airtable() {
    printf '{"base":{"id":"app1"},"webhook":{"id":"ach1"},"timestamp":"2025-10-15T10:30:00.000Z"}' > "$body"
    request /webhooks/airtable/refresh -H 'Content-Type: application/json' --data-binary "@$body" \
        -H "X-Airtable-Content-MAC: hmac-sha256=$(airtable_signature "$body")"
    expect 200 "an Airtable ping"
    is "$ANSWER" "" "$deployment: answered with nothing"
    is "$(redis HLEN 'guichet:{airtable}:dirty')" 1 "$deployment: its hook is marked"
    request /webhooks/airtable/refresh -H 'Content-Type: application/json' --data-binary "@$body" \
        -H "X-Airtable-Content-MAC: hmac-sha256=$(signature "$body")"
    expect 401 "a ping with another secret"
}

metrics_and_health() {
    request /api/metrics
    expect 401 "metrics without a token"
    is "$(header www-authenticate)" 'Bearer realm="guichet"' "$deployment: WWW-Authenticate"
    request /api/metrics -H 'Authorization: Bearer wrong'
    expect 401 "metrics with another token"
    request /api/metrics -H "x-api-key: $GUICHET_METRICS_TOKEN"
    expect 200 "metrics with x-api-key"
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    expect 200 "metrics with Authorization"
    like "$(header content-type)" 'text/plain; version=0.0.4*' "$deployment: their media type"
    is "$(counted accepted)" $((ACCEPTED + 1)) "$deployment: they count what was accepted, and the ping"
    is "$(counted duplicate)" 1 "$deployment: and the duplicate"
    is "$(counted conflict)" 1 "$deployment: and the conflict"
    request /api/health
    expect 200 "health"
    is "$ANSWER" '{"status":"ok"}' "$deployment: its body"
    printf 'HEAD /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n' | raw > "$other"
    like "$(cat "$other")" 'HTTP/1.? 200 *' "$deployment: HEAD"
    is "$(sed '1,/^\r$/d' "$other")" "" "$deployment: without a body"
}

# The sum of guichet_webhooks_total of an outcome, over all providers and types
counted() {
    awk -v outcome="outcome=\"$1\"" \
        'index($1, "guichet_webhooks_total{") == 1 && index($1, outcome) { n += $2 } END { print n + 0 }' \
        <<< "$ANSWER"
}

logs() {
    local secret found=''
    for secret in "$T4G_API_KEY" "$T4G_WEBHOOK_SECRET" "$WEBHOOK_SECRET" "$GUICHET_METRICS_TOKEN" \
        "$(redis --raw HGET 'guichet:{dazno}:user:u1' email)"; do
        grep -qF -- "$secret" "$D"/*.log && found+=" $secret"
    done
    is "$found" "" "$deployment: no secret and nothing of a body is in a log"
    is "$(grep -c '"outcome":"accepted"' "$D/audit.log")" $((ACCEPTED + 1)) \
        "$deployment: an audit line for each that was accepted"
    is "$(perl -MJSON::PP -ne 'eval { decode_json($_) } or print' "$D/audit.log")" "" \
        "$deployment: each audit line is JSON"
}

for deployment in "${DEPLOYMENTS[@]}"; do
    ACCEPTED=0
    deploy "$deployment"
    is "$(grep -vE ':notice\]|server started' "$D/server.log")" "" "$deployment: has nothing to remark at start"
    accepted_and_repeated
    refused_alike
    before_the_signature
    bodies
    paths
    airtable
    is "$(redis XLEN 'guichet:{dazno}:events')" "$ACCEPTED" "$deployment: each was handed on once"
    metrics_and_health
    logs
done
done_testing
