import os, redis

r = redis.Redis(unix_socket_path=os.environ["REDIS_SOCKET"], db=int(os.environ.get("REDIS_DB", 0)))
stream, group, me = "guichet:{dazno}:events", "backend", "python-%d" % os.getpid()
if group not in [g["name"].decode() for g in (r.xinfo_groups(stream) if r.exists(stream) else [])]:
    r.xgroup_create(stream, group, id="0", mkstream=True)
while True:
    for _, entries in r.xreadgroup(group, me, {stream: ">"}, count=10, block=1000):
        for entry, event in entries:
            print(event[b"id"].decode(), event[b"type"].decode(), event[b"body"].decode(), flush=True)
            r.xack(stream, group, entry)
