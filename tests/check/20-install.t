#!/bin/bash
# What install puts there, uninstall takes away, below DESTDIR and nowhere else.
cd "$(dirname "$0")/../.." || exit 2
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
prefix=$dest/opt/guichet
n=0
ok() { # status, name
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

echo 1..9
make install DESTDIR="$dest" PREFIX=/opt/guichet > /dev/null 2>&1
[ -x "$prefix/lib/guichet/guichet.fcgi" ]
ok $? 'the program is there'
"$prefix/lib/guichet/guichet.fcgi" --version | grep -q '^guichet [0-9]'
ok $? 'it runs'
"$prefix/bin/guichet" --version | grep -q '^guichet [0-9]'
ok $? 'the tool runs'
[ -s "$prefix/share/man/man8/guichet.fcgi.8" ] && [ -s "$prefix/share/man/man8/guichet.8" ]
ok $? 'their man pages are there'
bash -n "$prefix/share/bash-completion/completions/guichet"
ok $? 'its completion for bash too'
[ -z "$(find "$dest" -path "$dest/opt" -prune -o -type f -print)" ]
ok $? 'nothing outside PREFIX'
grep -q '^ExecStart=/opt/guichet/lib/guichet/guichet.fcgi ' "$prefix/share/doc/guichet/systemd/guichet.service" &&
    ! grep -rqE '/usr/local/(lib|bin|share/doc)/guichet' "$prefix/share"
ok $? 'what names the program names it where it is'
[ -z "$(cd "$prefix/share/doc/guichet" && grep -oE '\]\([^)#:]+' README.md | cut -c 3- | grep -v '^tests/' |
    while read -r to; do [ -e "$to" ] || echo "$to"; done)" ]
ok $? 'what README.md links to is there, but for the tests'
make uninstall DESTDIR="$dest" PREFIX=/opt/guichet > /dev/null 2>&1
[ -z "$(find "$dest" -type f)" ] && [ ! -e "$prefix/lib/guichet" ]
ok $? 'uninstall leaves no file'
