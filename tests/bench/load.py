"""One run of the load generator against one receiver, and what it cost."""

import hashlib
import hmac
import http.client
import os
import subprocess
import time

from lab import BUILD, TICK_US, TOP, Trouble, cpu_us
from receivers import PATH

PRESIGN = os.path.join(BUILD, "tests", "load", "presign")
POST = os.path.join(TOP, "tests", "bench", "post.lua")
SETTLE_S = 120


def sign(lab, n, prefix, size=0):
    """n signed events, one a line, in a file of the lab; each id once."""
    path = lab.at(f"requests-{prefix}")
    argv = [PRESIGN, str(n), prefix] + ([str(size)] if size else [])
    with open(path, "wb") as out:
        subprocess.run(argv, input=lab.secret.encode(), stdout=out, check=True)
    return path


def generator(lab, url, requests, connections, seconds, forged=False):
    """wrk, under way."""
    env = {**os.environ, "REQUESTS": requests, "T4G_API_KEY": lab.api_key, "FORGED": "1" if forged else "0"}
    return subprocess.Popen(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", POST, url],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)


def figures(wrk):
    out, _ = wrk.communicate()
    for line in out.splitlines():
        if line.startswith("figures "):
            pairs = (p.split("=") for p in line.split()[1:])
            return {k: float(v) if "." in v else int(v) for k, v in pairs}
    raise Trouble(f"wrk gave no figures:\n{out[-1000:]}")


def settle(roots):
    """Waits until the receiver rests; the seconds that took. Some answer first and work then: what they do
    is theirs to pay, and the next one's run does not begin before it is done."""
    began = time.monotonic()
    before = cpu_us(roots)
    while True:
        time.sleep(0.1)
        now = cpu_us(roots)
        seconds = time.monotonic() - began
        if now - before <= TICK_US:
            return seconds - 0.1
        if seconds > SETTLE_S:
            raise Trouble(f"a receiver is still at work {SETTLE_S} s after its last answer")
        before = now


def measure(receiver, requests, available, connections, seconds, flush=True, expected=200):
    """Figures of one run: rate of the answers, the same until all work was done (rate_done), times, CPU of
    every process of the receiver, and whether it counts.

    What makes it void: an answer that is not the expected one, a request that was given up, or a stream
    that holds another number of entries than there were answers. (What was under way when the generator
    stopped is committed and not counted: at most one for each connection. So is what was sent at the
    moment in which the server closed a connection that it had kept: Apache does that when it ends one of
    its processes. More of them than connections make a run void.)"""
    if flush:
        receiver.forget()
    entries = receiver.entries() if receiver.stream else 0
    roots = receiver.roots()
    redis_pid = [receiver.redis.process.pid]
    before, redis_before = cpu_us(roots), cpu_us(redis_pid)
    run = figures(generator(receiver.lab, receiver.url(), requests, connections, seconds, expected != 200))
    late_s = settle(roots)
    if receiver.stream:
        entries = receiver.entries() - entries
    answered = run["answered"]
    run.update(
        receiver=receiver.name, connections=connections, rate=answered / run["seconds"],
        rate_done=answered / (run["seconds"] + late_s),
        cpu_us=(cpu_us(roots) - before) / answered if answered else 0.0,
        redis_us=(cpu_us(redis_pid) - redis_before) / answered if answered and receiver.redis_is_store and receiver.stores else 0.0,
        entries=entries)
    run["void"] = judge(run, receiver, available, connections, expected)
    return run


def judge(run, receiver, available, connections, expected):
    answered = run["answered"]
    if answered == 0 or run["broken"] > connections or run["timeout"]:
        return f"{run['broken']} broken connections, {run['timeout']} timeouts"
    if run["cpu_us"] == 0:
        return "somebody else answered"
    if answered + connections > available:
        return "the requests were used up"
    if run["not_ok"] != (0 if expected == 200 else answered):
        return f"{run['not_ok']} answers were not {expected}"
    if expected == 200 and receiver.stream and not (
            answered <= run["entries"] <= answered + connections + run["broken"]):
        return f"{run['entries']} entries for {answered} answers"
    return ""


def warm_up(receiver, requests, available, connections):
    """Until compilers at run time have seen enough, for at most ten seconds."""
    wanted = int(os.environ.get("WARM_UP", "20000"))
    for _ in range(10):
        wanted -= measure(receiver, requests, available, connections, 1)["answered"]
        if wanted <= 0:
            return


def post(receiver, body, mac, key=None):
    """One request; its status."""
    c = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    headers = {"Content-Type": "application/json", "x-t4g-signature": "sha256=" + mac}
    if key:
        headers["x-api-key"] = key
    c.request("POST", PATH, body, headers)
    answer = c.getresponse()
    answer.read()
    c.close()
    return answer.status


def check(receiver, requests):
    """That it is what it says, before it is measured: accepts, refuses, and counts an id once."""
    lab = receiver.lab
    with open(requests, encoding="utf-8") as f:
        mac, _, body = f.readline().rstrip("\n").partition(" ")
    stored = receiver.entries if receiver.stream else (lambda: 1)

    def demand(what, got, wanted):
        if got != wanted:
            raise Trouble(f"{receiver.name}: {what}: {got} instead of {wanted}; see {receiver.folder}")

    demand("a valid event", post(receiver, body, mac, lab.api_key), 200)
    if receiver.name.startswith("empty"):
        return
    demand("the entries after it", stored(), 1)
    if receiver.stores:
        demand("a duplicate", post(receiver, body, mac, lab.api_key), 200)
        demand("the entries after it", stored(), 1)
    wrong = ("1" if mac[0] == "0" else "0") + mac[1:]
    # webhook answers 500 to a signature that does not match.
    for what, got in (("a forged signature", post(receiver, body, wrong, lab.api_key)),
                      ("no API key", post(receiver, body, mac))):
        demand(what, 401 if receiver.name == "webhook" and got == 500 else got, 401)
    if receiver.strict:
        bad = body.replace('"source"', '"sauce"')
        demand("an event without source",
               post(receiver, bad, hmac.new(lab.secret.encode(), bad.encode(), hashlib.sha256).hexdigest(),
                    lab.api_key), 400)
        demand("the entries after it", stored(), 1)
