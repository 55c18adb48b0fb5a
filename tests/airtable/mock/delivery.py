"""Pings: signed with the hook's secret, tried again up to 13 times, and what goes wrong on their way."""
import hashlib
import heapq
import hmac
import http.client
import json
import threading
import time
import urllib.parse

from .clock import iso

RETRIES_MAX = 13
BACKOFF_S = 10       # before the first retry; doubles
TIMEOUT_S = 25
COALESCE_S = 0.05    # pings of one hook within this time become one


def sign(secret, body):
    return "hmac-sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


class Delivery:
    """One thread that sends, in order of time. `faults` decides what is lost or doubled."""

    def __init__(self, clock, faults, lock, headers):
        self.clock, self.faults, self.lock, self.headers = clock, faults, lock, headers
        self.queue, self.count = [], 0
        self.pending = {}  # hook id -> due entry of its first attempt
        self.wake = threading.Condition(lock)
        self.stats = {"sent": 0, "ok": 0, "failed": 0, "dropped": 0, "doubled": 0, "delayed": 0,
                      "gave_up": 0}
        threading.Thread(target=self._run, daemon=True).start()

    def ping(self, hook):
        """Called with the lock held, when payloads were made."""
        if not hook.notify or not hook.alive() or hook.id in self.pending:
            return
        if self.faults.happens("drop_ping"):
            self.stats["dropped"] += 1
            return
        delay = COALESCE_S
        if self.faults.happens("reorder_ping"):
            self.stats["delayed"] += 1
            delay = self.faults.delay()
        else:
            self.pending[hook.id] = True
        self._push(hook, 0, delay, None)
        if self.faults.happens("duplicate_ping"):
            self.stats["doubled"] += 1
            self._push(hook, 0, delay + 0.01, None)

    def _push(self, hook, attempt, delay, body):
        self.count += 1
        heapq.heappush(self.queue, (time.monotonic() + delay, self.count, hook, attempt, body))
        self.wake.notify()

    def _run(self):
        while True:
            with self.lock:
                while not self.queue or self.queue[0][0] > time.monotonic():
                    wait = self.queue[0][0] - time.monotonic() if self.queue else None
                    self.wake.wait(wait if wait is None or wait > 0 else 0.001)
                _, _, hook, attempt, body = heapq.heappop(self.queue)
                if attempt == 0:
                    self.pending.pop(hook.id, None)
                if body is None:
                    body = json.dumps({"base": {"id": hook.base.id}, "webhook": {"id": hook.id},
                                       "timestamp": iso(self.clock.now())},
                                      separators=(",", ":")).encode()
                url = hook.url if hook.notify else None
            if url is None:
                continue
            began = time.monotonic()
            error = self._send(hook, url, body)
            with self.lock:
                self._note(hook, attempt, body, error, time.monotonic() - began)

    def _send(self, hook, url, body):
        """None when it was taken, else the message of lastNotificationResult."""
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=max(1.0, self.clock.real(TIMEOUT_S)))
        try:
            connection.request("POST", parts.path or "/", body, {
                "Content-Type": "application/json", "User-Agent": "airtable-mock",
                "X-Airtable-Content-MAC": sign(hook.secret, body), **self.headers})
            answer = connection.getresponse()
            answer.read()
            if answer.status in (200, 204):
                return None
            return "The HTTP request returned a %d status code instead of 200 or 204" % answer.status
        except (OSError, http.client.HTTPException) as e:
            return "The HTTP request failed: %s" % (e or type(e).__name__)
        finally:
            connection.close()

    def _note(self, hook, attempt, body, error, seconds):
        self.stats["sent"] += 1
        self.stats["failed" if error else "ok"] += 1
        again = error is not None and attempt < RETRIES_MAX
        hook.last_result = {
            "success": error is None, "completionTimestamp": iso(self.clock.now()),
            "durationMs": round(seconds * 1000, 3), "retryNumber": attempt}
        if error is None:
            hook.last_success = self.clock.now()
            return
        hook.last_result.update(error={"message": error}, willBeRetried=again)
        if again:
            self._push(hook, attempt + 1, self.clock.real(BACKOFF_S * 2 ** attempt), body)
        else:
            hook.notify = False
            self.stats["gave_up"] += 1
