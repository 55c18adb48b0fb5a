#!/usr/bin/env bash
# `make run`, in a copy of the project: alone, again on its data, served until it is stopped.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

copy=$E2E/project
port=$(free_port)
out=$E2E/out

# What is built already is copied too; make finds it up to date.
mkdir -p "$copy/build"
tar -C "$TOP" --exclude=./var --exclude=./.git -cf - . | tar -C "$copy" -xf -
cp -p "$PROGRAM" "$copy/build/guichet.fcgi"

# Bounded: a run that serves although it should not must not hold up the tests.
run() { (cd "$copy" && timeout 120 env -u MAKEFLAGS -u MAKELEVEL make run PORT="$port" "$@") > "$out" 2>&1 < /dev/null; }
# The folder that the servers use
home() { if [ -e "$copy/var/elsewhere" ]; then readlink "$copy/var/elsewhere"; else echo "$copy/var"; fi; }
left_over() { processes_below "$(home)"; }

run ONESHOT=1
is $? 0 "make run ONESHOT=1" || note "$(cat "$out")"
is "$(grep -c '^  ok ' "$out")" 9 "nine answers as expected"
is "$(grep -c ' 401 ' "$out")" 1 "the forgery among them"
is "$(left_over)" "" "no process is left"
is "$(stat -c %a "$(home)"/keys/* | sort -u)" 600 "the keys are for their owner alone"
is "$(grep -c '^require_https = no' "$(home)/guichet.conf")" 1 "plain HTTP is in its own configuration"
like "$(cat "$out")" '*require_https = no*' "and is said"
like "$(cat "$out")" '*'$'\n  ''*XLEN guichet:{dazno}:events'$'\n    6\n'* "six events are handed on"
keys=$(cat "$(home)"/keys/*)

run ONESHOT=1
is $? 0 "a second time" || note "$(cat "$out")"
like "$(cat "$out")" '*'$'\n  ''*XLEN guichet:{dazno}:events'$'\n    12\n'* "it finds its data again"
is "$(cat "$(home)"/keys/*)" "$keys" "and its keys"

# A wrong answer is noticed: the responder is given another secret than the one that signs.
# shellcheck disable=SC2016 # $home is a text of the script
sed -i 's|^secret = file:$home/keys/t4g_webhook_secret|secret = file:$home/keys/t4g_api_key|' \
    "$copy/tools/run"
run ONESHOT=1
ok $((! $?)) "it does not end with 0 when answers are wrong" || note "$(cat "$out")"
cp -p "$TOP/tools/run" "$copy/tools/run"

# Serving, until it is told to end; first with the port taken.
perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 1, ReuseAddr => 1) or die;
    sleep 60' "$port" &
taken=$!
wait_for "$taken" bash -c "exec 3<> /dev/tcp/127.0.0.1/$port"
run
ok $((! $?)) "a port that is taken is an error"
like "$(cat "$out")" "*port $port is taken*PORT=*" "with a remedy"
is "$(left_over)" "" "no process is left"
kill "$taken"
wait "$taken" 2> /dev/null

(cd "$copy" && exec env -u MAKEFLAGS -u MAKELEVEL PORT="$port" tools/run > "$out" 2>&1 < /dev/null) &
SERVER_PIDS+=($!)
wait_for $! grep -q 'Serving until' "$out"
ok $? "it serves" || note "$(cat "$out")"
# The command that it prints, word for word.
sed -n '/^  keys=/,/--data-binary/p' "$out" > "$E2E/pasted"
like "$(bash "$E2E/pasted" 2> /dev/null)" 'HTTP/1.1 200 *"received":true,"webhook_id":"hand-*' "the printed command works"
kill -TERM "${SERVER_PIDS[0]}"
wait "${SERVER_PIDS[0]}"
is $? 143 "it ends on TERM"
SERVER_PIDS=()
is "$(left_over)" "" "no process is left"

(cd "$copy" && exec env -u MAKEFLAGS -u MAKELEVEL PORT="$port" tools/run > "$out" 2>&1 < /dev/null) &
SERVER_PIDS+=($!)
wait_for $! grep -q 'Serving until' "$out"
kill -KILL "${SERVER_PIDS[0]}"
wait "${SERVER_PIDS[0]}" 2> /dev/null
SERVER_PIDS=()
for ((tenths = 0; tenths < WAIT_S * 10; tenths++)); do
    [ -n "$(left_over)" ] || break
    sleep 0.1
done
is "$(left_over)" "" "no process outlives it even when it is killed"

# As root, below a folder that nobody else can enter.
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 700 "$E2E/closed"
    rm -rf "${copy:?}/var"
    mv "$copy" "$E2E/closed"
    copy=$E2E/closed/project
    run ONESHOT=1
    is $? 0 "in a folder that only root can enter" || note "$(cat "$out")"
    like "$(cat "$out")" '*www-data cannot enter*' "it says where the files are"
    is "$(left_over)" "" "no process is left"
    case $(readlink "$copy/var/elsewhere") in
        /var/tmp/guichet.*) rm -rf "$(readlink "$copy/var/elsewhere")" ;;
    esac
fi
done_testing
