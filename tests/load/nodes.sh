# shellcheck shell=bash
# shellcheck disable=SC2034 # for who sources this
# nodes.sh: stores of more than one Redis, for faults.sh: a master with two replicas that a sentinel watches,
# and two nodes of a cluster.
#
#   start_shop       sets STORE_ADDRESS (sentinel://), STORE_LINES and STORE_SOCKET, the master's
#   master_dies      kill -9 of the master; returns when another one has its place and a replica for WAIT
#   master_returns   starts the one that died, which becomes a replica
#   start_cluster    sets STORE_ADDRESS (redis://) and STORE_SOCKET, of the node that has Dazno's keys
#   slot_moves       Dazno's keys go to the other node, as redis-cli --cluster reshard moves them
#   find_master      prints who it is
#   stop_nodes

readonly NODES_WAIT_S=60
declare -A NODE_PID NODE_PORT

# node NAME COMMAND...: redis-cli on that node
node() {
    local name=$1
    shift
    redis-cli -s "$E2E/$name/sock" "$@" 2> /dev/null
}

# start_node NAME SETTING...
start_node() {
    local name=$1
    shift
    mkdir -p "$E2E/$name" && give "$E2E/$name"
    NODE_PORT[$name]=${NODE_PORT[$name]:-$(free_port)}
    start "$E2E/$name/log" redis-server --port "${NODE_PORT[$name]}" --bind 127.0.0.1 \
        --unixsocket "$E2E/$name/sock" --unixsocketperm 700 --dir "$E2E/$name" --save "" --appendonly yes \
        --appendfsync always --maxmemory-policy noeviction --repl-diskless-sync-delay 0 "$@"
    NODE_PID[$name]=$STARTED
    await_node "$name" PONG PING
}

# await_node NAME TEXT COMMAND...: until what it answers holds the text
await_node() {
    local name=$1 text=$2 tenths
    shift 2
    for ((tenths = 0; tenths < NODES_WAIT_S * 20; tenths++)); do
        [[ $(node "$name" "$@") != *"$text"* ]] || return 0
        sleep 0.05
    done
    bail_out "$name does not come to say $text: $(tail -n 3 "$E2E/$name/log")"
}

stop_nodes() {
    local name
    for name in "${!NODE_PID[@]}"; do end_now "${NODE_PID[$name]}"; done
    NODE_PID=() NODE_PORT=()
    rm -rf "$E2E"/node-*
}

# --- sentinel -----------------------------------------------------------------------------------------

readonly SHOP=(node-1 node-2 node-3)

start_shop() {
    local name
    start_node node-1
    MASTER=node-1
    for name in node-2 node-3; do
        start_node "$name" --replicaof 127.0.0.1 "${NODE_PORT[node-1]}"
        await_node "$name" master_link_status:up INFO replication
    done
    mkdir -p "$E2E/node-sentinel"
    cat > "$E2E/node-sentinel/conf" << CONF
bind 127.0.0.1
port $(free_port)
unixsocket $E2E/node-sentinel/sock
dir $E2E/node-sentinel
sentinel monitor shop 127.0.0.1 ${NODE_PORT[node-1]} 1
sentinel down-after-milliseconds shop 1000
sentinel failover-timeout shop 3000
CONF
    give "$E2E/node-sentinel"
    start "$E2E/node-sentinel/log" redis-server "$E2E/node-sentinel/conf" --sentinel
    NODE_PID[node-sentinel]=$STARTED
    await_node node-sentinel slaves=2 INFO sentinel
    STORE_ADDRESS="sentinel://127.0.0.1:$(sed -n 's/^port //p' "$E2E/node-sentinel/conf")/shop"
    STORE_LINES=('server.min_replicas = 1')
    STORE_SOCKET=$E2E/$MASTER/sock
}

# The node that the sentinel names.
find_master() {
    local name port
    port=$(node node-sentinel SENTINEL get-master-addr-by-name shop | tail -n 1)
    for name in "${SHOP[@]}"; do
        [ "${NODE_PORT[$name]}" != "$port" ] || echo "$name"
    done
}

master_dies() {
    local tenths
    DEAD=$(find_master) # a sentinel on a busy machine may have changed it by itself
    end_now "${NODE_PID[$DEAD]}"
    for ((tenths = 0; tenths < NODES_WAIT_S * 20; tenths++)); do
        MASTER=$(find_master)
        [ "$MASTER" = "$DEAD" ] || [ -z "$MASTER" ] || break
        sleep 0.05
    done
    [ "$MASTER" != "$DEAD" ] || bail_out "no other master: $(tail -n 3 "$E2E/node-sentinel/log")"
    await_node "$MASTER" role:master INFO replication
    await_node "$MASTER" state=online INFO replication
}

# With two replicas again, so that the next death leaves one.
master_returns() {
    start_node "$DEAD" --replicaof 127.0.0.1 "${NODE_PORT[$MASTER]}"
    await_node "$DEAD" master_link_status:up INFO replication
    await_node "$MASTER" connected_slaves:2 INFO replication
    await_node node-sentinel slaves=2 INFO sentinel
}

# --- cluster ------------------------------------------------------------------------------------------

# Each has half of the slots: one that gave its last away would become a replica of the other.
start_cluster() {
    local name bus
    for name in node-1 node-2; do
        bus=$(free_port)
        start_node "$name" --cluster-enabled yes --cluster-node-timeout 5000 --cluster-port "$bus"
        node "$name" CLUSTER SET-CONFIG-EPOCH "${name#node-}" > /dev/null
    done
    node node-1 CLUSTER ADDSLOTSRANGE 0 8191 > /dev/null
    node node-2 CLUSTER ADDSLOTSRANGE 8192 16383 > /dev/null
    node node-1 CLUSTER MEET 127.0.0.1 "${NODE_PORT[node-2]}" "$bus" > /dev/null
    for name in node-1 node-2; do await_node "$name" cluster_slots_ok:16384 CLUSTER INFO; done
    for name in node-1 node-2; do await_node "$name" cluster_state:ok CLUSTER INFO; done
    SLOT=$(node node-1 CLUSTER KEYSLOT '{dazno}')
    MASTER=node-$((1 + SLOT / 8192))
    STORE_ADDRESS="redis://127.0.0.1:${NODE_PORT[node-1]}"
    STORE_LINES=()
    STORE_SOCKET=$E2E/$MASTER/sock
}

slot_moves() {
    local from=$MASTER to keys
    to=node-$((3 - ${from#node-}))
    node "$to" CLUSTER SETSLOT "$SLOT" IMPORTING "$(node "$from" CLUSTER MYID)" > /dev/null
    node "$from" CLUSTER SETSLOT "$SLOT" MIGRATING "$(node "$to" CLUSTER MYID)" > /dev/null
    while :; do
        mapfile -t keys < <(node "$from" CLUSTER GETKEYSINSLOT "$SLOT" 1000)
        [ -n "${keys[*]}" ] || break
        [ "$(node "$from" MIGRATE 127.0.0.1 "${NODE_PORT[$to]}" '' 0 10000 KEYS "${keys[@]}")" = OK ] ||
            bail_out "the keys cannot be moved to $to: $(tail -n 3 "$E2E/$from/log")"
    done
    node "$to" CLUSTER SETSLOT "$SLOT" NODE "$(node "$to" CLUSTER MYID)" > /dev/null
    node "$from" CLUSTER SETSLOT "$SLOT" NODE "$(node "$to" CLUSTER MYID)" > /dev/null
    MASTER=$to
    STORE_SOCKET=$E2E/$to/sock
}
