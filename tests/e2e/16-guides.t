#!/usr/bin/env bash
# Every guide of docs/guides is walked through word for word, and once more without the step on which it
# turns.
cd "$(dirname "$0")/../.." || exit 2
# Servers are in sbin, which is not in everyone's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

folder=$(mktemp -d "${TMPDIR:-/tmp}/guichet-e2e.XXXXXX") || exit 2
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/walk"
# shellcheck disable=SC2016 # for the inner shell
if [ "$(id -u)" -ne 0 ] || ! unshare --mount --net --pid --fork sh -c 'mount -t tmpfs none "$0" && cd "$0" &&
    mkdir u w r && mount -t overlay overlay -o lowerdir=/,upperdir=u,workdir=w r' "$folder/walk" 2> /dev/null; then
    echo '1..0 # SKIP it takes root and an overlay of the file system'
    exit 0
fi

n=0
ok() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        tail -n 15 "$folder/out" | sed 's/^/# /'
    fi
}

# guide NAME SITE TWIN LACKS GUIDE...: TWIN takes a step out of it; then LACKS (a pattern) is what is said. WITHOUT: of
# guides that build on another one, what they say is left out of that.
WITHOUT=
guide() {
    local name=$1 site=$2 twin=$3 lacks=$4
    shift 4
    tests/e2e/walk "$folder/walk" "$site" "$WITHOUT" "$@" > "$folder/out" 2>&1
    ok $? "$name, word for word"
    tests/e2e/walk "$folder/walk" "$site" "$WITHOUT$twin" "$@" > "$folder/out" 2>&1
    ok $((! $?)) "$name, without its main step: it is noticed"
    grep -qE "$lacks" "$folder/out"
    ok $? "$name: and what is wrong is said"
}

guide apache-vhost apache '/^sed -i .*VirtualHost/,/conf$/d' 'not_mounted' README apache-vhost
guide lighttpd lighttpd '/^lighty-enable-mod/d' 'not_mounted' README lighttpd
guide nginx nginx '/^sed -i .*snippets/d' 'not_mounted' README nginx
guide backup lighttpd '/^tar .* -xzf/d' 'nothing is stored' README lighttpd backup
WITHOUT='0,/^guichet doctor/{/^guichet doctor/d};'
guide tls-terminator apache-behind '/X-Forwarded-Proto/d' 'plain_http' README apache-vhost tls-terminator
WITHOUT=
# What was there before: the first store is the file.
WITHOUT='0,/^store = /s|^store = .*|store = sqlite:///var/lib/guichet/store.db|;'
guide sqlite-to-redis apache '/^guichet store copy unix/d;/ 503$/d' '/answer differ' README apache-vhost sqlite-to-redis
WITHOUT=
guide two-hosts hosts '/^systemctl restart redis-sentinel/d;/^until .*26379/d' 'store_unreachable|not_accepted' two-hosts
if [ -u /usr/lib/apache2/suexec ]; then
    guide apache-htaccess account 's/^~.public_html.guichet.fcgi --check/rm ~\/public_html\/.htaccess/' '' apache-htaccess
    guide plain-cgi account 's/^chmod 755 .*/chmod 775 ~\/cgi-bin/' '' plain-cgi
else
    echo '# apache2-suexec-custom is not on this machine: the guides for accounts were not walked through'
fi

lacking=$(cd docs/guides && for f in *.md; do grep -q "(${f})" README.md || [ "$f" = README.md ] || echo "$f"; done)
[ -z "$lacking" ]
ok $? "the list of guides is whole"
echo "1..$n"
