"""Five requests a second for a base, and what goes wrong with answers."""
import collections
import random
import time

RATE = 5
PENALTY_S = 30


class Limits:
    """The window is real time, for a client cannot send by a clock it does not know; the penalty runs by
    the server's clock."""

    def __init__(self, clock, rate=RATE):
        self.clock, self.rate = clock, rate
        self.stamps = collections.deque()
        self.until = 0.0
        self.requests, self.most, self.refused = 0, 0, 0

    def admit(self):
        """Whether a request that comes now is answered; else it is a 429."""
        now = time.monotonic()
        self.requests += 1
        while self.stamps and self.stamps[0] <= now - 1.0:
            self.stamps.popleft()
        self.stamps.append(now)
        self.most = max(self.most, len(self.stamps))
        if self.clock.now() < self.until:
            self.refused += 1
            return False
        if len(self.stamps) > self.rate:
            self.until = self.clock.now() + PENALTY_S
            self.refused += 1
            return False
        return True


class Faults:
    """Probabilities (0 to 1) by name, or counts: so many times from now."""

    NAMES = ("drop_ping", "duplicate_ping", "reorder_ping", "status_500", "status_503", "status_429", "slow",
             "truncate", "garbage", "close")

    def __init__(self, seed=1):
        self.rng = random.Random(seed)
        self.chance = dict.fromkeys(self.NAMES, 0.0)
        self.count = dict.fromkeys(self.NAMES, 0)
        self.slow_s, self.delay_s = 2.0, 1.0

    def set(self, values):
        """Returns an error text or None."""
        for name, value in values.items():
            if name in ("slow_s", "delay_s"):
                setattr(self, name, float(value))
            elif name in self.NAMES and isinstance(value, dict):
                self.count[name] = int(value.get("count", 0))
            elif name in self.NAMES:
                self.chance[name] = float(value)
            else:
                return "no such fault: %s; known are %s" % (name, ", ".join(self.NAMES))
        return None

    def happens(self, name):
        if self.count[name] > 0:
            self.count[name] -= 1
            return True
        return self.chance[name] > 0 and self.rng.random() < self.chance[name]

    def delay(self):
        return self.rng.random() * self.delay_s
