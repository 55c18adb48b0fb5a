"""The place of a bench: a temporary folder, the processes in it, what they have used of the machine."""

import contextlib
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(TOP, "build")
WAIT_S = 20  # until a server must have started or ended
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


class Trouble(Exception):
    """Something that the person who runs the bench must see to."""


given = set()


def free_port():
    """Below the ports that connections going out are given, and never the same one twice."""
    while True:
        port = random.randrange(20000, 32000)
        if port in given:
            continue
        given.add(port)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def stat_of(pid):
    """The fields of /proc/PID/stat behind the name, or None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return None


def family(roots):
    """The roots and all that descend from them."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_of(name)
            if fields is not None:
                parents[int(name)] = int(fields[1])
    found = set(roots)
    while True:
        more = {pid for pid, parent in parents.items() if parent in found and pid not in found}
        if not more:
            return found
        found |= more


def cpu_us(roots):
    """User and system time of the family so far, with that of children that it has waited for."""
    ticks = 0
    for pid in family(roots):
        fields = stat_of(pid)
        if fields is not None:
            ticks += sum(int(f) for f in fields[11:15])
    return ticks * TICK_US


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise Trouble(f"process {pid} has no memory")


class Lab:
    """Everything that runs below one temporary folder, and is gone when the lab closes."""

    def __init__(self):
        self.running = []
        self.identity = []
        self.owner = None
        self.path = tempfile.mkdtemp(prefix="guichet-bench.")
        if os.geteuid() == 0:
            user = pwd.getpwnam("www-data")
            self.owner = (user.pw_uid, user.pw_gid)
            self.identity = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        self.api_key = secrets.token_hex(32)
        self.secret = secrets.token_hex(64)
        self.folder("bin")
        self.give(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(list(self.running)):
            self.stop(process)
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.path, ignore_errors=True)

    def at(self, *parts):
        return os.path.join(self.path, *parts)

    def give(self, *paths):
        """Files that were made here, for the user whom the servers run as."""
        if self.owner is None:
            return
        for path in paths:
            os.chown(path, *self.owner)
            for folder, names, files in os.walk(path):
                for name in names + files:
                    os.chown(os.path.join(folder, name), *self.owner, follow_symlinks=False)

    def folder(self, *parts):
        path = self.at(*parts)
        os.makedirs(path, exist_ok=True)
        self.give(path)
        return path

    def write(self, path, text, mode=0o600):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        self.give(path)
        return path

    def copy(self, source, *parts):
        """A copy, made once, for the servers' user may not be able to enter the checkout."""
        path = self.at(*parts)
        if os.path.isfile(path):
            return path
        if os.path.isdir(source):
            shutil.copytree(source, path, dirs_exist_ok=True)
        else:
            shutil.copy(source, path)
        self.give(path)
        return path

    def start(self, log, argv, env=None):
        """In the background, as the servers' user; ends with this program, even if that is killed."""
        with open(log, "ab") as out:
            self.give(log)
            process = subprocess.Popen(
                ["setpriv", *self.identity, "--pdeathsig", "TERM", "--", *argv],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=self.path,
                env={"PATH": os.environ["PATH"], **(env or {})})
        process.log = log
        self.running.append(process)
        return process

    def stop(self, process):
        """By TERM, and what is left of its family then by KILL."""
        kin = family([process.pid])
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and any(stat_of(pid) for pid in kin):
            time.sleep(0.05)
        for pid in kin:
            if stat_of(pid):
                os.kill(pid, signal.SIGKILL)
        self.running.remove(process)

    def await_(self, process, ready, what):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and process.poll() is None:
            if ready():
                return
            time.sleep(0.05)
        with open(process.log, encoding="utf-8", errors="replace") as f:
            raise Trouble(f"{what} does not start:\n{f.read()[-2000:]}")


def answers_on(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Redis:
    """A private Redis on a unix socket, spoken to by redis-cli alone."""

    def __init__(self, lab, name="redis"):
        self.folder = lab.folder(name)
        self.socket = os.path.join(self.folder, "sock")
        self.process = lab.start(os.path.join(self.folder, "log"), [
            "redis-server", "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700",
            "--dir", self.folder, "--save", "", "--appendonly", "no", "--appendfsync", "always",
            "--no-appendfsync-on-rewrite", "no", "--maxmemory-policy", "noeviction"])
        lab.await_(self.process, lambda: self.ask("PING") == "PONG", "Redis")

    def ask(self, *words, stdin=None):
        done = subprocess.run(["redis-cli", "-s", self.socket, *words], input=stdin, text=True,
                              capture_output=True, check=False)
        return done.stdout.strip()

    def info(self, section, field):
        for line in self.ask("INFO", section).splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return value.strip()
        return ""

    def durable(self, on):
        """Before the first is acknowledged: an append-only file, synced before each answer; or none."""
        self.ask("FLUSHALL", "SYNC")
        self.ask("CONFIG", "SET", "appendonly", "yes" if on else "no")
        while self.info("persistence", "aof_rewrite_in_progress") == "1":
            time.sleep(0.05)

    def entries(self, stream):
        """Of the stream, once nothing is on its way any more."""
        before = -1
        while True:
            now = int(self.ask("XLEN", stream) or 0)
            if now == before:
                return now
            before = now
            time.sleep(0.05)

    def script_calls(self):
        return sum(int(line.split("calls=")[1].split(",")[0])
                   for line in self.ask("INFO", "commandstats").splitlines()
                   if line.startswith(("cmdstat_eval:", "cmdstat_evalsha:")))
