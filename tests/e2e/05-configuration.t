#!/usr/bin/env bash
# The shipped example is what it says: complete, each key with its default.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

example=$TOP/cgi-bin/guichet.conf.example
export T4G_API_KEY T4G_WEBHOOK_SECRET WEBHOOK_SECRET GUICHET_METRICS_TOKEN

# check FILE OUT: what it would run with, without where each setting comes from; ends as --check does
check() {
    local status
    "$PROGRAM" --check --config "$1" > "$E2E/checked" 2>&1
    status=$?
    sed 's/  (.*)$//' "$E2E/checked" > "$2"
    return "$status"
}

# Every setting in force, with the ; taken away; and the state folder where we may make it.
# spool_dir, audit_key and read_token have no default; what stands there is an example.
sed -e '/^;spool_dir = /d' -e '/^;audit_key = /d' -e '/^;read_token = /d' -e 's/^;\([a-z_]* =\)/\1/' -e "s|^state_dir = .*|state_dir = $E2E/state|" "$example" > "$E2E/all.conf"
sed -e "s|^;state_dir = .*|state_dir = $E2E/state|" "$example" > "$E2E/plain.conf"

check "$E2E/plain.conf" "$E2E/plain"
is $? 0 "the example as it stands" || note "$(cat "$E2E/plain")"
check "$E2E/all.conf" "$E2E/all"
is $? 0 "the example with every key in force" || note "$(cat "$E2E/all")"
is "$(diff "$E2E/plain" "$E2E/all")" "" "each key stands there with its default"

# Every key of the sections that the example spells out is in it.
lacking=''
while read -r key; do
    case $key in 'provider airtable.'*) continue ;; esac
    grep -q "^;\\?${key##*.} =" "$example" || lacking+=" $key"
done < <(sed -n 's/ = .*//p' "$E2E/plain")
is "$lacking" "" "no key is lacking"

sed 's/^store = .*/&\nstroe = x/' "$E2E/plain.conf" > "$E2E/wrong.conf"
check "$E2E/wrong.conf" "$E2E/wrong"
ok $((! $?)) "a key that does not exist is an error"
like "$(cat "$E2E/wrong")" "*wrong.conf:*stroe*" "with file, line and name"

# The file for the document root: nothing but the way to the rest.
sed "s|^include = .*|include = $E2E/plain.conf|" "$TOP/cgi-bin/guichet.conf.docroot.example" > "$E2E/docroot.conf"
check "$E2E/docroot.conf" "$E2E/docroot"
is "$(diff "$E2E/plain" "$E2E/docroot")" "" "the file for the document root leads to the same"
done_testing
