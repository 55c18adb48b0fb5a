"""Each way into the program, against the empty responder that is mounted by the same configuration; and how
long a CGI process takes from its start to its answer."""

import os
import statistics
import subprocess
import time

from figures import shown, spread, table, thousands
from lab import TOP
from load import check, measure, sign, warm_up
from receivers import (PATH, Empty, EmptyCgid, EmptyFcgid, EmptyProxy, Guichet, GuichetCgid, GuichetFcgid,
                       GuichetProxy)

PAIRS = ((Guichet, Empty), (GuichetProxy, EmptyProxy), (GuichetFcgid, EmptyFcgid), (GuichetCgid, EmptyCgid))
CONNECTIONS = 32
REQUESTS_PER_S = 60_000
STARTS = 200  # of a CGI process


def ways(bench):
    n = REQUESTS_PER_S * bench.seconds
    requests = sign(bench.lab, n, "ways")
    rows = []
    for pair in PAIRS:
        receivers = [bench.receiver(kind) for kind in pair if bench.wants(kind)]
        with bench.running(receivers):
            for receiver in receivers:
                bench.redis.ask("FLUSHALL", "SYNC")
                check(receiver, requests)
                warm_up(receiver, requests, n, CONNECTIONS)
            for round_ in range(bench.rounds):
                for receiver in receivers[::1 if round_ % 2 else -1]:
                    run = measure(receiver, requests, n, CONNECTIONS, bench.seconds)
                    bench.book.add("ways", round_, run)
                    bench.tick("ways", round_, run)
        rows += [row(bench, receiver, pair) for receiver in receivers]
    bench.say("### Each way against its own empty responder\n")
    bench.say(table(["receiver", "webhooks/s", "spread", "CPU µs each", "p99 ms", "rate to the empty one's",
                     "CPU to the empty one's"], rows))
    if any(kind.way == "cgid" and bench.wants(kind) for pair in PAIRS for kind in pair):
        starts(bench)


def row(bench, receiver, pair):
    key = {"section": "ways", "receiver": receiver.name}
    void = bench.book.void(**key)
    if void:
        return [receiver.label, "void: " + void] + [""] * 5
    empty = pair[1].name
    # Apache's daemon does not wait for its CGI processes, so their time is nobody's.
    cpu = "-" if receiver.way == "cgid" else f"{bench.book.median('cpu_us', **key):.1f}"
    ratios = ["", ""]
    if receiver.name != empty:
        ratios = [shown(bench.book.ratio(f, receiver.name, empty, section="ways"))
                  if f == "rate" or cpu != "-" else "-" for f in ("rate", "cpu_us")]
    return [receiver.label, thousands(bench.book.median("rate", **key)),
            f"± {spread([r['rate'] for r in bench.book.select(**key)]):.0f} %", cpu,
            f"{bench.book.median('p99_us', **key) / 1000:.1f}", *ratios]


def starts(bench):
    """A CGI process by itself, without a web server: from its start to the end of its answer."""
    requests = sign(bench.lab, STARTS, "starts")
    guichet, empty = bench.receiver(GuichetCgid), bench.receiver(EmptyCgid)
    with bench.running([guichet]):  # for its configuration
        programs = {"Guichet": (guichet.program(), guichet.folder), "empty": (empty.program(), empty.folder),
                    "/bin/true": ("/bin/true", "/")}
        took = {name: [] for name in programs}
        with open(requests, encoding="utf-8") as f:
            lines = f.read().splitlines()
        bench.redis.ask("FLUSHALL", "SYNC")
        for line in lines:
            for name, (program, folder) in programs.items():
                took[name].append(once(bench.lab, program, folder, *line.split(" ", 1)))
        entries = bench.redis.entries(guichet.stream)
    bench.say("### A CGI process, from its start to its answer\n")
    rows = [[name, f"{statistics.median(ms):.2f}", f"{sorted(ms)[len(ms) * 99 // 100]:.2f}"]
            for name, ms in took.items()]
    bench.say(table(["program", "median ms", "p99 ms"], rows))
    if entries != len(lines):
        bench.book.add("starts", 0, {"receiver": "guichet-cgid", "void": f"{entries} entries for {len(lines)}"})
    bench.goals.at_most("start of a CGI process to its answer, ms", statistics.median(took["Guichet"]), 3)


def once(lab, program, folder, mac, body):
    environment = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST", "REQUEST_URI": PATH,
                   "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
                   "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_X_API_KEY": lab.api_key,
                   "HTTP_X_T4G_SIGNATURE": "sha256=" + mac, "GUICHET_CONFIG": f"{folder}/guichet.conf"}
    user = {"user": lab.owner[0], "group": lab.owner[1], "extra_groups": []} if lab.owner else {}
    with open(os.path.join(lab.path, "body"), "w+", encoding="utf-8") as f:
        f.write(body)
        f.seek(0)
        process = subprocess.Popen([program], stdin=f, stdout=subprocess.PIPE, env=environment, cwd=TOP, **user)
        began = time.perf_counter()
        process.stdout.read(1)
        ms = (time.perf_counter() - began) * 1000
        process.communicate()
    return ms
