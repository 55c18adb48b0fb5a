"""All that the server knows, behind one lock, and the HTTP side of it."""
import collections
import http.server
import json
import random
import socket
import threading
import time
import urllib.parse

from .admin import Admin
from .api import BODY_MAX, Api, Problem
from .base import Base
from .clock import Clock
from .delivery import Delivery
from .limits import Faults, Limits

SCOPES = ["data.records:read", "schema.bases:read", "webhook:manage"]


class World:
    def __init__(self, bases, tokens, scale=1.0, rate=5, seed=1, split=50, headers=None):
        self.lock = threading.RLock()
        self.clock = Clock(scale)
        self.rng = random.Random("hooks %d" % seed)
        self.split = split
        self.tokens = tokens  # text -> {"scopes": [...], "bases": [...] or None}
        self.bases = {b: Base(b, self.clock, seed) for b in bases}
        self.limits = {b: Limits(self.clock, rate) for b in bases}
        self.faults = Faults(seed)
        self.hooks = {}
        self.answers = collections.Counter()
        self.delivery = Delivery(self.clock, self.faults, self.lock, headers or {})
        self.api, self.admin = Api(self), Admin(self)

    def change(self, base, changes, wish):
        """Applies a transaction, makes its payloads, pings. Returns its number and how many payloads."""
        source = {"source": wish.get("source", "client"), "sourceMetadata": wish.get("sourceMetadata") or {
            "user": {"id": "usr00000000000000", "email": "someone@example.com", "permissionLevel": "create"}}}
        if source["source"] in ("system", "sync", "anonymousUser"):
            del source["sourceMetadata"]
        number, log = base.apply(changes)
        made = 0
        for hook in self.hooks.values():
            if hook.base is not base:
                continue
            count = hook.record(number, log, source, int(wish.get("split", self.split)))
            made += count
            if count:
                self.delivery.ping(hook)
        return number, made


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = None

    def log_message(self, *args):
        pass

    def _handle(self):
        world = self.world
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= 64 * BODY_MAX:
            self.close_connection = True
            return self._send(413, {"error": "REQUEST_TOO_LARGE"})
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote(path)
        query = dict(urllib.parse.parse_qsl(query))
        if path.startswith("/admin/"):
            with world.lock:
                answer = world.admin.answer(self.command, path, query, body)
            return self._send(*answer)
        with world.lock:
            fault = next((f for f in ("close", "status_500", "status_503", "status_429", "slow", "truncate", "garbage")
                          if world.faults.happens(f)), None)
        if fault == "slow":
            time.sleep(world.faults.slow_s)
        with world.lock:
            status, value = self._ask(path, query, body, fault)
            world.answers[str(status)] += 1
        return self._send(status, value, fault)

    def _ask(self, path, query, body, fault):
        if fault in ("status_500", "status_503"):
            for base in self.world.bases:  # it was a request all the same
                if "/%s" % base in path:
                    self.world.limits[base].admit()
            kind = "SERVER_ERROR" if fault == "status_500" else "SERVICE_UNAVAILABLE"
            return int(fault[-3:]), {"error": {"type": kind, "message": "Please try again later"}}
        try:
            if fault == "status_429":
                for base in self.world.bases:
                    if "/%s" % base in path:
                        self.world.limits[base].until = self.world.clock.now() + 30
            return self.world.api.answer(self.command, path, query, self.headers, body)
        except Problem as p:
            return p.status, p.body

    def _send(self, status, value, fault=None):
        if fault == "close":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        data = b"" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        if fault == "garbage":
            data = b"<html>" + data[:100]
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault == "truncate":
            data = data[:len(data) // 2]
            self.close_connection = True
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _handle


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a client that went away
