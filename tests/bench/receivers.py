"""What is compared: each receiver deployed the way its users would, with the same secret, the same limits
and the same Redis. A receiver has a name for ONLY=, a label for the tables, where it listens, and the
stream on which what it accepted must be."""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
import time

import servers
from lab import BUILD, TOP, Trouble, answers_on, free_port

PEERS = os.path.join(TOP, "tests", "bench", "peers")
PATH = "/api/webhooks/dazno"
# The window is enforced by everyone and reached by no one.
RATE_COUNT = 1_000_000
RATE_WINDOW_S = 1


class Receiver:
    name = label = ""
    stream = None  # of what it accepted
    stores = False  # each id once
    redis_is_store = True  # of those that store
    strict = False  # refuses an authentic event that is not valid

    def __init__(self, lab, redis):
        self.lab = lab
        self.redis = redis
        self.port = free_port()
        self.folder = lab.folder(self.name)
        for part in ("run", "www"):
            lab.folder(self.name, part)
        self.processes = []

    def start(self):
        raise NotImplementedError

    def run(self, *argv, env=None, ready=None, part=""):
        log = os.path.join(self.folder, f"log{part}")
        process = self.lab.start(log, argv, env)
        self.processes.append(process)
        self.lab.await_(process, ready or (lambda: answers_on(self.port)), self.name)
        return process

    def stop(self):
        """The web server first: it holds requests for what is behind it."""
        while self.processes:
            self.lab.stop(self.processes.pop())

    def roots(self):
        pids = [p.pid for p in self.processes]
        return pids + [self.redis.process.pid] if self.stores and self.redis_is_store else pids

    def entries(self):
        """What it stored, once nothing is on its way any more."""
        return self.redis.entries(self.stream)

    def forget(self):
        """All that was stored."""
        if self.stores:
            self.redis.ask("FLUSHALL", "SYNC")

    def url(self):
        return f"http://127.0.0.1:{self.port}{PATH}"


# --- the four ways into a FastCGI or CGI program -------------------------------------------------------

class Mounted(Receiver):
    """A program behind a web server, by the configuration that Guichet ships for that way."""
    way = "lighttpd"

    def program(self):
        raise NotImplementedError

    def on_socket(self, path):
        raise NotImplementedError

    def start(self):
        shipped = {"lighttpd": "lighttpd/guichet.conf", "proxy": "apache/guichet-proxy.conf",
                   "fcgid": "apache/guichet-fcgid.conf", "cgid": "apache/guichet-cgid.conf"}[self.way]
        conf = self.lab.copy(os.path.join(TOP, shipped), self.name, "shipped.conf")
        sock = f"{self.folder}/run/guichet.sock"
        if self.way == "lighttpd":
            lines = [f'var.guichet_program = "{self.program()}"', f'var.guichet_config = "{self.folder}/guichet.conf"',
                     f'var.guichet_socket = "{sock}"', f'include "{conf}"']
            self.run("lighttpd", "-D", "-f",
                     servers.lighttpd(self.lab, self.folder, self.port, ["mod_fastcgi"], lines))
            return
        lines = [f'Define GUICHET_SOCKET "{sock}"', f'Define GUICHET_PROGRAM "{self.program()}"',
                 f'Define GUICHET_CONFIG "{self.folder}/guichet.conf"']
        modules = {"proxy": ["buffer", "proxy", "proxy_fcgi"], "fcgid": ["fcgid"], "cgid": ["cgid"]}[self.way]
        lines += {"proxy": [], "fcgid": [f'FcgidIPCDir "{self.folder}/run/fcgid"',
                                         f'FcgidProcessTableFile "{self.folder}/run/fcgid_shm"'],
                  "cgid": [f'ScriptSock "{self.folder}/run/cgid.sock"']}[self.way]
        if self.way == "proxy":
            self.run(*self.on_socket(sock), ready=lambda: os.path.exists(sock), part="-responder")
        self.run("apache2", "-DFOREGROUND", "-f", servers.apache(
            self.lab, self.folder, self.port, modules, [*lines, f'Include "{conf}"']))


class Guichet(Mounted):
    name, label = "guichet", "Guichet under lighttpd"
    stream, stores, strict = "guichet:{dazno}:events", True, True
    settings = provider_settings = ()  # further lines of [server] and [provider dazno]
    rate = f"{RATE_COUNT}/{RATE_WINDOW_S}s"

    def program(self):
        return self.lab.copy(os.environ.get("GUICHET_FCGI", os.path.join(BUILD, "guichet.fcgi")),
                             "bin", "guichet.fcgi")

    def on_socket(self, path):
        return [self.program(), "--config", f"{self.folder}/guichet.conf", "--socket", path]

    def store(self):
        return f"unix://{self.redis.socket}"

    def start(self):
        key = self.lab.write(f"{self.folder}/api_key", self.lab.api_key)
        secret = self.lab.write(f"{self.folder}/secret", self.lab.secret)
        own = ["workers = 1"] if self.way in ("fcgid", "cgid") else []
        self.lab.write(f"{self.folder}/guichet.conf", "\n".join([
            "[server]", f"store = {self.store()}", f"state_dir = {self.folder}/state",
            f"log = {self.folder}/guichet.log", f"audit_log = {self.folder}/audit.log",
            "require_https = no", *own, *self.settings,
            "[provider dazno]", f"api_key = file:{key}", f"secret = file:{secret}", f"rate_limit = {self.rate}",
            *self.provider_settings, ""]))
        super().start()


class GuichetFile(Guichet):
    """Without Redis: a file on the disk, flushed before each answer."""
    name, label, redis_is_store = "guichet-file", "Guichet under lighttpd, the store a file (SQLite)", False
    tables = "ids rate fields histories events audit quarantine".split()

    def store(self):
        return f"sqlite://{self.lab.folder(self.name, 'store')}/store.db"

    def look(self, *statements):
        with contextlib.closing(sqlite3.connect(f"{self.folder}/store/store.db", timeout=10)) as db:
            found = [db.execute(sql).fetchone() for sql in statements]
            db.commit()
        return found[-1]

    def entries(self):
        before = -1
        while True:
            found = self.look("SELECT sum(entries) FROM lists WHERE provider = 'dazno' AND name = 'events'")
            if found[0] == before:
                return before or 0
            before = found[0]
            time.sleep(0.05)

    def forget(self):
        if os.path.exists(f"{self.folder}/store/store.db"):
            self.look(*(f"DELETE FROM {table}" for table in self.tables))


class GuichetProxy(Guichet):
    name, label, way = "guichet-proxy", "Guichet under Apache, mod_proxy_fcgi", "proxy"


class GuichetFcgid(Guichet):
    name, label, way = "guichet-fcgid", "Guichet under Apache, mod_fcgid", "fcgid"


class GuichetCgid(Guichet):
    name, label, way = "guichet-cgid", "Guichet under Apache, plain CGI", "cgid"


class Empty(Mounted):
    name, label = "empty", "FastCGI ceiling: lighttpd and an empty libfcgi responder"

    def program(self):
        built = os.path.join(BUILD, "tests", "bench", "empty")
        if not os.path.exists(built):
            raise Trouble(f"{built} is not there; run make bench")
        return self.lab.copy(built, "bin", "empty")

    def on_socket(self, path):
        return [self.program(), path]


class EmptyProxy(Empty):
    name, label, way = "empty-proxy", "empty responder under mod_proxy_fcgi", "proxy"


class EmptyFcgid(Empty):
    name, label, way = "empty-fcgid", "empty responder under mod_fcgid", "fcgid"


class EmptyCgid(Empty):
    name, label, way = "empty-cgid", "empty program as plain CGI", "cgid"


# --- the peers -----------------------------------------------------------------------------------------

class Peer(Receiver):
    stream, stores, strict = "events", True, True

    def settings(self):
        script = self.lab.copy(f"{PEERS}/commit.lua", self.name, "commit.lua")
        with open(script, "rb") as f:
            digest = hashlib.sha1(f.read()).hexdigest()
        return {"REDIS_SOCKET": self.redis.socket, "T4G_API_KEY": self.lab.api_key,
                "T4G_WEBHOOK_SECRET": self.lab.secret, "COMMIT_LUA": script, "COMMIT_SHA": digest,
                "RATE_COUNT": str(RATE_COUNT), "RATE_WINDOW_US": str(RATE_WINDOW_S * 1_000_000)}


def node_modules():
    """What package-lock.json names, fetched once into build/."""
    here, there = f"{PEERS}/node-fastify", os.path.join(BUILD, "bench", "node-fastify")
    os.makedirs(there, exist_ok=True)
    done = os.path.join(there, "node_modules", ".done")
    with open(f"{here}/package-lock.json", encoding="utf-8") as f:
        lock = f.read()
    if os.path.exists(done):
        with open(done, encoding="utf-8") as f:
            if f.read() == lock:
                return os.path.join(there, "node_modules")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(f"{here}/{name}", there)
    fetched = subprocess.run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"], cwd=there,
                             capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        raise Trouble(f"npm ci in {there} failed; is the package registry in reach?\n{fetched.stderr[-1000:]}")
    with open(done, "w", encoding="utf-8") as f:
        f.write(lock)
    return os.path.join(there, "node_modules")


class Node(Peer):
    name, label = "node", "Node, fastify and ioredis, 2 processes, on its own port"

    def start_node(self, port):
        self.lab.copy(node_modules(), self.name, "node_modules")
        for name in ("package.json", "server.js"):
            self.lab.copy(f"{PEERS}/node-fastify/{name}", self.name, name)
        self.run("node", f"{self.folder}/server.js", part="-node", ready=lambda: answers_on(port),
                 env={**self.settings(), "NODE_ENV": "production", "PORT": str(port)})

    def start(self):
        self.start_node(self.port)


class NodeLighttpd(Node):
    name, label = "node-lighttpd", "the same behind lighttpd's mod_proxy"

    def start(self):
        behind = free_port()
        self.start_node(behind)
        lines = [f'proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => {behind} )) )']
        self.run("lighttpd", "-D", "-f",
                 servers.lighttpd(self.lab, self.folder, self.port, ["mod_proxy"], lines))


class Php(Peer):
    name, label = "php", "php-fpm and phpredis under lighttpd, 8 workers"

    def start(self):
        self.lab.copy(f"{PEERS}/php/webhook.php", self.name, "www", "webhook.php")
        sock = f"{self.folder}/run/php.sock"
        conf = self.lab.write(f"{self.folder}/fpm.conf", "\n".join([
            "[global]", f"error_log = {self.folder}/fpm.log", "daemonize = no",
            "[www]", f"listen = {sock}", "pm = static", "pm.max_children = 8",
            *(f"env[{k}] = {v}" for k, v in self.settings().items()), ""]))
        self.run("php-fpm8.2", "--nodaemonize", "--fpm-config", conf, part="-fpm",
                 ready=lambda: os.path.exists(sock))
        lines = [f'url.rewrite-once = ( "^{PATH}$" => "/webhook.php" )',
                 f'fastcgi.server = ( ".php" => (( "socket" => "{sock}" )) )']
        self.run("lighttpd", "-D", "-f", servers.lighttpd(
            self.lab, self.folder, self.port, ["mod_rewrite", "mod_fastcgi"], lines))


class Webhook(Receiver):
    name, label = "webhook", "adnanh/webhook: verifies and runs /bin/true, no dedupe, no store"

    def start(self):
        hooks = self.lab.copy(f"{PEERS}/webhook/hooks.json", self.name, "hooks.json")
        self.run("webhook", "-template", "-hooks", hooks, "-ip", "127.0.0.1", "-port", str(self.port),
                 "-urlprefix", PATH.rsplit("/", 1)[0].lstrip("/"),
                 env={"T4G_API_KEY": self.lab.api_key, "T4G_WEBHOOK_SECRET": self.lab.secret})


def versions():
    """Of everything that takes part, one line each."""
    asked = {"lighttpd": ["lighttpd", "-v"], "Apache": ["apache2", "-v"], "Redis": ["redis-server", "--version"],
             "Node": ["node", "--version"], "PHP": ["php-fpm8.2", "--version"],
             "webhook": ["webhook", "-version"], "wrk": ["wrk", "-v"]}
    told = {}
    for name, argv in asked.items():
        if shutil.which(argv[0]):
            out = subprocess.run(argv, capture_output=True, text=True, check=False)
            told[name] = (out.stdout + out.stderr).splitlines()[0].strip()
    return told
