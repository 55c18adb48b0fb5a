#!/usr/bin/env bash
# The Debian package: built, judged by lintian, and in a Debian of its own installed, mounted, upgraded under
# traffic, removed and purged. systemd does not run there: the socket unit's part is played by
# tests/load/hold, and what the package asks of systemctl is carried out, or counted as a fault.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || { ok 0 "skipped # SKIP only root can make a Debian to install it in"; done_testing; }
"$TOP/tools/need" deb > "$E2E/need" 2>&1 || bail_out "$(tail -n 2 "$E2E/need")"

ROOT=$E2E/debian
MIRROR=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | head -n 1)
# In a mount namespace of its own, so that /proc is there and gone with it.
# shellcheck disable=SC2016 # for the inner shell
WITH_PROC=(unshare --mount sh -c 'mount -t proc proc "$0/proc"; exec chroot "$@"' "$ROOT")
INSIDE=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "${WITH_PROC[@]}" "$ROOT")
inside() { "${INSIDE[@]}" "$@"; }
# Everything that is there but what dpkg and apt keep for themselves.
inventory() {
    (cd "$ROOT" && find . \( -path ./proc -o -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log \
        -o -path ./var/lib/apt -o -path ./tmp -o -path ./run \) -prune -o ! -type d -print | sort)
}

(cd "$TOP" && make deb) > "$E2E/deb.log" 2>&1
ok $? "the package is built, and lintian finds nothing" || {
    note "$(tail -n 20 "$E2E/deb.log")"
    done_testing
}
DEB=$(tail -n 1 "$E2E/deb.log")

# $DEBIAN_ROOT: one that was made before, with apache2 and lighttpd in it, to be copied.
if [ -n "${DEBIAN_ROOT:-}" ]; then
    cp -a "$DEBIAN_ROOT" "$ROOT"
else
    debootstrap --variant=minbase --include=apache2,lighttpd,logrotate,systemd bookworm "$ROOT" "${MIRROR:-?}" > "$E2E/bootstrap.log" 2>&1
fi || {
    ok 0 "skipped # SKIP no Debian can be made here: $(tail -n 1 "$E2E/bootstrap.log")"
    done_testing
}
cp /etc/apt/sources.list.d/* "$ROOT/etc/apt/sources.list.d/" 2> /dev/null
cp "$TOP/$DEB" "$ROOT/tmp/one.deb"
# Nothing is started in there.
printf '#!/bin/sh\nexit 101\n' > "$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"

# --- install -----------------------------------------------------------------------------------------

inside apt-get update > "$E2E/apt.log" 2>&1
# Its libraries first, so that the inventories differ by the package alone.
# shellcheck disable=SC2046 # names, to be split
inside apt-get install -y --no-install-recommends $(dpkg-deb -f "$TOP/$DEB" Depends Pre-Depends |
    tr ',' '\n' | sed 's/^[A-Za-z-]*: //; s/(.*//; s/|.*//' | tr -d ' ' | grep -v '^$') >> "$E2E/apt.log" 2>&1
inside a2enmod -q proxy proxy_fcgi env buffer > /dev/null 2>&1
inside lighty-enable-mod fastcgi > /dev/null 2>&1
inventory > "$E2E/before"
inside apt-get install -y --no-install-recommends /tmp/one.deb >> "$E2E/apt.log" 2>&1
ok $? "it installs" || note "$(tail -n 5 "$E2E/apt.log")"
like "$(inside getent passwd guichet)" "guichet:x:*:/var/lib/guichet:*nologin" "it has a user"
is "$(stat -c '%a %U' "$ROOT/etc/guichet/guichet.conf") $(inside stat -c %G /etc/guichet/guichet.conf)" \
    "640 root guichet" "its configuration is not for everybody"
inside systemd-tmpfiles --create guichet.conf > /dev/null 2>&1 # as at every boot
is "$(inside stat -c '%a %U:%G' /var/lib/guichet)" "750 guichet:guichet" "its folder is its user's"
[ -L "$ROOT/etc/systemd/system/sockets.target.wants/guichet.socket" ]
ok $? "the socket is enabled"
[ ! -e "$ROOT/etc/systemd/system/multi-user.target.wants/guichet.service" ]
ok $? "the service waits for the socket"
inside guichet --version | grep -q '^guichet [0-9]'
ok $? "the tool is in PATH"
inside bash -n /usr/share/bash-completion/completions/guichet
ok $? "its completion is sound"
mkdir -p "$E2E/units"
cp "$ROOT"/lib/systemd/system/guichet.* "$E2E/units/"
sed -i "s#^ExecStart=/usr#ExecStart=$ROOT/usr#; /^Documentation/d" "$E2E/units/guichet.service"
is "$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify "$E2E/units/guichet.service" "$E2E/units/guichet.socket" 2>&1)" "" \
    "systemd-analyze verify has nothing to say"
for unit in airtable.service outbox.service seal.timer; do
    [ -e "$ROOT/lib/systemd/system/guichet-$unit" ] && ! grep -rqs "guichet-$unit" "$ROOT/etc/systemd/system" &&
        ! grep -q /usr/local "$ROOT/lib/systemd/system/guichet-$unit"
    ok $? "guichet-$unit is there, for whoever enables it"
done
exposure=$(systemd-analyze security --offline=true --threshold=15 --no-pager "$E2E/units/guichet.service" 2>&1)
ok $? "systemd-analyze security: at most 1.5 ($(sed -n 's/.*level for .*: \([0-9.]*\).*/\1/p' <<< "$exposure"))"
inside logrotate --debug /etc/logrotate.d/guichet > "$E2E/logrotate.log" 2>&1
is "$(grep -i '^error' "$E2E/logrotate.log")" "" "its logrotate file is sound"

# --- mounted in the web servers ----------------------------------------------------------------------

inside a2enconf -q guichet guichet-pages > "$E2E/a2enconf" 2>&1
like "$(inside apache2ctl configtest 2>&1)" "*Syntax OK*" "a2enconf guichet: Apache takes it"
inside lighty-enable-mod guichet guichet-pages > /dev/null 2>&1
inside lighttpd -tt -f /etc/lighttpd/lighttpd.conf > "$E2E/lighttpd.log" 2>&1
ok $? "lighty-enable-mod guichet: lighttpd takes it" || note "$(tail -n 3 "$E2E/lighttpd.log")"

# --- upgraded under traffic --------------------------------------------------------------------------

# The configuration as an operator would change it; the web server, the socket's holder and Redis are ours.
install -m 640 /dev/null "$ROOT/etc/guichet/dazno.key"
install -m 640 /dev/null "$ROOT/etc/guichet/dazno.secret"
cp "$E2E/keys/t4g_api_key" "$ROOT/etc/guichet/dazno.key"
cp "$E2E/keys/t4g_webhook_secret" "$ROOT/etc/guichet/dazno.secret"
inside chown root:guichet /etc/guichet/dazno.key /etc/guichet/dazno.secret
chmod 640 "$ROOT/etc/guichet/dazno.key" "$ROOT/etc/guichet/dazno.secret"
cat > "$ROOT/etc/guichet/guichet.conf" << END
[server]
store = unix:///run/redis.sock
state_dir = /var/lib/guichet/state
audit_log = /var/log/guichet/audit.log

[provider dazno]
api_key = file:/etc/guichet/dazno.key
secret = file:/etc/guichet/dazno.secret
rate_limit = none
END
mkdir -p "$ROOT/run/guichet" "$ROOT/run/systemd/system"
chmod 755 "$E2E" "$ROOT" "$ROOT/run" "$ROOT/run/guichet"
inside chown guichet: /run/guichet
redis-server --port 0 --unixsocket "$ROOT/run/redis.sock" --unixsocketperm 777 --dir "$E2E/redis" --save "" \
    --dbfilename deb.rdb > /dev/null &
STORE_PID=$!
perl "$TOP/tests/load/hold" "$ROOT/run/guichet/guichet.sock" "$E2E/pid" "${WITH_PROC[@]}" --userspec=guichet:guichet "$ROOT" \
    /usr/lib/guichet/guichet.fcgi 2> "$E2E/service.log" &
HOLDER=$!
wait_for "$HOLDER" test -s "$E2E/pid"
chmod 666 "$ROOT/run/guichet/guichet.sock"
# What the maintainer scripts ask of systemd, as systemd would do it.
[ ! -e "$ROOT/usr/bin/systemctl" ] || mv "$ROOT/usr/bin/systemctl" "$E2E/systemctl"
cat > "$ROOT/usr/bin/systemctl" << 'END'
#!/bin/sh
echo "$*" >> /tmp/asked
case "$*" in
*restart*guichet.socket* | *stop*guichet.socket*) echo "$*" >> /tmp/closed ;;
*restart*guichet.service*) kill -TERM "$(cat /tmp/service-pid)" ;;
esac
END
chmod 755 "$ROOT/usr/bin/systemctl"
rm "$ROOT/usr/sbin/policy-rc.d"
: > "$ROOT/tmp/asked"

# Apache with what the package enabled, its port aside.
PORT=$(free_port)
sed -i "s/^\(\s*Listen\) 80$/\1 127.0.0.1:$PORT/" "$ROOT/etc/apache2/ports.conf"
sed -i "s/:80>/:$PORT>/" "$ROOT/etc/apache2/sites-available/000-default.conf"
mkdir -p "$ROOT/run/apache2" "$ROOT/run/lock"
# (Not by the function, whose process in the background would be a shell's.)
"${INSIDE[@]}" sh -c '. /etc/apache2/envvars; exec apache2 -D FOREGROUND' > "$E2E/apache.log" 2>&1 &
APACHE=$!
URL=http://127.0.0.1:$PORT
wait_for "$APACHE" curl -s -m 5 -o /dev/null "$URL/api/health"
for path in api/health:200 api/webhooks/dazno:405 webhooks/airtable/refresh:404 api/metrics:403 status:200 docs:200 api:404 :200; do
    is "$(curl -s -m 5 -o "$E2E/answer" -w '%{http_code}' -H 'X-Forwarded-Proto: https' "$URL/${path%:*}")" "${path#*:}" \
        "Apache, a2enconf guichet: /${path%:*}" || note "$(cat "$E2E/answer")"
done
kill "$APACHE"
wait "$APACHE" 2> /dev/null

PORT=$(free_port)
mkdir "$E2E/web"
cat > "$E2E/web/lighttpd.conf" << END
server.port = $PORT
server.bind = "127.0.0.1"
server.document-root = "$E2E/web"
server.errorlog = "$E2E/web/log"
server.modules += ( "mod_fastcgi", "mod_setenv" )
var.guichet_socket = "$ROOT/run/guichet/guichet.sock"
setenv.set-environment = ( "HTTPS" => "on" )
include "$ROOT/usr/share/guichet/lighttpd/guichet-socket.conf"
END
lighttpd -D -f "$E2E/web/lighttpd.conf" &
WEB=$!
URL=http://127.0.0.1:$PORT
wait_for "$WEB" curl -s -m 5 -o /dev/null "$URL/api/health"

# The same package with the next version; its program tells itself apart.
dpkg-deb -R "$TOP/$DEB" "$E2E/two" && sed -i 's/^\(Version: .*\)$/\1.1/' "$E2E/two/DEBIAN/control"
dpkg-deb --root-owner-group -b "$E2E/two" "$ROOT/tmp/two.deb" > /dev/null
"$TOP/build/tests/load/retry" -c 8 -r 400 -t 120 "$PORT" 6000 deb "$E2E/keys/t4g_api_key" \
    "$E2E/keys/t4g_webhook_secret" "$E2E/answers" > "$E2E/retry.log" 2>&1 &
TRAFFIC=$!
upgrades=0
for version in two one two one two; do
    sleep 1
    cp "$E2E/pid" "$ROOT/tmp/service-pid"
    inside dpkg -i --force-confold --force-downgrade "/tmp/$version.deb" >> "$E2E/apt.log" 2>&1 && upgrades=$((upgrades + 1))
done
wait "$TRAFFIC"
is "$upgrades" 5 "five upgrades under traffic"
is "$(grep -c 'restart.*guichet.service' "$ROOT/tmp/asked")" 5 "each restarts the service"
[ ! -e "$ROOT/tmp/closed" ]
ok $? "none closes the socket" || note "$(cat "$ROOT/tmp/closed")"$'\n'"$(tail -n 30 "$ROOT/tmp/asked")"
is "$(cut -d ' ' -f 2 "$E2E/answers" | sort | uniq -c | xargs)" "$(wc -l < "$E2E/answers") 200" \
    "no request is lost, none needs a second try" || note "$(cat "$E2E/retry.log")"
is "$(redis-cli -s "$ROOT/run/redis.sock" XLEN 'guichet:{dazno}:events')" 6000 "all 6000 events are stored, once each"
like "$(cat "$ROOT/etc/guichet/guichet.conf")" "*dazno.secret*" "the operator's configuration stays"
kill "$WEB"
wait "$WEB" 2> /dev/null
stop "$HOLDER" "$STORE_PID"
mv "$ROOT/etc/guichet/guichet.conf" "$E2E/kept.conf" # the environment is enough
inside dpkg -i --force-confold /tmp/one.deb >> "$E2E/apt.log" 2>&1
is "$?:$(ls "$ROOT/etc/guichet/guichet.conf" 2> /dev/null)" "0:" "one that was taken away stays away, and the upgrade goes on"
mv "$E2E/kept.conf" "$ROOT/etc/guichet/guichet.conf"

# --- removed and purged ------------------------------------------------------------------------------

rm "$ROOT/usr/bin/systemctl"
[ ! -e "$E2E/systemctl" ] || mv "$E2E/systemctl" "$ROOT/usr/bin/systemctl"
printf '#!/bin/sh\nexit 101\n' > "$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
echo data > "$ROOT/var/lib/guichet/store.db"
inside apt-get remove -y guichet >> "$E2E/apt.log" 2>&1
ok $? "it is removed"
like "$(inside apache2ctl configtest 2>&1)" "*Syntax OK*" "Apache still starts"
inside lighttpd -tt -f /etc/lighttpd/lighttpd.conf > /dev/null 2>&1
ok $? "lighttpd still starts"
[ -e "$ROOT/etc/guichet/guichet.conf" ]
ok $? "the configuration stays"
inside apt-get purge -y guichet >> "$E2E/apt.log" 2>&1
ok $? "it is purged"
is "$(inventory | diff "$E2E/before" - | grep '^[<>]' | grep -v -e '/etc/\(passwd\|group\|shadow\|gshadow\)-*$' | xargs)" \
    "> ./etc/guichet/dazno.key > ./etc/guichet/dazno.secret > ./var/lib/guichet/store.db" \
    "nothing is left but data: the secrets and the store" 
done_testing
