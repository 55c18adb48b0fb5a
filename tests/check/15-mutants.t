#!/bin/bash
# The flaws of tests/mutants still go into the tree: what `make mutants` would otherwise only find out later.
cd "$(dirname "$0")/../.." || exit 2
patches=(tests/mutants/*.patch)
echo "1..${#patches[@]}"
n=0
for patch in "${patches[@]}"; do
    n=$((n + 1))
    if output=$(patch -p1 -s -f --dry-run < "$patch" 2>&1); then
        echo "ok $n - $patch applies"
    else
        echo "not ok $n - $patch applies"
        printf '# %s\n' "${output//$'\n'/$'\n'# }"
    fi
done
