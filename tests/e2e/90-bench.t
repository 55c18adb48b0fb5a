#!/usr/bin/env bash
# The bench itself: every receiver that this machine has is up and gives the right answers, and what it
# acknowledged is what it stored. No figure is judged.
cd "$(dirname "$0")/../.." || exit 2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# receiver, and what it needs beside lighttpd, Redis and wrk
needs=(guichet: guichet-file: empty:build/tests/bench/empty node:npm node-lighttpd:npm php:php-fpm8.2 webhook:webhook)
only=()
echo "1..${#needs[@]}"
for row in "${needs[@]}"; do
    need=${row#*:}
    if [ -z "$need" ] || [ -x "$need" ] || command -v "$need" > /dev/null; then
        only+=("${row%%:*}")
    fi
done
# Without a registry in reach there is no Node peer either.
if [[ " ${only[*]} " == *" node "* ]] &&
    ! python3 -B -c 'import sys; sys.path.insert(0, "tests/bench"); import receivers; receivers.node_modules()' 2> /dev/null; then
    only=("${only[@]/node*/}")
fi
smoke() { # SECTION RECEIVER...
    local section=$1
    shift
    OUT=build/bench/smoke/$section WARM_UP=1 ROUNDS=1 SECONDS_EACH=1 SECTIONS=$section CONNECTIONS=16 ONLY="$*" tests/bench/run 2>&1
}
output=$(smoke main "${only[@]}" && smoke always guichet-file)
test=0
for row in "${needs[@]}"; do
    name=${row%%:*}
    test=$((test + 1))
    if [[ " ${only[*]} " != *" $name "* ]]; then
        echo "ok $test # SKIP ${row#*:} is not there, or what it fetches is not in reach"
    elif grep -q "\"receiver\": \"$name\".*\"void\": \"\"" build/bench/smoke/*/raw.jsonl; then
        echo "ok $test - $name: every answer is right, and every one of them is stored"
    else
        echo "not ok $test - $name: every answer is right, and every one of them is stored"
        printf '# %s\n' "${output//$'\n'/$'\n'# }"
    fi
done
