#!/usr/bin/env python3
"""tests/airtable/server behaves as Airtable's documentation says; each thing with its negative twin."""
import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BASE, TOKEN = "appTest0000000000", "patTest"
WAIT_S = 30
count = failed = 0


def ok(good, name, *shown):
    global count, failed
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    if not good:
        failed += 1
        for s in shown:
            print("# %s" % str(s)[:500])
    sys.stdout.flush()


def equal(got, expected, name):
    ok(got == expected, name, "got %r" % (got,), "expected %r" % (expected,))


class Mock:
    """The server on a free port, and how to ask it."""

    def __init__(self, *args):
        self.folder = tempfile.TemporaryDirectory()
        port_file = os.path.join(self.folder.name, "port")
        self.process = subprocess.Popen(
            [os.path.join(TOP, "tests/airtable/server"), "--port-file", port_file, *args])
        until = time.monotonic() + WAIT_S
        while not os.path.exists(port_file) and time.monotonic() < until:
            time.sleep(0.05)
        self.port = int(open(port_file).read())

    def raw(self, method, path, body=None, token=TOKEN, timeout=WAIT_S):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Authorization": "Bearer " + token} if token else {}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask(self, method, path, body=None, token=TOKEN):
        status, data = self.raw(method, path, body, token)
        return status, json.loads(data) if data else None

    def admin(self, what, body=None):
        return self.ask("GET" if body is None else "POST", "/admin/" + what, body)[1]

    def hooks(self, rest="", method="GET", body=None, token=TOKEN):
        return self.ask(method, "/v0/bases/%s/webhooks%s" % (BASE, rest), body, token)

    def create(self, url=None, **filters):
        wish = {"specification": {"options": {"filters": {
            "dataTypes": ["tableData", "tableFields", "tableMetadata"], **filters}}}}
        if url:
            wish["notificationUrl"] = url
        return self.hooks("", "POST", wish)[1]

    def close(self):
        self.process.terminate()
        self.process.wait(WAIT_S)
        self.folder.cleanup()


class Target:
    """Takes pings; `status` is what it answers."""

    def __init__(self):
        target = self
        self.status, self.pings = 200, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                target.pings.append((dict(self.headers), body))
                self.send_response(target.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/ping" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, n):
        until = time.monotonic() + WAIT_S
        while len(self.pings) < n and time.monotonic() < until:
            time.sleep(0.02)
        return len(self.pings) >= n


def errors(m):
    equal(m.hooks(token=None), (401, {"error": {"type": "AUTHENTICATION_REQUIRED",
                                                "message": "Authentication required"}}), "no token: 401")
    equal(m.hooks(token="patWrong")[0], 401, "an unknown token: 401")
    status, body = m.hooks(token="patNoHooks")
    equal((status, body["error"]["type"]), (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"),
          "webhook:manage is missing: 403")
    equal(m.ask("GET", "/v0/meta/bases/%s/tables" % BASE, token="patNoSchema")[0], 403,
          "schema.bases:read is missing: 403")
    equal(m.ask("GET", "/v0/meta/bases/%s/tables" % BASE)[0], 200, "with it: 200")
    equal(m.ask("GET", "/v0/nowhere"), (404, {"error": "NOT_FOUND"}), "an unknown path: 404")
    equal(m.ask("GET", "/v0/bases/appOther000000000/webhooks")[0], 403, "a base of somebody else: 403")
    equal(m.hooks("", "POST", {"macSecretBase64": "eA==", "specification": {}})[0], 422,
          "a secret of one's own: 422")
    equal(m.hooks("", "POST", {"specification": {"options": {"filters": {"dataTypes": ["x"]}}}})[0], 422,
          "an unknown data type: 422")
    wish = {"specification": {"options": {"filters": {"dataTypes": ["tableFields"]}}}}
    equal(m.hooks("", "POST", wish, token="patNoSchema")[0], 403, "a hook on fields needs schema.bases:read")


def life_of_a_hook(m):
    made = m.create()
    hook = "/" + made["id"]
    equal(len(base64.b64decode(made["macSecretBase64"])), 32, "create gives the secret")
    listed = m.hooks()[1]["webhooks"][0]
    ok("macSecretBase64" not in listed and listed["cursorForNextPayload"] == 1 and listed["isHookEnabled"],
       "list does not", listed)
    equal(m.hooks(hook + "/enableNotifications", "POST")[0], 422, "enableNotifications without a body: 422")
    equal(m.hooks(hook + "/refresh", "POST")[0], 200, "refresh")
    for _ in range(9):
        m.admin("clock", {"advance_s": 60})
        m.create()
    equal(m.hooks("", "POST", {"specification": {"options": {"filters": {"dataTypes": ["tableData"]}}}})[0], 403,
          "an eleventh hook: 403")
    for h in m.hooks()[1]["webhooks"]:
        equal(m.hooks("/" + h["id"], "DELETE"), (200, None), "delete, with an empty answer")
    equal(m.hooks(hook + "/refresh", "POST"), (404, {"error": "NOT_FOUND"}), "a deleted hook: 404")


def payloads(m):
    hook = "/" + m.create()["id"]
    table = m.admin("fill", {"tables": 1, "records": 3})["tables"][-1]
    for i in range(120):
        m.admin("changes", {"changes": [{"op": "create_record", "table": table, "cells": {}}]})
    status, first = m.hooks(hook + "/payloads")
    equal((len(first["payloads"]), first["cursor"], first["mightHaveMore"]), (50, 51, True), "a page of 50")
    equal(m.hooks(hook + "/payloads?limit=51")[0], 422, "a page of 51: 422")
    kinds = first["payloads"][0]
    ok(table in kinds["createdTablesById"] and kinds["payloadFormat"] == "v0" and
       kinds["actionMetadata"]["source"] == "client", "a table was made", kinds)
    last = m.hooks(hook + "/payloads?cursor=101&limit=50")[1]
    equal((len(last["payloads"]), last["cursor"], last["mightHaveMore"]), (22, 123, False), "the last page")
    end = m.hooks(hook + "/payloads?cursor=123")[1]
    equal(end, {"payloads": [], "cursor": 123, "mightHaveMore": False}, "nothing more: the cursor as it was")
    records = [{"op": "create_record", "table": table, "cells": {}} for _ in range(25)]
    equal(m.admin("changes", {"changes": records, "split": 10})["payloads"], 3, "an action split in three")
    parts = m.hooks(hook + "/payloads?cursor=123")[1]["payloads"]
    equal(len({p["baseTransactionNumber"] for p in parts}), 1, "which share their transaction")
    made = [len(p["changedTablesById"][table]["createdRecordsById"]) for p in parts]
    equal(made, [10, 10, 5], "and lose no record")
    record = next(iter(parts[0]["changedTablesById"][table]["createdRecordsById"]))
    m.admin("changes", {"changes": [{"op": "destroy_record", "table": table, "id": record}]})
    wrong = m.ask("POST", "/admin/changes", {"changes": [
        {"op": "create_record", "table": table, "cells": {}}, {"op": "destroy_record", "table": table, "id": record}]})
    equal(wrong[0], 400, "a transaction that cannot be applied")
    equal(m.hooks(hook + "/payloads?cursor=126")[1]["cursor"], 127, "leaves nothing behind")


def expiry(m):
    made = m.create()
    hook = "/" + made["id"]
    m.admin("random", {"count": 5, "seed": 3})
    m.admin("clock", {"advance_days": 6.9})
    ok(len(m.hooks(hook + "/payloads")[1]["payloads"]) > 0, "after 6.9 days the payloads are there")
    m.admin("clock", {"advance_days": 6.9})
    listed = [h for h in m.hooks()[1]["webhooks"] if h["id"] == made["id"]][0]
    ok(listed["isHookEnabled"], "listing payloads prolonged the hook's life", listed)
    equal(m.hooks(hook + "/payloads")[1]["payloads"], [], "but they are kept 7 days, read or not")
    m.admin("clock", {"advance_days": 7.1})
    listed = [h for h in m.hooks()[1]["webhooks"] if h["id"] == made["id"]][0]
    ok(not listed["isHookEnabled"], "7 days later it has expired", listed)
    status, body = m.hooks(hook + "/refresh", "POST")
    equal(status, 422, "and cannot be refreshed")
    equal(m.hooks(hook + "/payloads")[0], 200, "its payloads can still be read")
    m.admin("clock", {"advance_days": 7})
    equal(m.hooks(hook + "/payloads")[0], 404, "7 days more, and it is gone")


def rate(m):
    got = [m.hooks()[0] for _ in range(5)]
    equal(got, [200] * 5, "five requests in a second")
    status, body = m.hooks()
    equal((status, body["errors"][0]["error"]), (429, "RATE_LIMIT_REACHED"), "the sixth: 429")
    time.sleep(1.1)
    equal(m.hooks()[0], 429, "and so it is for 30 s")
    m.admin("clock", {"advance_s": 30})
    time.sleep(1.1)
    equal(m.hooks()[0], 200, "of the server's clock")
    ok(m.admin("stats")["bases"][BASE]["most_in_a_second"] == 6, "what came in any second is counted")


def records(m):
    table = m.admin("fill", {"tables": 1, "records": 205})["tables"][-1]
    seen, offset, sizes = {}, None, []
    while True:
        answer = m.ask("POST", "/v0/%s/%s/listRecords" % (BASE, table),
                       {"returnFieldsByFieldId": True, **({"offset": offset} if offset else {})})[1]
        sizes.append(len(answer["records"]))
        seen.update((r["id"], r) for r in answer["records"])
        offset = answer.get("offset")
        if not offset:
            break
    equal(sizes, [100, 100, 5], "records come in pages of 100")
    equal(seen, m.admin("dump")["tables"][table], "all of them")
    one, two = list(seen)[:2]
    formula = "OR(RECORD_ID()='%s',RECORD_ID()='%s',RECORD_ID()='recNone0000000000')" % (two, one)
    answer = m.ask("POST", "/v0/%s/%s/listRecords" % (BASE, table), {"filterByFormula": formula})[1]
    equal(sorted(r["id"] for r in answer["records"]), sorted([one, two]), "some by their ids")
    equal(m.ask("POST", "/v0/%s/%s/listRecords" % (BASE, table), {"filterByFormula": "1=1"})[0], 422,
          "another formula: 422")
    equal(m.ask("GET", "/v0/%s/%s?pageSize=101" % (BASE, table))[0], 422, "a page of 101: 422")
    equal(m.ask("GET", "/v0/%s/tblNone0000000000" % BASE)[0], 403, "a table that is not there: 403")


def pings(m):
    target = Target()
    made = m.create(target.url)
    secret = base64.b64decode(made["macSecretBase64"])
    table = m.admin("fill", {"tables": 1, "records": 1})["tables"][-1]
    ok(target.wait(1), "a ping comes")
    headers, body = target.pings[0]
    mac = headers.get("X-Airtable-Content-MAC")
    equal(mac, "hmac-sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(), "signed over its bytes")
    ping = json.loads(body)
    equal((ping["base"], ping["webhook"]), ({"id": BASE}, {"id": made["id"]}), "it names base and hook")
    target.status, seen = 202, len(target.pings)
    change = {"changes": [{"op": "create_record", "table": table, "cells": {}}]}
    m.admin("changes", change)
    ok(target.wait(seen + 14), "202 is a failure: 13 retries", len(target.pings) - seen)
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until and m.admin("stats")["pings"]["gave_up"] == 0:
        time.sleep(0.05)
    equal(len(target.pings) - seen, 14, "and no more")
    listed = [h for h in m.hooks()[1]["webhooks"] if h["id"] == made["id"]][0]
    equal((listed["areNotificationsEnabled"], listed["lastNotificationResult"]["retryNumber"],
           listed["lastNotificationResult"]["error"]["message"]),
          (False, 13, "The HTTP request returned a 202 status code instead of 200 or 204"),
          "then notifications are off, and the list says why")
    target.status, seen = 204, len(target.pings)
    m.admin("changes", change)
    time.sleep(0.5)
    equal(len(target.pings), seen, "no ping any more")
    equal(m.hooks("/%s/enableNotifications" % made["id"], "POST", {"enable": True}), (200, None), "until enabled")
    m.admin("changes", change)
    ok(target.wait(seen + 1), "again")
    m.admin("faults", {"drop_ping": {"count": 1}})
    m.admin("changes", change)
    time.sleep(0.5)
    equal(len(target.pings), seen + 1, "a ping that is lost")
    m.admin("hook", {"id": made["id"], "error": "INVALID_HOOK"})
    last = m.hooks("/%s/payloads" % made["id"])[1]["payloads"][-1]
    equal((last["error"], last["code"]), (True, "INVALID_HOOK"), "an error payload")
    listed = [h for h in m.hooks()[1]["webhooks"] if h["id"] == made["id"]][0]
    ok(not listed["isHookEnabled"], "from which the hook does not come back")


def faults(m):
    m.admin("faults", {"status_503": {"count": 1}, "truncate": {"count": 1}, "garbage": {"count": 1}})
    equal(m.hooks()[0], 503, "a 503 on demand")
    try:
        m.raw("GET", "/v0/bases/%s/webhooks" % BASE)
        cut = False
    except http.client.IncompleteRead:
        cut = True
    ok(cut, "an answer cut off")
    status, data = m.raw("GET", "/v0/bases/%s/webhooks" % BASE)
    ok(status == 200 and data.startswith(b"<html>"), "an answer that is not JSON", data)
    equal(m.hooks()[0], 200, "and then as always")
    equal(m.ask("POST", "/admin/faults", {"nonsense": 1})[0], 400, "a fault that it does not know")


def main():
    usage = subprocess.run([os.path.join(TOP, "tests/airtable/server"), "--help"], capture_output=True, text=True)
    ok(usage.returncode == 0 and "--port" in usage.stdout, "--help")
    scopes = ["--token", TOKEN, "--token", "patNoHooks=data.records:read",
              "--token", "patNoSchema=webhook:manage,data.records:read"]
    m = Mock("--rate", "100", *scopes)
    errors(m)
    life_of_a_hook(m)
    payloads(m)
    expiry(m)
    records(m)
    m.close()
    m = Mock(*scopes)
    rate(m)
    m.close()
    m = Mock("--scale", "20000", "--rate", "100")
    pings(m)
    m.close()
    m = Mock()
    faults(m)
    m.close()
    print("1..%d" % count)
    return 1 if failed else 0


sys.exit(main())
