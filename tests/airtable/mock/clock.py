"""The server's own clock: it can run faster than the machine's and be set forward."""
import datetime
import time

DAY_S = 86400.0


class Clock:
    def __init__(self, scale=1.0):
        self.scale = scale
        self._began = time.monotonic()
        self._base = time.time()

    def now(self):
        """Seconds since 1970, by this clock."""
        return self._base + (time.monotonic() - self._began) * self.scale

    def advance(self, seconds):
        self._base += seconds

    def real(self, seconds):
        """How long so many of its seconds take on the machine's clock."""
        return seconds / self.scale


def iso(seconds):
    """RFC 3339 with milliseconds, as Airtable writes times; None stays None."""
    if seconds is None:
        return None
    t = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return t.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (t.microsecond // 1000)
