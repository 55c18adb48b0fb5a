#!/usr/bin/env bash
# Senders that take their time over a body hold up nobody else, under any server.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

readonly SENDERS=8 # of each kind; four times the workers
readonly SLOW_S=2  # over which each spreads its body

# dribble LENGTH-HEADER [BEFORE AFTER END]: a body of ten bytes, each after a pause and with what a chunk
# has before and after it; prints the status of the answer
dribble() {
    perl -MIO::Socket::INET -e '
        my ($port, $seconds, $header, $before, $after, $end) = @ARGV;
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die "$!\n";
        s/\\r/\r/g, s/\\n/\n/g for $before, $after, $end;
        $s->autoflush(1);
        print $s "POST /api/webhooks/dazno HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
            "X-Forwarded-Proto: https\r\nContent-Type: application/json\r\n$header\r\n\r\n";
        for (1 .. 10) { select undef, undef, undef, $seconds / 10; print $s "${before}x$after"; }
        print $s $end;
        print +(split / /, <$s>)[1], "\n";' "$PORT" "$SLOW_S" "$1" "${2-}" "${3-}" "${4-}"
}

for deployment in "${DEPLOYMENTS[@]}"; do
    deploy "$deployment"
    event "$E2E/body" s-1 user.created '"user_id":"u1","email":"u1@example.com"'
    : > "$E2E/statuses"
    senders=()
    for ((i = 0; i < SENDERS; i++)); do
        dribble 'Content-Length: 10' >> "$E2E/statuses" 2>&1 &
        senders+=($!)
        dribble 'Transfer-Encoding: chunked' '1\r\n' '\r\n' '0\r\n\r\n' >> "$E2E/statuses" 2>&1 &
        senders+=($!)
    done
    sleep 0.5
    SECONDS=0
    for ((i = 0; i < 5; i++)); do
        send "$E2E/body"
        [ "$STATUS" = 200 ] || break
    done
    is "$STATUS" 200 "$deployment: others are served"
    ok $((SECONDS >= SLOW_S)) "$deployment: at once"
    wait "${senders[@]}"
    # Plain CGI refuses chunked bodies.
    chunked=401
    case $deployment in *-cgid) chunked=411 ;; esac
    is "$(sort "$E2E/statuses" | tr '\n' ' ')" \
        "$({ yes 401 | head -n "$SENDERS" && yes "$chunked" | head -n "$SENDERS"; } | tr '\n' ' ')" \
        "$deployment: and so are the slow ones"
done
done_testing
