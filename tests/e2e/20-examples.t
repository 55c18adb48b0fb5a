#!/usr/bin/env bash
# The senders of examples/ are served. Those run whose language is on this machine.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

examples=$TOP/examples

# sender NAME COMMAND...: a made-up event, one from standard input with bytes that a second serialisation
# would change, and the negative twins: another secret, another key, nothing that listens
sender() {
    local name=$1 out status before bytes=$E2E/bytes
    shift
    before=$(redis XLEN 'guichet:{dazno}:events')
    out=$("$@" < /dev/null 2>&1)
    status=$?
    is "$status" 0 "$name: a made-up event" || note "$out"
    like "$out" $'200\n{"received":true,*' "$name: shows status and answer"
    is "$(redis HGET "guichet:{dazno}:user:$name" email)" "$name@example.com" "$name: it arrived"

    # White space, an integer that no double holds, escapes and bytes of UTF-8.
    printf '{"id" : "given-%s", "timestamp":"2025-10-15T10:30:00Z","source":"dazno",\n' "$name" > "$bytes"
    printf '"event_type":"t4g.balance_updated","user_id":"%s","new_balance":9007199254740993,' "$name" \
        >> "$bytes"
    printf '"note":"\\u00e9 \xc3\xa9 \\/"}\n' >> "$bytes"
    out=$("$@" < "$bytes" 2>&1)
    is "$?" 0 "$name: an event from standard input" || note "$out"
    is "$(redis HGET "guichet:{dazno}:user:$name" balance)" 9007199254740993 "$name: it arrived exactly"
    is "$(redis XLEN 'guichet:{dazno}:events')" $((before + 2)) "$name: two events"

    out=$(T4G_WEBHOOK_SECRET=another "$@" < /dev/null 2>&1)
    is "$?" 1 "$name: ends with 1 when it is refused" || note "$out"
    like "$out" $'401\n*' "$name: with 401, for another secret"
    out=$(T4G_API_KEY=another "$@" < /dev/null 2>&1)
    like "$out" $'401\n*' "$name: with 401, for another key"
    out=$(T4G_WEBHOOK_URL=http://127.0.0.1:1/ "$@" < /dev/null 2>&1)
    is "$?" 2 "$name: ends with 2 when nothing listens" || note "$out"
    out=$(env -u T4G_WEBHOOK_SECRET "$@" < /dev/null 2>&1)
    is "$?" 2 "$name: ends with 2 without a secret" || note "$out"
}

# Debian's libraries for Node are not where Node looks; a copy in the example's own folder comes first.
export NODE_PATH=/usr/share/nodejs

# For deploy.sh: mounts the pages.
# shellcheck disable=SC2034
PAGES=yes
deploy lighttpd 'server.require_https = no'

# shown LANGUAGE: the program as /docs shows it
shown() {
    perl -0777 -ne 'm{<code id="program-\Q'"$1"'\E">(.*?)</code>}s or exit 1; $_ = $1;
        s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&#39;/\x27/g; s/&amp;/&/g; print' <<< "$ANSWER"
}
request /docs
for one in shell/send.sh node/send.js python/send.py php/send.php rust/send.rs; do
    # But for the comments that mark the part above it.
    diff <(grep -vE ' (\[docs|docs\])$' "$examples/$one") <(shown "${one%/*}") > "$E2E/out" 2>&1
    ok $? "/docs shows the whole of $one, which runs below" || note "$(head -n 5 "$E2E/out")"
done
export T4G_WEBHOOK_URL=$URL/api/webhooks/dazno T4G_API_KEY T4G_WEBHOOK_SECRET

sender shell "$examples/shell/send.sh"
if command -v python3 > /dev/null; then
    sender python python3 "$examples/python/send.py"
fi
if command -v node > /dev/null && (cd "$examples/node" && node -e 'require("axios")') 2> /dev/null; then
    sender node node "$examples/node/send.js"
else
    note "no Node with axios on this machine"
fi
if command -v php > /dev/null && php -r 'exit(function_exists("curl_init") ? 0 : 1);'; then
    sender php php "$examples/php/send.php"
else
    note "no PHP with curl on this machine"
fi
if command -v rustc > /dev/null; then
    rustc --edition 2021 -D warnings -C debuginfo=0 -o "$E2E/send" "$examples/rust/send.rs" 2> "$E2E/rustc"
    ok $? "rust: compiles without a warning" || note "$(cat "$E2E/rustc")"
    sender rust "$E2E/send"
else
    note "no Rust on this machine"
fi

# consumer NAME COMMAND...: reads the hand-off as a group, each event once, and does not block for ever
consumer() {
    local name=$1 lines
    shift
    redis XGROUP DESTROY 'guichet:{dazno}:events' backend > /dev/null
    REDIS_SOCKET=$E2E/redis/sock REDIS_DB=$DATABASE timeout 5 "$@" > "$E2E/consumed" 2> "$E2E/complaints"
    lines=$(redis XLEN 'guichet:{dazno}:events')
    is "$(grep -c "^[^ ]* [a-z_.0-9]* {" "$E2E/consumed"):$(grep "^[^ ]* [a-z_.0-9]* {" "$E2E/consumed" | cut -d " " -f 1 | sort -u | wc -l)" "$lines:$lines" "$name: each event once" ||
        note "$(tail -n 3 "$E2E/complaints")"
    is "$(redis XPENDING 'guichet:{dazno}:events' backend | head -n 1)" 0 "$name: and says that it is done"
    grep -qF "$(sed -n 5,8p "$2")" "$TOP/README.md"
    ok $? "$name: the README shows it"
}

# Debian's package belongs to Debian's Python, which need not be the first in PATH.
python=$(for p in python3 /usr/bin/python3; do "$p" -c 'import redis' 2> /dev/null && echo "$p" && break; done)
if [ -n "$python" ]; then
    consumer python "$python" "$examples/python/consume.py"
else
    note "no Python with redis on this machine"
fi
if command -v php > /dev/null && php -r 'exit(class_exists("Redis") ? 0 : 1);'; then
    consumer php php "$examples/php/consume.php"
else
    note "no PHP with redis on this machine"
fi
done_testing
