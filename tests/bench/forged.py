"""A flood of forgeries: what one costs, and what it leaves to those who are honest."""

from figures import shown, table, thousands
from load import figures, generator, measure, sign, warm_up
from receivers import Empty, Guichet

CONNECTIONS = 32
REQUESTS_PER_S = 60_000


def forged(bench):
    n = REQUESTS_PER_S * bench.seconds
    requests, others = sign(bench.lab, n, "honest"), sign(bench.lab, n, "other")
    guichet, empty = bench.receiver(Guichet), bench.receiver(Empty)
    with bench.running([guichet, empty]):
        for receiver in (guichet, empty):
            warm_up(receiver, requests, n, CONNECTIONS)
        calls = bench.redis.script_calls()
        for round_ in range(bench.rounds):
            for receiver in (guichet, empty)[::1 if round_ % 2 else -1]:
                expected = 401 if receiver is guichet else 200
                run = measure(receiver, requests, n, CONNECTIONS, bench.seconds, expected=expected)
                bench.book.add("forged", round_, run)
                bench.tick("forged", round_, run)
        calls = bench.redis.script_calls() - calls
        for round_ in range(bench.rounds):
            for flood in (False, True)[::1 if round_ % 2 else -1]:
                share(bench, guichet, requests, others, round_, flood)
    report(bench, calls)


def share(bench, guichet, requests, others, round_, flood):
    """Two generators at once: one honest; the other honest too, or a forger."""
    bench.redis.ask("FLUSHALL", "SYNC")
    honest = generator(bench.lab, guichet.url(), requests, CONNECTIONS, bench.seconds)
    other = generator(bench.lab, guichet.url(), others, CONNECTIONS, bench.seconds, forged=flood)
    run, beside = figures(honest), figures(other)
    run.update(receiver="beside-forger" if flood else "beside-honest", connections=CONNECTIONS, cpu_us=0.0,
               rate=run["answered"] / run["seconds"], void="")
    accepted = run["answered"] + (0 if flood else beside["answered"])
    entries = bench.redis.entries(guichet.stream)
    if run["not_ok"] or not accepted <= entries <= accepted + 2 * CONNECTIONS:
        run["void"] = f"{run['not_ok']} answers were not 200, {entries} entries for {accepted}"
    bench.book.add("share", round_, run)
    bench.tick("share", round_, run)


def report(bench, calls):
    book = bench.book
    cost = book.ratio("cpu_us", "guichet", "empty", section="forged")
    left = book.ratio("rate", "beside-forger", "beside-honest", section="share")
    rows = [[label, thousands(book.median("rate", section="forged", receiver=name)),
             f"{book.median('cpu_us', section='forged', receiver=name):.1f}"]
            for name, label in (("guichet", "Guichet, a forged signature"), ("empty", "empty responder"))]
    bench.say("### Forgeries\n")
    bench.say(table(["", "requests/s", "CPU µs each"], rows))
    bench.say(f"Scripts that Redis ran for them: {calls}. Honest traffic beside a flood of as many connections, to "
              f"the same beside honest ones: {shown(left)}.\n")
    bench.goals.at_most("CPU of a forgery to the empty responder's", cost, 1.15)
    bench.goals.at_most("scripts run for forgeries", float(calls), 0)
    bench.goals.at_least("share of the honest in a flood", left, 0.9)
