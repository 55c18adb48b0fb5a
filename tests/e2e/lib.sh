# shellcheck shell=bash
# lib.sh: what the end-to-end tests share. Source it first; it makes a temporary folder, starts a private
# Redis in it, and removes both when the test ends, however it ends.
#
#   deploy NAME [LINE...]    guichet.fcgi behind a server, NAME being one of $DEPLOYMENTS, with the shipped
#                            configuration for it. Each LINE, "section.key = value", goes into
#                            Guichet's configuration. Sets URL, PORT and D (the deployment's folder).
#   undeploy                 stops it.
#   signature FILE           the hex HMAC-SHA256 of the file's bytes with Dazno's secret
#   send FILE [CURL ARG...]  posts the file to Dazno's path, signed; sets STATUS, ANSWER and HEADERS
#   request PATH [CURL ARG...]   any other request; the same results
#   event FILE ID TYPE FIELDS    writes an event; FIELDS is JSON text such as '"user_id":"u1"'
#   redis ARG...             redis-cli on the deployment's database
#   tool VERB...             the operator's tool, as the servers' user, on the deployment's configuration
#   ok, is, like, note, done_testing    TAP
#
# Everything listens on 127.0.0.1 or a unix socket; as root the servers run as www-data.

set -u
# Servers are in sbin, which is not in everyone's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PROGRAM=${GUICHET_FCGI:-$TOP/build/guichet.fcgi}
# For the tests, which loop over it.
# shellcheck disable=SC2034
DEPLOYMENTS=(lighttpd lighttpd-socket apache-proxy apache-fcgid apache-cgid nginx
    htaccess-fcgid htaccess-cgid)
WAIT_S=15 # until a server must have started or ended

# --- TAP ---------------------------------------------------------------------------------------------

TESTS=0
FAILED=0

note() { printf '# %s\n' "${*//$'\n'/$'\n# '}"; }

bail_out() {
    printf 'Bail out! %s\n' "$*"
    exit 255
}

# ok STATUS NAME: passed if STATUS is 0
ok() {
    TESTS=$((TESTS + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$TESTS" "$2"
    else
        FAILED=$((FAILED + 1))
        printf 'not ok %d - %s\n' "$TESTS" "$2"
        return 1
    fi
}

# is GOT EXPECTED NAME
is() {
    [ "$1" = "$2" ]
    ok $? "$3" && return
    note "got:      $1"$'\n'"expected: $2"
    return 1
}

# like GOT PATTERN NAME: PATTERN as of bash's [[ == ]]
like() {
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ $1 == $2 ]]
    ok $? "$3" && return
    note "got:     $1"$'\n'"pattern: $2"
    return 1
}

done_testing() {
    undeploy
    stop "${REDIS_PID:-}"
    REDIS_PID=
    is "$(processes_below "$E2E")" "" "no process is left"
    printf '1..%d\n' "$TESTS"
    [ "$FAILED" -eq 0 ]
    exit
}

# --- processes ---------------------------------------------------------------------------------------

# The pids of all processes that have the folder in their command line.
processes_below() {
    local file
    for file in /proc/[0-9]*/cmdline; do
        if grep -qF -- "$1/" "$file" 2> /dev/null; then
            basename "${file%/cmdline}"
        fi
    done
}

# start LOG COMMAND...: in the background, as the unprivileged user; sets STARTED. It ends with this
# script, even if that is killed. START_WITH: what runs it, before the user is changed.
START_WITH=()
start() {
    local log=$1
    shift
    : >> "$log"
    give "$log"
    "${START_WITH[@]}" setpriv "${AS_USER[@]}" --pdeathsig TERM -- "$@" >> "$log" 2>&1 < /dev/null &
    STARTED=$!
}

# stop PID...: ends our own children, by TERM, after WAIT_S by KILL.
stop() {
    local pid tenths
    for pid in "$@"; do
        [ -n "$pid" ] || continue
        kill -TERM "$pid" 2> /dev/null
        for ((tenths = 0; tenths < WAIT_S * 10; tenths++)); do
            kill -0 "$pid" 2> /dev/null || break
            sleep 0.1
        done
        if kill -KILL "$pid" 2> /dev/null; then
            note "process $pid did not end by itself"
        fi
        wait "$pid" 2> /dev/null
    done
}

# wait_for PID COMMAND...: until the command succeeds; fails when the process has ended, or WAIT_S passed
wait_for() {
    local pid=$1 tenths
    shift
    for ((tenths = 0; tenths < WAIT_S * 10; tenths++)); do
        "$@" > /dev/null 2>&1 && return
        kill -0 "$pid" 2> /dev/null || return 1
        sleep 0.1
    done
    return 1
}

# The pids of guichet.fcgi in our folder.
programs() {
    local link
    for link in /proc/[0-9]*/exe; do
        if [[ $(readlink "$link" 2> /dev/null) == "$E2E"/*/guichet.fcgi ]]; then
            basename "${link%/exe}"
        fi
    done
}

# What a web server started ends soon after it; what does not is killed, and the test says so.
end_of_programs() {
    local tenths pids
    for ((tenths = 0; tenths < WAIT_S * 10; tenths++)); do
        pids=$(programs)
        [ -n "$pids" ] || return
        sleep 0.1
    done
    note "guichet.fcgi did not end by itself: $pids"
    # shellcheck disable=SC2086 # numbers, to be split
    kill -KILL $pids
    ok 1 "guichet.fcgi ends with its web server"
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
            echo "$port"
            return
        fi
    done
}

clean_up() {
    local status=$?
    trap - EXIT
    undeploy
    stop "${REDIS_PID:-}"
    rm -rf "$E2E"
    exit "$status"
}

# --- the folder, the keys and Redis ------------------------------------------------------------------

begin() {
    [ -x "$PROGRAM" ] || bail_out "$PROGRAM is not there: make first"
    E2E=$(mktemp -d "${TMPDIR:-/tmp}/guichet-e2e.XXXXXX") || bail_out "no temporary folder"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    AS_USER=()
    if [ "$(id -u)" -eq 0 ]; then
        AS_USER=(--reuid www-data --regid www-data --clear-groups)
    fi
    mkdir "$E2E/bin" "$E2E/keys" "$E2E/redis"
    # The user may not be able to enter the checkout: copies, byte for byte.
    cp "$PROGRAM" "$E2E/bin/guichet.fcgi"
    cp "$(dirname "$PROGRAM")/guichet" "$E2E/bin/guichet"
    cp -r "$TOP/apache" "$TOP/lighttpd" "$TOP/nginx" "$TOP/cgi-bin" "$E2E"

    T4G_API_KEY=$(openssl rand -hex 32)
    T4G_WEBHOOK_SECRET=$(openssl rand -hex 64)
    WEBHOOK_SECRET=$(openssl rand -hex 32)
    GUICHET_METRICS_TOKEN=$(openssl rand -hex 32)
    (
        umask 077
        echo "$T4G_API_KEY" > "$E2E/keys/t4g_api_key"
        echo "$T4G_WEBHOOK_SECRET" > "$E2E/keys/t4g_webhook_secret"
        echo "$WEBHOOK_SECRET" > "$E2E/keys/webhook_secret"
        echo "$GUICHET_METRICS_TOKEN" > "$E2E/keys/metrics_token"
    )
    give "$E2E"
    setpriv "${AS_USER[@]}" -- test -w "$E2E" || bail_out "www-data cannot enter ${TMPDIR:-/tmp}"

    start "$E2E/redis/log" redis-server --port 0 --unixsocket "$E2E/redis/sock" --unixsocketperm 700 \
        --databases 64 --dir "$E2E/redis" --save "" --appendonly no --maxmemory-policy noeviction
    REDIS_PID=$STARTED
    wait_for "$REDIS_PID" redis PING || bail_out "Redis does not start: $(tail -n 3 "$E2E/redis/log")"
    SERVER_PIDS=()
    DATABASE=0
}

# Files we made, for the user the servers run as.
give() {
    if [ "$(id -u)" -eq 0 ]; then
        chown -R www-data:www-data "$@"
    fi
}

tool() {
    (cd "$D" && setpriv "${AS_USER[@]}" -- env GUICHET_CONFIG="$D/guichet.conf" "$E2E/bin/guichet" "$@")
}

redis() { redis-cli -s "$E2E/redis/sock" -n "${DATABASE:-0}" "$@"; }

# shellcheck source=tests/e2e/deploy.sh
. "$TOP/tests/e2e/deploy.sh"

# --- requests ----------------------------------------------------------------------------------------

# signature FILE [SECRET]
signature() {
    openssl dgst -sha256 -hmac "${2-$T4G_WEBHOOK_SECRET}" -r "$1" | cut -d ' ' -f 1
}

# The same for Airtable, whose key is the bytes that the hex digits stand for.
airtable_signature() {
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$WEBHOOK_SECRET" -r "$1" | cut -d ' ' -f 1
}

event() {
    printf '{"id":"%s","timestamp":"2025-10-15T10:30:00Z","source":"dazno","event_type":"%s",%s}' \
        "$2" "$3" "$4" > "$1"
}

# One request; results in STATUS (000: no answer), ANSWER (NUL bytes aside) and HEADERS (lower-case names).
# The peer, 127.0.0.1, is a trusted proxy by default: FORWARDED stands for TLS before it.
FORWARDED=(-H 'X-Forwarded-Proto: https')

request() {
    local path=$1
    shift
    # shellcheck disable=SC2034 # results, for the tests
    STATUS=$(curl -s -m 20 --path-as-is -o "$E2E/answer" -D "$E2E/headers" -w '%{http_code}' \
        "${FORWARDED[@]}" "$@" "$URL$path" 2> /dev/null)
    # shellcheck disable=SC2034
    ANSWER=$(tr -d '\0' < "$E2E/answer" 2> /dev/null)
    HEADERS=$(tr -d '\r' < "$E2E/headers" 2> /dev/null | sed 's/^[^:]*:/\L&/')
    : > "$E2E/answer"
    : > "$E2E/headers"
}

# TYPE: another media type
send() {
    local file=$1
    shift
    request /api/webhooks/dazno -H "Content-Type: ${TYPE:-application/json}" -H "x-api-key: $T4G_API_KEY" \
        -H "x-t4g-signature: sha256=$(signature "$file")" --data-binary "@$file" "$@"
}

# raw [cut]: sends standard input to the server as it stands and prints what comes back; with `cut` it
# ends its half of the connection behind the last byte.
raw() {
    perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 10) or die "$!\n";
        local $SIG{PIPE} = "IGNORE";
        local $SIG{ALRM} = sub { die "no answer within 10 s\n" };
        alarm 10;
        local $/;
        print $s <STDIN>;
        $s->flush;
        shutdown $s, 1 if $ARGV[1] eq "cut";
        print <$s>;' "$PORT" "${1-}" 2>&1
}

# header NAME (lower case): its value in the last answer
header() { sed -n "s/^$1: *//p" <<< "$HEADERS"; }

begin
