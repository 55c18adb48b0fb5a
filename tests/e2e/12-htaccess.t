#!/usr/bin/env bash
# A shared host: no root, .htaccess alone, the folder that `make upload` makes, programs run by the real
# suEXEC as the account, AllowOverride as hosts set it. Each of the three ways, and what is seen when a class
# or a line is lacking.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

suexec=/usr/lib/apache2/suexec
if [ "$(id -u)" -ne 0 ] || [ ! -u "$suexec" ] || [ ! -e /etc/apache2/suexec/www-data ] ||
    ! unshare -m true 2> /dev/null; then
    echo '1..0 # SKIP it takes root, apache2-suexec-custom and a mount namespace'
    exit 0
fi
account=nobody
group=$(id -gn "$account")

# What typical hosts allow. cPanel's is the second one.
declare -A ALLOWED=(
    [all]='All'
    [typical]='AuthConfig FileInfo Indexes Limit Options=ExecCGI,Includes,IncludesNOEXEC,Indexes,MultiViews,SymLinksIfOwnerMatch'
)
few='FileInfo'

HOSTS=0

# The account's Redis.
chmod 711 "$E2E" "$E2E/redis"
chmod 777 "$E2E/redis/sock"
# suEXEC knows one folder below which it runs programs; ours, for this server alone.
printf '%s\npublic_html\n' "$E2E" > "$E2E/suexec.conf"
# shellcheck disable=SC2016 # for the inner shell
inside=(unshare -m sh -c 'mount --bind "$0" /etc/apache2/suexec/www-data && exec "$@"' "$E2E/suexec.conf")

# host VARIANT ALLOW_OVERRIDE OPTIONS [Off]: uploads and starts, with suEXEC or without; serves or not.
host() {
    local variant=$1 handler=() as_user=("${AS_USER[@]}")
    undeploy
    HOSTS=$((HOSTS + 1))
    redis FLUSHDB > /dev/null
    D=$E2E/$variant-$HOSTS
    PORT=$(free_port)
    URL=http://127.0.0.1:$PORT
    mkdir -p "$D/run" "$D/home"
    chmod 755 "$D" "$D/home"
    (cd "$TOP" && tools/upload "$variant" "$D/home" "$PROGRAM" "$D/home" ${STORE:+"$STORE"} > /dev/null) || bail_out "no upload"
    mv "$D/home/public_html" "$D/www"
    T4G_API_KEY=$(cat "$D/home/guichet/dazno.key")
    T4G_WEBHOOK_SECRET=$(cat "$D/home/guichet/dazno.secret")
    GUICHET_METRICS_TOKEN=$(cat "$D/home/guichet/metrics.token")
    chown -R "$account:$group" "$D/www" "$D/home"
    chown www-data "$D/run"
    case $variant in
        fcgid) handler=(apache_fcgid) ;;
        cgi) handler=(apache_cgid) ;;
        proxy) handler=(apache_base setenvif proxy proxy_fcgi) ;;
    esac
    ALLOW_OVERRIDE=$2 SITE_OPTIONS=$3 SUEXEC=${4-On}
    {
        "${handler[@]}"
        echo 'LoadModule suexec_module /usr/lib/apache2/modules/mod_suexec.so'
        [ "$SUEXEC" = Off ] || echo "SuexecUserGroup $account $group"
        printf 'User www-data\nGroup www-data\n'
    } > "$D/server.conf"
    # As hosts run it: the first process is root's.
    START_WITH=("${inside[@]}") AS_USER=()
    start_apache
    START_WITH=() AS_USER=("${as_user[@]}")
    SERVER_PIDS=("$STARTED")
    wait_for "$STARTED" curl -s -m 5 -o /dev/null "$URL/" || bail_out "no Apache: $(tail -n 5 "$D/server.log")"
    if [ "$variant" = proxy ]; then
        setpriv --reuid "$account" --regid "$group" --clear-groups -- "$D/home/guichet/keep-running.sh"
        SERVER_PIDS+=("$(programs)")
    fi
}

line() { # SED-SCRIPT: changes the account's .htaccess
    sed -i "$1" "$D/www/.htaccess"
}

# The store that the upload names by itself, a file; or STORE.
stored() {
    if [ -n "$STORE" ]; then redis HGET "guichet:{dazno}:user:u$N" email; else
        sqlite3 -readonly "$D/home/guichet"*/store.db "SELECT value FROM fields WHERE key = 'user:u$N' AND name = 'email'"
    fi
}

N=0
serves() { # NAME
    N=$((N + 1))
    event "$E2E/event" "s-$N" user.created "\"user_id\":\"u$N\",\"email\":\"u$N@example.org\""
    send "$E2E/event"
    is "$STATUS" 200 "$1: an event is accepted" || note "$ANSWER $(tail -n 3 "$D/server.log")"
    is "$(stored)" "u$N@example.org" "$1: and stored"
    send "$E2E/event" -H 'x-api-key: another'
    is "$STATUS" 401 "$1: a wrong key is refused"
    request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
    is "$STATUS" 200 "$1: Authorization arrives"
    request /guichet.conf
    like "$STATUS" '40[34]' "$1: guichet.conf is not served"
    request /.htaccess
    is "$STATUS" 403 "$1: nor is .htaccess"
}

answers() { # STATUS NAME
    request /api/health
    is "$STATUS" "$1" "$2" || note "$ANSWER $(tail -n 3 "$D/server.log")"
}

for variant in fcgid cgi proxy; do
    for allowed in all typical; do
        STORE=
        [ "$allowed" = all ] || STORE="unix://$E2E/redis/sock?db=0"
        host "$variant" "${ALLOWED[$allowed]}" SymLinksIfOwnerMatch
        serves "$variant, AllowOverride $allowed"
    done
    owner=$(stat -c %U "$D/home/guichet/state"/*)
    is "$owner" "$account" "$variant: it ran as the account"
done

# --- the classes ---------------------------------------------------------------------------------

for variant in fcgid cgi; do
    host "$variant" "$few" 'SymLinksIfOwnerMatch ExecCGI'
    answers 500 "$variant: the line with Options is a 500 where hosts allow FileInfo alone"
    like "$(cat "$D/server.log")" '*Option*not allowed here*' "$variant: the log names it"
    line '/^Options/d'
    serves "$variant: without that line, on a host that set ExecCGI"

    host "$variant" "$few" SymLinksIfOwnerMatch
    line '/^Options/d'
    answers 403 "$variant: without ExecCGI no program runs"

    host "$variant" All None
    line 's/^Options.*/Options ExecCGI/'
    answers 403 "$variant: without FollowSymLinks nothing is rewritten"
    # shellcheck disable=SC2016 # of sed
    line '/^RewriteEngine/,$d'
    sed -i 's|^\[server\]|&\nbase_path = /guichet.fcgi|' "$D/home/guichet/guichet.conf"
    request /guichet.fcgi/api/health
    is "$STATUS" 200 "$variant: base_path does without rewriting" || note "$(tail -n 3 "$D/server.log")"

    host "$variant" None 'SymLinksIfOwnerMatch ExecCGI'
    answers 404 "$variant: with AllowOverride None .htaccess is ignored"
    request /guichet.fcgi
    is "$STATUS:${ANSWER:1:3}" 200:ELF "$variant: and the program is a download"
    request /guichet.conf
    like "$ANSWER" "*include = $D/home/guichet/guichet.conf*" "$variant: as is the file beside it"
    ! grep -qF -e "$T4G_WEBHOOK_SECRET" -e "$GUICHET_METRICS_TOKEN" <<< "$ANSWER"
    ok $? "$variant: which tells no secret"
done

host proxy "$few" SymLinksIfOwnerMatch
serves "proxy: AllowOverride FileInfo is enough, without ExecCGI"
line '/^SetEnvIf/d'
request /api/metrics -H "Authorization: Bearer $GUICHET_METRICS_TOKEN"
is "$STATUS" 401 "proxy: without SetEnvIf Authorization is hidden"
request /api/metrics -H "x-api-key: $GUICHET_METRICS_TOKEN"
is "$STATUS" 200 "proxy: x-api-key is not"
chmod 700 "$D/home/guichet"
answers 503 "proxy: a folder that the web server's user cannot enter is a 503"
chmod 711 "$D/home/guichet"
answers 200 "proxy: one that it can pass through is none"
before=$(programs)
setpriv --reuid "$account" --regid "$group" --clear-groups -- "$D/home/guichet/keep-running.sh"
is "$(programs)" "$before" "proxy: keep-running.sh starts no second one"

host proxy All SymLinksIfOwnerMatch
line 's|guichet.sock|another.sock|'
answers 503 "proxy: another socket is a 503"

# --- suEXEC --------------------------------------------------------------------------------------

# What suEXEC refuses. CHANGE is undone by UNDO.
refused() { # NAME CHANGE UNDO
    (cd "$D/www" && eval "$2")
    answers 500 "suEXEC refuses $1"
    (cd "$D/www" && eval "$3")
    answers 200 "suEXEC: and runs it without"
}
host cgi All SymLinksIfOwnerMatch
refused "a program that its group may write" 'chmod 775 guichet.fcgi' 'chmod 755 guichet.fcgi'
refused "a folder that its group may write" 'chmod 775 .' 'chmod 755 .'
refused "a program of another owner" 'chown www-data guichet.fcgi' "chown $account:$group guichet.fcgi"
refused "a symbolic link" 'mv guichet.fcgi real; ln -s real guichet.fcgi; chown -h nobody guichet.fcgi' \
    'rm guichet.fcgi; mv real guichet.fcgi'
refused "a program with the set-user-ID bit" 'chmod 4755 guichet.fcgi' 'chmod 755 guichet.fcgi'
printf 'SetEnv GUICHET_CONFIG /nonexistent\n' >> "$D/www/.htaccess"
answers 200 "suEXEC wipes the environment: a variable does not reach the program"
host cgi All SymLinksIfOwnerMatch Off
chmod 755 "$D/home/guichet"
printf 'SetEnv GUICHET_CONFIG /nonexistent\n' >> "$D/www/.htaccess"
answers 500 "without suEXEC it does"
done_testing
