#!/bin/bash
# `make portable`: one static file that works in a root without any library, as plain CGI.
cd "$(dirname "$0")/../.." || exit 2
n=0
ok() { # status, name
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
is() { # got, expected, name
    [ "$1" = "$2" ]
    ok $? "$3"
    [ "$1" = "$2" ] || printf '# got:      %s\n# expected: %s\n' "$1" "$2"
}

program=build/portable/guichet.fcgi
make portable > build/portable.log 2>&1
ok $? "it builds: $(tail -n 1 build/portable.log)"
is "$(readelf -d "$program" | grep -c NEEDED)" 0 'it needs no library'
is "$(readelf -l "$program" | grep -c INTERP)" 0 'and no loader'

if [ "$(id -u)" -ne 0 ]; then
    echo "1..$n # only root may change its root"
    exit
fi

chroot=$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)
root=$(mktemp -d)
redis=
# shellcheck disable=SC2317 # by the trap
clean() {
    [ -z "$redis" ] || { kill "$redis" && wait "$redis"; }
    rm -rf "$root"
} 2> /dev/null
trap clean EXIT
mkdir "$root/state" "$root/tmp"
chmod 700 "$root/state"
cp "$program" "$root/guichet.fcgi"
redis-server --port 0 --unixsocket "$root/redis.sock" --dir "$root/tmp" --save '' > /dev/null &
redis=$!
for _ in $(seq 100); do
    redis-cli -s "$root/redis.sock" PING > /dev/null 2>&1 && break
    sleep 0.1
done

key=$(openssl rand -hex 32)
secret=$(openssl rand -hex 64)
# inside [NAME=VALUE...] -- ARG...: runs it in that root, with nothing else around it
inside() {
    local variables=()
    while [ "$1" != -- ]; do variables+=("$1") && shift; done
    shift
    env -i T4G_API_KEY="$key" T4G_WEBHOOK_SECRET="$secret" GUICHET_STORE="${STORE:-unix:///redis.sock}" \
        "${variables[@]}" "$chroot" "$root" /guichet.fcgi "$@"
}
is "$(inside -- --version | cut -d ' ' -f 1)" guichet 'it starts there'
like=$(STORE=redis://redis.example.org inside -- --check 2>&1 > /dev/null)
[[ $like == *'addresses alone'* ]]
ok $? 'the name of a host is refused, and said'
STORE=redis://127.0.0.1:6379 inside -- --check > /dev/null 2>&1
ok $? 'an address is taken'
STORE='redis://[::1]:6379' inside -- --check > /dev/null 2>&1
ok $? 'one of IPv6 too'

body='{"id":"e1","timestamp":"2025-10-15T10:30:00Z","source":"dazno","event_type":"t4g.balance_updated","user_id":"u1","new_balance":7}'
post() { # signature
    printf %s "$body" | inside GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST SERVER_PROTOCOL=HTTP/1.1 HTTPS=on \
        REQUEST_URI=/api/webhooks/dazno CONTENT_TYPE=application/json CONTENT_LENGTH=${#body} \
        HTTP_X_API_KEY="$key" HTTP_X_T4G_SIGNATURE="sha256=$1" -- 2> /dev/null | sed -n 's/^Status: \([0-9]*\).*/\1/p'
}
signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$secret" -r | cut -d ' ' -f 1)
is "$(post "$signature")" 200 'a webhook is accepted'
is "$(post "$(tr 0-9 1-90 <<< "$signature")")" 401 'a forged one is not'
is "$(post "$signature")" 200 'the same again is a duplicate'
is "$(redis-cli -s "$root/redis.sock" HGET 'guichet:{dazno}:user:u1' balance)" 7 'its effect is stored'
is "$(redis-cli -s "$root/redis.sock" XLEN 'guichet:{dazno}:events')" 1 'once'
mkdir -m 700 "$root/data"
STORE=sqlite:///data/store.db
is "$(post "$signature")" 200 'with a file as the store, too'
is "$(post "$signature")" 200 'the same again is a duplicate'
is "$(sqlite3 -readonly "$root/data/store.db" 'SELECT count(*) FROM events')" 1 'and stored once'
echo "1..$n"
