#!/bin/bash
# The man page is sound mdoc and names every setting and variable.
cd "$(dirname "$0")/../.." || exit 2
n=0
ok() { # status, name
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

echo 1..3
complaints=$(mandoc -T lint -W warning man/guichet.fcgi.8 | grep -v 'referenced manual not found')
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
