# shellcheck shell=bash
# deploy.sh: guichet.fcgi behind each server, with the configurations that are shipped, word for word; what
# stands around them here is what a site has. Part of lib.sh.

# guichet_conf WORKERS LINE...
guichet_conf() {
    local workers=$1 section line
    shift
    for section in server 'provider dazno' 'provider airtable' metrics; do
        printf '[%s]\n' "$section"
        case $section in
            server)
                for line in "store = unix://$E2E/redis/sock?db=$DATABASE" "state_dir = $D/state" \
                    "log = $D/guichet.log" "audit_log = $D/audit.log" "workers = $workers"; do
                    # What the test sets itself stands below.
                    [[ " $* " == *" server.${line%% =*} ="* ]] || echo "$line"
                done
                ;;
            'provider dazno')
                echo "api_key = file:$E2E/keys/t4g_api_key"
                echo "secret = file:$E2E/keys/t4g_webhook_secret"
                ;;
            'provider airtable') echo "secret = file:$E2E/keys/webhook_secret" ;;
            metrics) echo "token = file:$E2E/keys/metrics_token" ;;
        esac
        for line in "$@"; do
            [[ $line != "$section".* ]] || echo "${line#"$section".}"
        done
    done
}

# What every Apache here has; $@: modules beside these. ALLOW_OVERRIDE and SITE_OPTIONS: what the host
# grants to .htaccess. SUEXEC: mod_fcgid starts under none but root where suEXEC is on the machine, and on.
apache_base() {
    local module
    for module in mpm_event authz_core alias env rewrite "$@"; do
        echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
    done
    cat << CONF
ServerRoot "$D"
ServerName localhost
Listen 127.0.0.1:$PORT
DocumentRoot "$D/www"
PidFile "$D/run/apache.pid"
DefaultRuntimeDir "$D/run"
Mutex file:$D/run default
Suexec ${SUEXEC:-Off}
ErrorLog "$D/server.log"
StartServers 1
ServerLimit 2
ThreadsPerChild 25
MaxRequestWorkers 50
<Directory />
    AllowOverride None
    Require all denied
</Directory>
<Directory "$D/www">
    AllowOverride ${ALLOW_OVERRIDE:-FileInfo Options=ExecCGI}
    Options ${SITE_OPTIONS:-SymLinksIfOwnerMatch}
    Require all granted
</Directory>
Define GUICHET_SOCKET "$D/run/guichet.sock"
Define GUICHET_PROGRAM "$E2E/bin/guichet.fcgi"
Define GUICHET_CONFIG "$D/guichet.conf"
CONF
}

apache_fcgid() {
    apache_base setenvif fcgid
    printf 'FcgidIPCDir "%s"\nFcgidProcessTableFile "%s"\n' "$D/run/fcgid" "$D/run/fcgid_shm"
}

apache_cgid() {
    apache_base setenvif cgid
    printf 'ScriptSock "%s"\n' "$D/run/cgid.sock"
}

lighttpd_base() {
    cat << CONF
server.modules = ( "mod_fastcgi" )
server.document-root = "$D/www"
server.bind = "127.0.0.1"
server.port = $PORT
server.errorlog = "$D/server.log"
server.breakagelog = "$D/stderr.log"
server.upload-dirs = ( "$D/run" )
var.guichet_program = "$E2E/bin/guichet.fcgi"
var.guichet_config = "$D/guichet.conf"
var.guichet_socket = "$D/run/guichet.sock"
CONF
}

nginx_base() {
    cat << CONF
worker_processes 1;
daemon off;
pid $D/run/nginx.pid;
error_log $D/server.log;
events { worker_connections 256; }
http {
    access_log off;
    root $D/www;
    client_body_temp_path $D/run/body;
    fastcgi_temp_path $D/run/fastcgi;
    proxy_temp_path $D/run/proxy;
    scgi_temp_path $D/run/scgi;
    uwsgi_temp_path $D/run/uwsgi;
    server {
        listen 127.0.0.1:$PORT;
        set \$guichet_socket $D/run/guichet.sock;
        include $E2E/nginx/guichet.conf;
        $(pages 'include @/nginx/guichet-pages.conf;')
    }
}
CONF
}

# PAGES=yes: the second file, for /docs and /status, too. $1: the line for it, @ being our folder; $2: one before it
pages() {
    if [ -n "${PAGES-}" ]; then
        [ -z "${2-}" ] || echo "$2"
        echo "${1/@/$E2E}"
    fi
}

# The responder by itself, on its own socket.
start_responder() {
    start "$D/stderr.log" "$E2E/bin/guichet.fcgi" --config "$D/guichet.conf" \
        --socket "$D/run/guichet.sock"
    SERVER_PIDS+=("$STARTED")
    wait_for "$STARTED" test -S "$D/run/guichet.sock" ||
        bail_out "guichet.fcgi does not start: $(tail -n 5 "$D/stderr.log" "$D/guichet.log" 2>&1)"
}

start_apache() { start "$D/server.log" apache2 -f "$D/server.conf" -DFOREGROUND; }
start_lighttpd() { start "$D/server.log" lighttpd -D -f "$D/server.conf"; }

deploy() {
    local name=$1 workers=2
    shift
    undeploy
    DATABASE=$((DATABASE + 1))
    D=$E2E/$name-$DATABASE
    PORT=$(free_port)
    URL=http://127.0.0.1:$PORT
    mkdir -p "$D/run" "$D/www"
    case $name in *-fcgid | *-cgid) workers=1 ;; esac
    guichet_conf "$workers" "$@" > "$D/guichet.conf"
    give "$D"
    case $name in
        lighttpd)
            { lighttpd_base && echo "include \"$E2E/lighttpd/guichet.conf\"" &&
                pages 'include "@/lighttpd/guichet-pages.conf"' 'var.guichet_pages_socket = var.guichet_socket + "-0"'; } > "$D/server.conf"
            start_lighttpd
            ;;
        lighttpd-socket)
            { lighttpd_base && echo "include \"$E2E/lighttpd/guichet-socket.conf\"" &&
                pages 'include "@/lighttpd/guichet-pages.conf"' 'var.guichet_pages_socket = var.guichet_socket'; } > "$D/server.conf"
            start_responder
            start_lighttpd
            ;;
        apache-proxy)
            { apache_base buffer proxy proxy_fcgi && echo "Include \"$E2E/apache/guichet-proxy.conf\"" &&
                pages 'Include "@/apache/guichet-pages.conf"'; } \
                > "$D/server.conf"
            start_responder
            start_apache
            ;;
        apache-fcgid)
            { apache_fcgid && echo "Include \"$E2E/apache/guichet-fcgid.conf\"" &&
                pages 'Include "@/apache/guichet-pages.conf"'; } > "$D/server.conf"
            start_apache
            ;;
        apache-cgid)
            { apache_cgid && echo "Include \"$E2E/apache/guichet-cgid.conf\"" &&
                pages 'Include "@/apache/guichet-pages.conf"'; } > "$D/server.conf"
            start_apache
            ;;
        htaccess-*)
            # A shared host: the program in the document root, all else outside.
            cp "$E2E/bin/guichet.fcgi" "$E2E/cgi-bin/.htaccess" "$D/www"
            [ -z "${PAGES-}" ] || sed -i 's/^#RewriteRule/RewriteRule/' "$D/www/.htaccess"
            sed "s|^include = .*|include = $D/guichet.conf|" "$E2E/cgi-bin/guichet.conf.docroot.example" \
                > "$D/www/guichet.conf"
            give "$D/www"
            "apache_${name#htaccess-}" > "$D/server.conf"
            start_apache
            ;;
        nginx)
            nginx_base > "$D/server.conf"
            start_responder
            start "$D/server.log" nginx -e "$D/server.log" -c "$D/server.conf"
            ;;
        *) bail_out "no deployment is called $name" ;;
    esac
    # The web server first when they are stopped: it holds requests for the responder.
    SERVER_PIDS=("$STARTED" "${SERVER_PIDS[@]}")
    wait_for "$STARTED" curl -sf -m 5 -o /dev/null "$URL/api/health" ||
        bail_out "$name does not serve: $(tail -n 5 "$D"/*.log 2>&1)"
}

undeploy() {
    stop "${SERVER_PIDS[@]}"
    SERVER_PIDS=()
    end_of_programs
}
