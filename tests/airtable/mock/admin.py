"""What a test or a person at the keyboard does to the server: paths below /admin, without a token."""
import json

from .base import Base, BadChange


class Admin:
    def __init__(self, world):
        self.world = world

    def answer(self, method, path, query, body):
        function = ROUTES.get((method, path))
        if function is None:
            return 404, {"error": "known are " + ", ".join("%s %s" % k for k in sorted(ROUTES))}
        try:
            return function(self, json.loads(body) if body else dict(query))
        except (BadChange, ValueError, KeyError, TypeError) as e:
            return 400, {"error": "%s: %s" % (type(e).__name__, e)}

    def _base(self, wish):
        return self.world.bases[wish.get("base") or next(iter(self.world.bases))]

    def changes(self, wish):
        """{"changes": [...]}: one transaction"""
        base = self._base(wish)
        number, payloads = self.world.change(base, wish["changes"], wish)
        return 200, {"transaction": number, "payloads": payloads}

    def random(self, wish):
        """{"count": N, "seed": S, "batch": B}: N changes of records in transactions of up to B"""
        base = self._base(wish)
        if "seed" in wish:
            base.rng.seed(int(wish["seed"]))
        transactions = 0
        for transaction in base.random_changes(int(wish["count"]), int(wish.get("batch", 10))):
            self.world.change(base, transaction, wish)
            transactions += 1
        return 200, {"transactions": transactions}

    def fill(self, wish):
        """{"tables": T, "records": N, "fields": F}: new tables with N records in all"""
        base = self._base(wish)
        tables, records = int(wish.get("tables", 4)), int(wish.get("records", 100))
        kinds = ["singleLineText", "number", "checkbox", "multilineText"]
        for t in range(tables):
            fields = [{"name": "Field %d" % f, "type": kinds[f % 4]} for f in range(int(wish.get("fields", 4)))]
            before = set(base.tables)
            self.world.change(base, [{"op": "create_table", "name": "Table %d" % (len(before) + 1),
                                      "fields": fields}], wish)
            table = next(i for i in base.tables if i not in before)
            count = records // tables + (1 if t < records % tables else 0)
            if count:
                self.world.change(base, [{"op": "create_record", "table": table,
                                          "cells": base._random_cells(base.tables[table], 4)}
                                         for _ in range(count)], wish)
        return 200, {"tables": list(base.tables)}

    def clock(self, wish):
        """{"advance_s": N} or {"advance_days": N}"""
        self.world.clock.advance(float(wish.get("advance_s", 0)) + 86400 * float(wish.get("advance_days", 0)))
        return 200, {"now": self.world.clock.now()}

    def faults(self, wish):
        """{"drop_ping": 0.3, "status_503": {"count": 2}, "slow_s": 3, ...}"""
        wrong = self.world.faults.set(wish)
        return (400, {"error": wrong}) if wrong else (200, {})

    def hook(self, wish):
        """{"id": "ach...", "error": "INVALID_HOOK"} | {"id": ..., "expire": true} | {"id": ..., "notify": false}"""
        hook = self.world.hooks[wish["id"]]
        if "error" in wish:
            hook.fail(wish["error"])
            self.world.delivery.ping(hook)
        if wish.get("expire"):
            hook.expires = self.world.clock.now() - 1
        if "notify" in wish:
            hook.notify = bool(wish["notify"])
        return 200, hook.listed()

    def secret(self, wish):
        return 200, {"macSecretBase64": self.world.hooks[wish["id"]].secret_base64()}

    def dump(self, wish):
        """All records, as the REST API shows them with fields by id."""
        base = self._base(wish)
        return 200, {"tables": {t["id"]: {i: Base.shown(t, r, True) for i, r in t["records"].items()}
                                for t in base.tables.values()}, "meta": base.meta()}

    def stats(self, wish):
        return 200, {
            "bases": {i: {"requests": m.requests, "most_in_a_second": m.most, "refused": m.refused,
                          "transactions": self.world.bases[i].transaction}
                      for i, m in self.world.limits.items()},
            "hooks": {h.id: {"next": h.next, "fetches": h.fetches, "kept": len(h.payloads), "alive": h.alive()}
                      for h in self.world.hooks.values()},
            "answers": self.world.answers, "pings": self.world.delivery.stats}


ROUTES = {
    ("POST", "/admin/changes"): Admin.changes, ("POST", "/admin/random"): Admin.random,
    ("POST", "/admin/fill"): Admin.fill, ("POST", "/admin/clock"): Admin.clock,
    ("POST", "/admin/faults"): Admin.faults, ("POST", "/admin/hook"): Admin.hook,
    ("GET", "/admin/secret"): Admin.secret, ("GET", "/admin/dump"): Admin.dump,
    ("GET", "/admin/stats"): Admin.stats,
}
