#!/bin/bash
# What install puts there, uninstall takes away, below DESTDIR and nowhere else.
cd "$(dirname "$0")/../.." || exit 2
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
n=0
ok() { # condition (a command), name
    n=$((n + 1))
    if eval "$1"; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

echo 1..5
make install DESTDIR="$dest" PREFIX=/opt/guichet > /dev/null 2>&1
ok '[ -x "$dest/opt/guichet/lib/guichet/guichet.fcgi" ]' 'the program is there'
ok '"$dest/opt/guichet/lib/guichet/guichet.fcgi" --version | grep -q "^guichet [0-9]"' 'it runs'
ok '[ -s "$dest/opt/guichet/share/man/man8/guichet.fcgi.8" ]' 'its man page is there'
ok '[ -z "$(find "$dest" -path "$dest/opt" -prune -o -type f -print)" ]' 'nothing outside PREFIX'
make uninstall DESTDIR="$dest" PREFIX=/opt/guichet > /dev/null 2>&1
ok '[ -z "$(find "$dest" -type f)" ] && [ ! -e "$dest/opt/guichet/lib/guichet" ]' 'uninstall leaves no file'
