#!/bin/bash
# docs/monitoring: promtool accepts it, its rules do what they promise, and its names are those of the program.
# What judges it is judged too, with copies in which one thing is wrong.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
ok() { # status, name, what it said
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        printf '# %s\n' "${3//$'\n'/$'\n'# }"
    fi
}

for program in promtool python3; do
    command -v "$program" > /dev/null || { echo "Bail out! $program is not there: tools/need test"; exit 255; }
done

# What the program can export: its table of families and its outcomes.
grep -oE '"guichet_[a-z_]+", FAMILY_[A-Z]+' lib/observe/metrics*.c |
    sed -E 's/.*"(.*)", FAMILY_COUNTER/\1_total/; s/.*"(.*)", FAMILY_.*/\1/' > "$work/names"
grep -oE 'OUTCOME_[A-Z]+\] = "[a-z]+"' lib/observe/state.c | sed 's/.*"\(.*\)"/\1/' > "$work/outcomes"

# copy: docs/monitoring and its unit tests, to be spoilt
copy() {
    rm -rf "$work/copy"
    mkdir -p "$work/copy/docs" "$work/copy/tests"
    cp -r docs/monitoring "$work/copy/docs"
    cp -r tests/monitoring "$work/copy/tests"
    # promtool wants the file with the token.
    : > "$work/copy/token"
    sed -i "s|/etc/prometheus/guichet.token|$work/copy/token|" "$work/copy/docs/monitoring/prometheus.yml"
}
judge() {
    tests/monitoring/judge "$work/copy/docs/monitoring" "$work/names" "$work/outcomes" \
        "$work"/copy/tests/monitoring/*.test.yml 2>&1
}
# spoilt FILE SED-SCRIPT FINDING
spoilt() {
    local said
    copy
    sed -i -E "$2" "$work/copy/$1"
    said=$(judge)
    [[ $said == *"$3"* ]]
    ok $? "it is noticed: $3" "$said"
}

copy
said=$(promtool check config "$work/copy/docs/monitoring/prometheus.yml" 2>&1)
ok $? 'promtool accepts the configuration and the rules' "$said"
for file in tests/monitoring/*.test.yml; do
    said=$(promtool test rules "$file" 2>&1)
    ok $? "$file: alerts fire when they should, and else not" "$said"
done
said=$(judge)
ok $? 'every alert is explained and tested, every name is exported, every series is shown' "$said"

make install DESTDIR="$work/dest" PREFIX=/usr > "$work/out" 2>&1
said=$(promtool check rules "$work/dest/usr/share/doc/guichet/docs/monitoring/guichet.rules.yml" 2>&1)
ok $? 'it is installed' "$said"

rules=docs/monitoring/guichet.rules.yml
board=docs/monitoring/grafana-dashboard.json
spoilt $rules 's/guichet_store_up == 0/guichet_stores_up == 0/' 'guichet_stores_up is neither exported'
spoilt $rules 's/(record: job_provider:guichet_backlog)_entries/\1/' 'is neither exported nor recorded'
spoilt $rules 's/alert: GuichetSlow/record: guichet_slow:p99/' 'guichet_slow:p99: is recorded and not used'
spoilt $rules 's/accepted\|spooled/accepted|spool/' 'there is no outcome spool'
spoilt $rules 's/README.md#guichetfailing/README.md#guichetfails/' 'GuichetFailing: runbook_url is not'
spoilt $rules 's/severity: info/severity: low/' 'severity is none of'
spoilt docs/monitoring/README.md 's/^### GuichetFailing/### GuichetFails/' 'GuichetFailing: has no paragraph'
spoilt docs/monitoring/README.md 's/^### GuichetFailing/### GuichetFails/' 'GuichetFails: a paragraph'
spoilt docs/monitoring/README.md 's/(.)guichet_webhooks_total(.)/\1guichet_webhook_total\2/' 'guichet_webhook_total is not exported'
spoilt $board 's/guichet_spool_oldest_seconds/guichet_spool_oldest/' 'guichet_spool_oldest is neither exported'
spoilt $board 's/guichet_spool_oldest_seconds/guichet_spool_entries/' 'guichet_spool_oldest_seconds is exported and not shown'
spoilt $board '0,/"uid": "\$\{datasource\}"/s//"uid": "prometheus"/' 'its data source is not the variable'
spoilt $board '0,/"x": 3,/s//"x": 2,/' 'lies over another panel'
spoilt $board '0,/"unit": "short"/s//"unit": ""/' 'has no unit'
spoilt tests/monitoring/weeks.test.yml 's/alertname: GuichetOldSecretUnused/alertname: GuichetNot/' \
    'GuichetOldSecretUnused: no unit test in which it fires'

# What must not pass the unit tests: a limit that is another, a condition that is missing.
unit() { # FILE SED-SCRIPT NAME
    copy
    sed -i -E "$2" "$work/copy/$rules"
    said=$(promtool test rules "$work/copy/tests/monitoring/$1" 2>&1)
    [[ $? -ne 0 && $said == *FAILED*exp:*got:* ]]
    ok $? "the unit tests notice $3" "$said"
}
unit minutes.test.yml 's/> 0\.05/> 0.5/' 'another limit'
unit minutes.test.yml 's/unauthorized\|rejected/unauthorized/' 'that requests are counted which are no webhooks'
unit minutes.test.yml 's/max by (\(job, provider\) \(guichet_rate_limit_used)/sum by \1/' 'that a shared window is counted twice'
unit hours.test.yml 's/> 10$/> -1/' 'an alarm where nothing is expected'

echo "1..$n"
