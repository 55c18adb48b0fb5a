#!/usr/bin/env bash
# guichet doctor: every finding, the fault being made under a real server, and its twin without it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# examine [ARG...]: the names of what it finds, sorted, in FOUND. CONFIG, AT: another configuration, address.
examine() {
    local status
    tool doctor --json "$@" "${AT:-$URL}" > "$E2E/found" 2> "$E2E/said"
    status=$?
    FOUND=$(sed -n 's/^{"finding":"\([a-z_]*\)".*/\1/p' "$E2E/found" | sort -u | xargs)
    SEEN+=" $FOUND"
    VERDICT=$status
}

finds() { # EXPECTED NAME [ARG...]
    local expected=$1 name=$2
    shift 2
    examine "$@"
    is "$FOUND" "$expected" "$name" || note "$(cat "$E2E/found" "$E2E/said")"
}
SEEN=

# place NAME [LINE...]: a sound host
place() {
    deployment=$1
    deploy "$@" 'server.require_https = no' 'server.durability = none'
}

# refit SED: what is shipped for this server and what stands around it, changed, and started anew
refit() {
    local kind=${deployment%%-*}
    [ "$kind" = htaccess ] && kind=apache
    mkdir -p "$D/site"
    cp "$E2E/$kind"/*.conf "$D/site"
    [ -e "$D/sound.conf" ] || cp "$D/server.conf" "$D/sound.conf"
    cp "$D/sound.conf" "$D/server.conf"
    sed -i "s|$E2E/$kind/|$D/site/|" "$D/server.conf"
    sed -i -E "$1" "$D/site"/*.conf "$D/server.conf"
    stop "${SERVER_PIDS[0]}"
    case $kind in
        apache) start_apache ;;
        lighttpd) start_lighttpd ;;
        nginx) start "$D/server.log" nginx -e "$D/server.log" -c "$D/server.conf" ;;
    esac
    SERVER_PIDS[0]=$STARTED
    wait_for "$STARTED" curl -s -m 5 -o /dev/null "$URL/" || bail_out "not refit: $(tail -n 3 "$D/server.log")"
}

# variant SED: another configuration for the doctor alone
variant() {
    sed -E "$1" "$D/guichet.conf" > "$D/variant.conf"
    give "$D/variant.conf"
}

# --- sound hosts -----------------------------------------------------------------------------------

for name in "${DEPLOYMENTS[@]}"; do
    place "$name"
    expected=
    case $name in
        lighttpd | lighttpd-socket) expected=underscore ;;
        *-cgid) expected=chunked_cgi ;;
        htaccess-fcgid) expected=body_limit ;;
    esac
    socket=()
    [ ! -S "$D/run/guichet.sock" ] || socket=(--socket "$D/run/guichet.sock")
    examine "${socket[@]}"
    is "$FOUND" "$expected" "$name: nothing but what this server does" || note "$(cat "$E2E/found" "$E2E/said")"
    case $expected in body_limit) expected=1 ;; *) expected=0 ;; esac
    is "$VERDICT" "$expected" "$name: ends with $expected"
done

# --- the way in ------------------------------------------------------------------------------------

place apache-proxy
AT=http://127.0.0.1:1 finds unreachable "nothing listens"
is "$VERDICT" 1 "a fault ends with 1"
AT=http://127.0.0.1:$PORT/elsewhere finds not_mounted "a prefix that is not there"
refit 's|^ProxyPass /webhooks|#&|'
finds not_mounted "a path that was forgotten"
like "$(cat "$E2E/found")" '*"at":"/webhooks/airtable/refresh"*' "it is named"
refit 's|Require all granted$|Require all denied|'
finds denied "a path that is denied"
refit 's|CGIPassAuth On|CGIPassAuth Off|'
finds authorization "Authorization is stripped"
refit 's|^SetEnv proxy-sendcl 1||'
finds '' "and the sound one again"
stop "${SERVER_PIDS[1]}"
finds backend "nobody listens on the socket"

place nginx
refit 's|\^/\(|^/(?:hooks/)?(|'
AT=$URL/hooks finds prefix "a prefix that the program does not know"
refit 's|client_max_body_size 4m|client_max_body_size 100k|'
finds body_limit "the web server takes smaller bodies than max_body"
like "$(cat "$E2E/found")" '*a body of 65536 bytes arrives, one of 131072 is answered 413 from nginx*' "sizes are named"
refit '/listen /a return 301 https://127.0.0.1;'
finds redirected "a redirect"
variant 's|^token = .*|token = file:'"$E2E/keys/t4g_api_key"'|'
refit 's|xxx||'
finds token "another token" --config "$D/variant.conf"
finds '' "twin: a sound nginx" --config "$D/guichet.conf"

place lighttpd-socket
refit 's|stream-request-body = 0|stream-request-body = 2|'
finds 'chunked underscore' "a server that refuses chunked bodies"
refit 's|^server.modules = .*|server.modules = ( "mod_fastcgi", "mod_setenv" )\nsetenv.set-response-header = ( "Date" => "Mon, 20 Oct 2025 10:00:00 GMT" )|'
finds 'clock underscore' "a clock that is wrong"

# --- mod_fcgid, plain CGI --------------------------------------------------------------------------

place apache-fcgid
refit 's|^FcgidMaxRequestLen .*||'
finds body_limit "mod_fcgid's own limit"
refit 's|^<LocationMatch.*|&\nLimitRequestBody 1000|'
finds body_emptied "LimitRequestBody under mod_fcgid"
refit 's|MinProcesses 1 MaxProcesses [0-9]*|MinProcesses 1 MaxProcesses 1|'
finds few_processes "one process for all"

place apache-cgid
rm "$D/state"/*
chmod 500 "$D/state"
finds 'program_fails state_folder' "a state folder that cannot be written"

place htaccess-cgid
refit 's|AllowOverride FileInfo.*|AllowOverride None|'
finds 'download not_mounted served' "AllowOverride None: the program is a download"
cp "$D/guichet.conf" "$D/www/copy.conf"
cp "$E2E/keys/t4g_webhook_secret" "$D/www/secret"
give "$D/www"
refit 's|AllowOverride None|AllowOverride FileInfo Options=ExecCGI|'
variant 's|^secret = .*t4g.*|secret = file:'"$D/www/secret"'|'
finds 'chunked_cgi served' "a secret below the document root is served" --config "$D/variant.conf"
like "$(cat "$E2E/found")" "*$D/www/secret*as /secret*" "it is named"
rm "$D/www/secret"
finds chunked_cgi "twin: outside it is not" --config "$D/guichet.conf"

program=$D/www/guichet.fcgi
chmod 775 "$program"
finds 'chunked_cgi program_mode' "a program that its group may write" --program "$program"
chmod 755 "$program"
finds chunked_cgi "twin: 0755" --program "$program"
ln -s www/guichet.fcgi "$D/link.fcgi"
finds 'chunked_cgi program_mode' "a symbolic link" --program "$D/link.fcgi"
cp "$E2E/keys/t4g_webhook_secret" "$D/secret"
give "$D/secret"
chmod 644 "$D/secret"
variant 's|^secret = .*t4g.*|secret = file:'"$D/secret"'|'
finds 'chunked_cgi secret_mode' "a secret that all may read" --config "$D/variant.conf"
chmod 600 "$D/secret"
finds chunked_cgi "twin: 0600" --config "$D/variant.conf"

# --- a TLS terminator ------------------------------------------------------------------------------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$E2E/tls.key" -out "$E2E/tls.pem" 2> /dev/null
give "$E2E/tls.key" "$E2E/tls.pem"
deployment=apache-proxy
deploy apache-proxy 'server.durability = none'
finds plain_http "asked by plain HTTP"
terminator() { # LINE: nginx with TLS before $URL
    local port
    port=$(free_port)
    TLS=https://127.0.0.1:$port
    cat > "$D/tls.conf" << CONF
worker_processes 1;
daemon off;
pid $D/run/tls.pid;
error_log $D/tls.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $D/run/body;
    proxy_temp_path $D/run/proxy;
    fastcgi_temp_path $D/run/fastcgi;
    scgi_temp_path $D/run/scgi;
    uwsgi_temp_path $D/run/uwsgi;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $E2E/tls.pem;
        ssl_certificate_key $E2E/tls.key;
        client_max_body_size 4m;
        location / { proxy_pass $URL; $1 }
    }
}
CONF
    start "$D/tls.log" nginx -e "$D/tls.log" -c "$D/tls.conf"
    SERVER_PIDS=("$STARTED" "${SERVER_PIDS[@]}")
    wait_for "$STARTED" curl -s -m 5 --cacert "$E2E/tls.pem" -o /dev/null "$TLS/" || bail_out "no terminator"
}
terminator ''
AT=$TLS finds plain_http "a terminator that does not say it was HTTPS" --ca "$E2E/tls.pem"
like "$(cat "$E2E/found")" '*the address is https, but the program is not told so*trusted_proxies*' "with the remedy"
AT=$TLS finds unreachable "a certificate that nobody vouches for"
terminator 'proxy_set_header X-Forwarded-Proto https;'
AT=$TLS finds '' "twin: one that does" --ca "$E2E/tls.pem"

# --- store and socket ------------------------------------------------------------------------------

place apache-proxy
redis CONFIG SET maxmemory-policy allkeys-lru > /dev/null
redis CONFIG SET maxmemory 100mb > /dev/null
finds evicting "a Redis that may evict ids"
redis CONFIG SET maxmemory-policy noeviction > /dev/null
redis CONFIG SET maxmemory 0 > /dev/null
variant 's|^durability = .*|durability = always|'
finds not_durable "a Redis less durable than configured" --config "$D/variant.conf"
variant 's|^store = .*|store = unix:///nonexistent/sock|'
finds store "a store that is away" --config "$D/variant.conf"
redis SET 'guichet:{dazno}:closed' 'moved to sqlite:///somewhere' > /dev/null
finds store_closed "a store that was moved"
like "$(cat "$E2E/found")" '*for dazno: moved to sqlite:///somewhere*' "where to is said"
redis DEL 'guichet:{dazno}:closed' > /dev/null
if [ "$(id -u)" -eq 0 ]; then
    chown root:root "$D/run/guichet.sock"
    finds 'backend socket' "a socket that the web server may not write to" --socket "$D/run/guichet.sock"
    give "$D/run/guichet.sock"
    # As PrivateTmp does: the web server sees another folder there.
    # shellcheck disable=SC2016 # for the inner shell
    START_WITH=(unshare -m sh -c 'mount -t tmpfs none "$0" && exec "$@"' "$D/aside")
    mkdir "$D/aside"
    give "$D/aside"
    refit "s|$D/run/guichet.sock|$D/aside/guichet.sock|"
    START_WITH=()
    start "$D/stderr.log" "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf" --socket "$D/aside/guichet.sock"
    wait_for "$STARTED" test -S "$D/aside/guichet.sock"
    SERVER_PIDS+=("$STARTED")
    finds 'backend socket_hidden' "a socket that the web server does not see" --socket "$D/aside/guichet.sock"
    refit "s|$D/aside/guichet.sock|$D/run/guichet.sock|"
else
    note "the socket's two findings take root to be made"
    SEEN+=' socket socket_hidden'
fi
finds '' "twin: a sound one" --socket "$D/run/guichet.sock"
finds '' "a signed event is accepted" --send
is "$(redis EXISTS 'guichet:{dazno}:user:guichet-doctor')" 1 "it arrived"
is "$(redis XLEN 'guichet:{dazno}:events')" 1 "once; nothing else did"
variant 's|^secret = .*t4g.*|secret = file:'"$E2E/keys/webhook_secret"'|'
finds not_accepted "the program has another secret" --send --config "$D/variant.conf"

printf '[server]\nstore = unix://%s\nstate_dir = %s\nrequire_https = no\ndurability = none\n' \
    "$E2E/redis/sock?db=$DATABASE" "$D/state" > "$D/variant.conf"
for p in airtable dazno; do sed -n "/^\[provider $p\]/,/^\[/{/^\[metrics/d;/^\[provider/{/$p/!d};p}" "$D/guichet.conf"; done \
    >> "$D/variant.conf"
finds '' "--send takes the provider whose events it knows" --send --config "$D/variant.conf"

tool doctor "$URL" > "$E2E/found"
like "$?:$(cat "$E2E/found")" "0:* requests to $URL: 0 faults, 0 notes" "for people there is an end"
tool doctor http://127.0.0.1:1 > "$E2E/found"
like "$?:$(cat "$E2E/found")" "1:*1 request to http://127.0.0.1:1: 1 fault, 0 notes" "one of them is one"
tool doctor ftp://example.org > /dev/null 2> "$E2E/said"
like "$?:$(cat "$E2E/said")" "2:*as in https://example.org*" "an address that is none is said"
! grep -qF -e "$T4G_WEBHOOK_SECRET" -e "$GUICHET_METRICS_TOKEN" "$E2E/found" "$E2E/said"
ok $? "no secret is told"

# Every row of the table was found above.
lacking=
rows=0
while read -r name; do
    rows=$((rows + 1))
    [[ " $SEEN " == *" $name "* ]] || lacking+=" $name"
done < <(sed -n 's/.*{"\([a-z_]*\)", "[a-z]*",.*/\1/p' "$TOP/src/tool/finding.c")
is "$lacking:$rows" ":$(grep -c '^ *\[FINDING_' "$TOP/src/tool/finding.c")" "every finding was made once"
done_testing
