"""Senders that drip their body, or never read their answer: what the others see of it."""

import socket
import threading

from figures import shown, table
from load import measure, sign, warm_up
from receivers import PATH, Guichet, GuichetFcgid, GuichetProxy

SENDERS = 16  # of each kind; five times the workers. (With 24 mod_fcgid shows its own pauses of a second.)
CONNECTIONS = 8
DRIP_S = 0.1
PIPELINED = 200
REQUESTS_PER_S = 60_000


class Nuisance:
    """Keeps SENDERS of a kind at work until it is closed."""

    def __init__(self, kind, port, api_key):
        self.end = threading.Event()
        self.port, self.api_key = port, api_key
        work = {"drips": self.drip, "never reads": self.never_read}.get(kind)
        self.threads = [threading.Thread(target=work, daemon=True) for _ in range(SENDERS if work else 0)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        self.end.wait(0.5 if self.threads else 0)

    def __exit__(self, *_):
        self.end.set()
        for t in self.threads:
            t.join()

    def head(self, length):
        return (f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"x-api-key: {self.api_key}\r\nx-t4g-signature: sha256={'0' * 64}\r\n"
                f"Content-Length: {length}\r\n\r\n").encode()

    def drip(self):
        while not self.end.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                    s.sendall(self.head(50))
                    for _ in range(49):
                        if self.end.wait(DRIP_S):
                            return
                        s.sendall(b"x")
            except OSError:
                self.end.wait(DRIP_S)

    def never_read(self):
        while not self.end.is_set():
            try:
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                    s.settimeout(1)
                    s.connect(("127.0.0.1", self.port))
                    for _ in range(PIPELINED):
                        s.sendall(self.head(2) + b"{}")
                    self.end.wait(5)
            except OSError:
                self.end.wait(DRIP_S)


def slow(bench):
    n = REQUESTS_PER_S * bench.seconds
    requests = sign(bench.lab, n, "slow")
    kinds = ("none", "drips", "never reads")
    rows = []
    for kind_of in (Guichet, GuichetProxy, GuichetFcgid):
        if not bench.wants(kind_of):
            continue
        receiver = bench.receiver(kind_of)
        with bench.running([receiver]):
            warm_up(receiver, requests, n, CONNECTIONS)
            for round_ in range(bench.rounds):
                for i in range(len(kinds)):
                    kind = kinds[(i + round_) % len(kinds)]
                    with Nuisance(kind, receiver.port, bench.lab.api_key):
                        run = measure(receiver, requests, n, CONNECTIONS, bench.seconds)
                    run["receiver"] = kind
                    bench.book.add("slow-" + receiver.name, round_, run)
                    bench.tick("slow-" + receiver.name, round_, run)
        section = "slow-" + receiver.name
        for kind in kinds:
            ratio = bench.book.ratio("p99_us", kind, "none", section=section)
            rows.append([receiver.label, kind, f"{bench.book.median('rate', section=section, receiver=kind):.0f}",
                         f"{bench.book.median('p99_us', section=section, receiver=kind) / 1000:.1f}",
                         shown(ratio) if kind != "none" else ""])
            if kind != "none":
                bench.goals.at_most(f"p99 of others while a sender {kind}, {receiver.name}", ratio, 1.5)
    bench.say(f"### {SENDERS} senders that drip, or never read\n")
    bench.say(table(["receiver", "senders", "webhooks/s of others", "their p99 ms", "to without"], rows))
