#!/bin/bash
# The man pages are sound mdoc; they name every setting and variable, every verb and option.
cd "$(dirname "$0")/../.." || exit 2
n=0
ok() { # status, name
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

echo 1..5
complaints=$(mandoc -T lint -W warning man/*.8 | grep -v 'referenced manual not found')
[ -z "$complaints" ]
ok $? 'mandoc has no complaint'
[ -z "$complaints" ] || printf '# %s\n' "${complaints//$'\n'/$'\n'# }"

page=$(mandoc -T utf8 man/guichet.fcgi.8 | col -b)
# The keys of the example configuration, which a test holds against the table.
missing=$(sed -n 's/^;\{0,1\} \{0,1\}\([a-z_]*\) = .*/\1/p' cgi-bin/guichet.conf.example | sort -u |
    while read -r key; do grep -qw "$key" <<< "$page" || echo "$key"; done)
[ -z "$missing" ]
ok $? 'every setting is in it'
[ -z "$missing" ] || echo "# missing: $missing"

missing=$(for name in T4G_API_KEY T4G_WEBHOOK_SECRET WEBHOOK_SECRET GUICHET_METRICS_TOKEN GUICHET_STORE \
    GUICHET_CONFIG; do grep -q "$name" <<< "$page" || echo "$name"; done)
[ -z "$missing" ]
ok $? 'every variable is in it'

page=$(mandoc -T utf8 man/guichet.8 | col -b)
missing=$(build/guichet help | sed -n 's/^  \([a-z]*\( [a-z-]*\)\{0,1\}\)  .*/\1/p' | while read -r verb; do
    grep -q "^ *guichet $verb\( \|$\)" <<< "$page" || echo "$verb"
    # shellcheck disable=SC2086
    build/guichet help $verb | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | while read -r option; do
        grep -q -e "$option" <<< "$page" || echo "$verb $option"
    done
done)
[ -z "$missing" ]
ok $? 'every verb and option of the tool is in its page'
[ -z "$missing" ] || echo "# missing: $missing"

environment=$(sed -n '/^ENVIRONMENT/,/^EXIT STATUS/p' <<< "$page")
missing=$({
    sed -n 's/^#define SENDING_[A-Z_]* *"\(env:\)\{0,1\}\([A-Z0-9_]*\)"$/\2/p' src/tool/sending.h
    grep -hoE '"(AIRTABLE|WEBHOOK|T4G|GUICHET)_[A-Z_]+"' src/tool/airtable*.c src/tool/check_sender.c | tr -d '"'
    echo GUICHET_CONFIG GUICHET_STORE NO_COLOR | tr ' ' '\n'
} | sort -u | while read -r name; do grep -qw -e "$name" <<< "$environment" || echo "$name"; done)
[ -z "$missing" ]
ok $? 'every variable that the tool reads is in it'
[ -z "$missing" ] || echo "# missing: $missing"
