"""What must not grow: the cost of a webhook with the ids that are stored, with the window, faster than its
bytes; and the memory of the program with the webhooks it has seen."""

import http.client
import time

from figures import shown, table, thousands
from lab import Redis, family, rss_kib
from load import measure, sign
from receivers import PATH, Guichet

CONNECTIONS = 32
REQUESTS_PER_S = 60_000
FEW_IDS, MANY_IDS = 1_000, 10_000_000
WINDOWS = (100, 100_000)
PACE_PER_S = 80  # below the smaller window
PACED_S = 5
SIZES = (300, 2_048, 8_192, 16_384, 65_536)
LARGE_PER_S = 12_000
RSS_WEBHOOKS = 1_000_000

# As commit.lua writes them; 10 000 at a time, for a script blocks the server.
FILL = """for i = ARGV[1] + 0, ARGV[1] + ARGV[2] - 1 do
  redis.call('SET', 'guichet:{dazno}:id:old-' .. i, ARGV[3] .. ' 1760524205000000 1760524205000-0', 'EX', 2592000)
end"""

# A table that has just grown moves to its new place with each look into it; that is done before anything
# is measured.
SETTLE = "for i = 1, ARGV[1] do redis.call('EXISTS', 'guichet:{dazno}:id:old-0') end"


class FewIds(Guichet):
    name, label, settings = "few-ids", f"{FEW_IDS:,} ids".replace(",", " "), ()
    provider_settings = ("backlog_limit = 0",)


class ManyIds(FewIds):
    name, label = "many-ids", f"{MANY_IDS:,} ids".replace(",", " ")


class SmallWindow(Guichet):
    name, label, rate = "small-window", f"N = {WINDOWS[0]}", f"{WINDOWS[0]}/1s"


class LargeWindow(Guichet):
    name, label, rate = "large-window", f"N = {WINDOWS[1]}", f"{WINDOWS[1]}/1s"


def fill(redis, n):
    """Returns bytes an id."""
    before = int(redis.info("memory", "used_memory"))
    step = 10_000
    lines = "".join(f"EVAL \"{FILL}\" 0 {i} {min(step, n - i)} {'x' * 69}\n".replace("\n  ", " ").replace("\nend", " end")
                    for i in range(0, n, step))
    settle = f'EVAL "{SETTLE}" 0 {step}\n' * (2 * n // step)
    redis.ask(stdin=lines + settle)
    held = int(redis.ask("DBSIZE"))
    return (int(redis.info("memory", "used_memory")) - before) / n if held >= n else None


def ids(bench):
    few = bench.receiver(FewIds, Redis(bench.lab, "redis-few"))
    many = bench.receiver(ManyIds, Redis(bench.lab, "redis-many"))
    fill(few.redis, FEW_IDS)
    each = fill(many.redis, MANY_IDS)
    if each is None:
        bench.say(f"{MANY_IDS} ids did not fit; the comparison is left out.\n")
        return
    n = REQUESTS_PER_S * bench.seconds
    with bench.running([few, many]):
        for round_ in range(-1, bench.rounds):
            requests = sign(bench.lab, n, f"ids{round_ + 1}")
            for receiver in (few, many)[::1 if round_ % 2 else -1]:
                run = measure(receiver, requests, n, CONNECTIONS, bench.seconds, flush=False)
                if round_ >= 0:
                    bench.book.add("ids", round_, run)
                    bench.tick("ids", round_, run)
    for receiver in (few, many):
        bench.lab.stop(receiver.redis.process)
    ratio = bench.book.ratio("cpu_us", "many-ids", "few-ids", section="ids")
    rows = [[r.label, thousands(bench.book.median("rate", section="ids", receiver=r.name)),
             f"{bench.book.median('cpu_us', section='ids', receiver=r.name):.1f}",
             f"{bench.book.median('redis_us', section='ids', receiver=r.name):.1f}"] for r in (few, many)]
    bench.say(table(["stored", "webhooks/s", "CPU µs each", "of it Redis"], rows))
    bench.say(f"{each:.0f} bytes an id in Redis.\n")
    bench.goals.at_most("CPU at 10⁷ stored ids to that at 10³", ratio, 1.1)


def paced(receiver, requests):
    """Posts at PACE_PER_S; Redis's own µs for each run of the script."""
    receiver.redis.ask("CONFIG", "RESETSTAT")
    c = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    with open(requests, encoding="utf-8") as f:
        lines = f.read().splitlines()
    began, wrong = time.monotonic(), 0
    for i, line in enumerate(lines):
        time.sleep(max(0.0, began + i / PACE_PER_S - time.monotonic()))
        mac, _, body = line.partition(" ")
        c.request("POST", PATH, body, {"Content-Type": "application/json", "x-api-key": receiver.lab.api_key,
                                       "x-t4g-signature": "sha256=" + mac})
        answer = c.getresponse()
        answer.read()
        wrong += answer.status != 200
    c.close()
    for line in receiver.redis.ask("INFO", "commandstats").splitlines():
        if line.startswith("cmdstat_evalsha:"):
            return float(line.split("usec_per_call=")[1].split(",")[0]), wrong
    return 0.0, len(lines)


def windows(bench):
    small, large = bench.receiver(SmallWindow), bench.receiver(LargeWindow)
    n = PACE_PER_S * PACED_S
    with bench.running([small, large]):
        for round_ in range(bench.rounds):
            requests = sign(bench.lab, n, f"window{round_}")
            for receiver, ring in ((small, WINDOWS[0]), (large, WINDOWS[1])):
                bench.redis.ask("FLUSHALL", "SYNC")
                # A full ring, all of it older than the window.
                bench.redis.ask("EVAL", "for i = 1, ARGV[1] do redis.call('RPUSH', KEYS[1], 1760524205000000 + i) end",
                                "1", "guichet:{dazno}:rate", str(ring))
                us, wrong = paced(receiver, requests)
                bench.book.add("window", round_, {"receiver": receiver.name, "script_us": us,
                                                  "void": f"{wrong} answers were not 200" if wrong else ""})
    rows = [[r.label, f"{bench.book.median('script_us', section='window', receiver=r.name):.1f}"] for r in (small, large)]
    bench.say(table([f"window, full; {PACE_PER_S} webhooks/s", "µs of the script, by Redis"], rows))
    bench.goals.at_most("script at N = 100 000 to that at N = 100",
                        bench.book.ratio("script_us", "large-window", "small-window", section="window"), 1.1)


def sizes(bench):
    receiver = bench.receiver(Guichet)
    with bench.running([receiver]):
        made = {}
        for size in SIZES:
            n = (REQUESTS_PER_S if size < 4096 else LARGE_PER_S) * (1 if size > 20_000 else bench.seconds)
            made[size] = sign(bench.lab, n, f"size{size}", size), n
        for round_ in range(-1, bench.rounds):
            for size in SIZES:
                run = measure(receiver, *made[size], CONNECTIONS, 1 if size > 20_000 else bench.seconds)
                if round_ >= 0:
                    run["receiver"] = str(size)
                    bench.book.add("size", round_, run)
                    bench.tick("size", round_, run)
    cost = {s: bench.book.median("cpu_us", section="size", receiver=str(s)) for s in SIZES}
    rows = [[thousands(s), thousands(bench.book.median("rate", section="size", receiver=str(s))), f"{cost[s]:.1f}",
             f"{(cost[s] - cost[SIZES[0]]) / (s - SIZES[0]) * 1024:.2f}" if s != SIZES[0] else ""] for s in SIZES]
    bench.say(table(["bytes of the body", "webhooks/s", "CPU µs each", "µs for each further KiB"], rows))
    (a, b), (c, d) = (SIZES[1], SIZES[3]), (SIZES[3], SIZES[4])
    bench.goals.at_most("µs a KiB from 16 to 64 KiB to those from 2 to 16",
                        ((cost[d] - cost[c]) / (d - c)) / ((cost[b] - cost[a]) / (b - a)), 1.3)


def memory(bench):
    """RSS after the first tenth and after all."""
    receiver = bench.receiver(FewIds, Redis(bench.lab, "redis-memory"))
    receiver.redis = Redis(bench.lab, "redis-memory-2") if receiver.redis.process.poll() is not None else receiver.redis
    wanted = RSS_WEBHOOKS if bench.rounds >= 5 else RSS_WEBHOOKS // 20
    n, seen, held = REQUESTS_PER_S * 4, 0, []
    with bench.running([receiver]):
        pid = max(family(receiver.roots()[:1]))
        while seen < wanted and len(held) < 2000:
            run = measure(receiver, sign(bench.lab, n, f"memory{len(held)}"), n, CONNECTIONS, 4, flush=False)
            bench.book.add("memory", len(held), run)
            seen += run["answered"]
            held.append((seen, rss_kib(pid)))
    first = next(kib for s, kib in held if s >= wanted / 10)
    bench.say(f"RSS of the program: {first} KiB after {thousands(wanted / 10)} webhooks, {held[-1][1]} KiB after "
              f"{thousands(held[-1][0])}.\n")
    bench.goals.at_most("RSS at the end to that after a tenth", held[-1][1] / first, 1.05)


def flat(bench):
    bench.say("### What does not grow\n")
    ids(bench)
    windows(bench)
    sizes(bench)
    memory(bench)
