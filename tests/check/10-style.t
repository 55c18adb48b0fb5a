#!/bin/bash
# The rules that live in a tool hold.
cd "$(dirname "$0")/../.." || exit 2
echo 1..1
if output=$(tools/style 2>&1); then
    echo 'ok 1 - tools/style finds nothing'
else
    echo 'not ok 1 - tools/style finds nothing'
    printf '# %s\n' "${output//$'\n'/$'\n'# }"
fi
