#!/bin/sh
# Starts guichet.fcgi for htaccess-proxy if it does not run. For cron, where no service can be had:
#
#   */5 * * * * $HOME/guichet/keep-running.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
socket=$here/run/guichet.sock

# Others may pass through these two folders, to the socket, but not look into them. The socket is open to
# whoever knows its path, for the web server is another user; what is inside is 0600.
mkdir -p "$here/run"
chmod 711 "$here" "$here/run"

# The lock is held as long as the program runs; who does not get it has nothing to do.
exec 9> "$here/run/lock"
flock -n 9 || exit 0
"$here/guichet.fcgi" --config "$here/guichet.conf" --socket "$socket" >> "$here/run/log" 2>&1 < /dev/null &
tries=0
until [ -S "$socket" ] || [ $tries -ge 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
chmod 666 "$socket"
