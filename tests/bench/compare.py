"""The main table: every receiver in turn, round after round, so that all see the same noise."""

from figures import shown, spread, table, thousands
from load import check, measure, sign, warm_up
from receivers import Empty, Guichet, GuichetFile, Node, NodeLighttpd, Php, Webhook

# The fastest receiver there is times this: no run may use its requests up.
REQUESTS_PER_S = 60_000

SECTIONS = {
    "main": {"title": "Redis without an append-only file", "durable": False, "connections": (32, 64, 128),
             "receivers": (Guichet, Node, NodeLighttpd, Php, Webhook, Empty)},
    "always": {"title": "On the disk before it is answered: Redis with `appendfsync always`, or a file", "durable": True,
               "connections": (32, 64, 128), "receivers": (Guichet, GuichetFile, Node, NodeLighttpd, Php)},
}


def rounds_of(bench, section, receivers, connections, requests, n):
    """Runs each receiver once for each number of connections in each round; another one begins each time."""
    for round_ in range(bench.rounds):
        for c in connections:
            for i in range(len(receivers)):
                receiver = receivers[(i + round_) % len(receivers)]
                run = measure(receiver, requests, n, c, bench.seconds)
                bench.book.add(section, round_, run)
                bench.tick(section, round_, run)


def compare(bench, section):
    what = dict(SECTIONS[section])
    if bench.connections:
        what["connections"] = bench.connections
    receivers = [bench.receiver(kind) for kind in what["receivers"] if bench.wants(kind)]
    if not receivers:
        return
    bench.redis.durable(what["durable"])
    n = REQUESTS_PER_S * bench.seconds
    requests = sign(bench.lab, n, section)
    with bench.running(receivers):
        for receiver in receivers:
            receiver.forget()
            check(receiver, requests)
            warm_up(receiver, requests, n, 32)
        rounds_of(bench, section, receivers, what["connections"], requests, n)
    bench.redis.durable(False)
    report(bench, section, what, receivers)


def report(bench, section, what, receivers):
    book, rows = bench.book, []
    for receiver in receivers:
        for c in what["connections"]:
            key = {"section": section, "receiver": receiver.name, "connections": c}
            if book.void(**key):
                rows.append([receiver.label, c, "void: " + book.void(**key), "", "", "", "", ""])
                continue
            here = {"section": section, "connections": c}
            rates = [r["rate"] for r in book.select(**key)]
            rows.append([
                receiver.label, c, thousands(book.median("rate", **key)), f"± {spread(rates):.0f} %",
                f"{book.median('cpu_us', **key):.1f}", f"{book.median('redis_us', **key):.1f}",
                f"{book.median('p99_us', **key) / 1000:.1f}",
                shown(book.ratio("rate", "guichet", receiver.name, **here)) if receiver.name != "guichet" else ""])
    bench.say(f"### {what['title']}\n")
    bench.say(table(["receiver", "c", "webhooks/s", "spread", "CPU µs each", "of it Redis", "p99 ms",
                     "Guichet's rate to this one's"], rows))
    for receiver in receivers:
        c = what["connections"][0]
        key = {"section": section, "receiver": receiver.name, "connections": c}
        rate, done = book.median("rate", **key), book.median("rate_done", **key)
        if done < 0.7 * rate:
            bench.say(f"Of the {thousands(rate)} a second of {receiver.label} at c{c} only {thousands(done)} were done: "
                      "it answers first, and its work goes on when the requests have ended (all of it is in its CPU).\n")
    goals(bench, section)


def summary(bench):
    """The table of the README: one line a receiver, at the smallest number of connections."""
    rows = []
    for kind in dict.fromkeys(SECTIONS["main"]["receivers"] + SECTIONS["always"]["receivers"]):
        row = [kind.label]
        for section in ("main", "always"):
            c = (bench.connections or SECTIONS[section]["connections"])[0]
            key = {"section": section, "receiver": kind.name, "connections": c}
            if not bench.book.select(**key) or bench.book.void(**key):
                row += ["-"] * (4 if section == "main" else 2)
                continue
            row.append(thousands(bench.book.median("rate", **key)))
            if section == "main":
                row += [f"{bench.book.median('cpu_us', **key):.0f}", f"{bench.book.median('p99_us', **key) / 1000:.1f}"]
            row.append("" if kind is Guichet else
                       shown(bench.book.ratio("rate", "guichet", kind.name, section=section, connections=c)))
        if len(row) > 1 and any(cell != "-" for cell in row[1:]):
            rows.append(row)
    if rows:
        bench.say("### In short\n")
        bench.say(table(["receiver", "webhooks/s", "CPU µs each", "p99 ms", "Guichet's rate to it",
                         "with `appendfsync always`", "Guichet's rate to it"], rows))


def goals(bench, section):
    def ratio(field, other, c):
        return bench.book.ratio(field, "guichet", other, section=section, connections=c)

    g = bench.goals
    where = "no AOF" if section == "main" else "always"
    bounds = {"main": (("node", 32, 1.2), ("node", 128, 1.2), ("node-lighttpd", 32, 4), ("php", 32, 2.5),
                       ("webhook", 32, 2), ("empty", 32, 0.75)),
              "always": (("node", 32, 1.6), ("node", 64, 1.3), ("php", 32, 3.5))}[section]
    for other, c, bound in bounds:
        g.at_least(f"rate to {other}'s, {where}, c{c}", ratio("rate", other, c), bound)
    if section == "main":
        for c in (32, 64, 128):
            g.at_most(f"CPU to node's, {where}, c{c}", ratio("cpu_us", "node", c), 0.6)
            g.at_most(f"p99 to node's, {where}, c{c}", ratio("p99_us", "node", c), 0.4)
