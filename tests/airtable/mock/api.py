"""The paths of Airtable's API and their errors: a table of routes, a function each."""
import json
import re

from .hooks import HOOKS_MAX, PAGE_MAX, Hook, bad_specification
from .clock import iso

PAGE_RECORDS_MAX = 100
BODY_MAX = 1 << 20


class Problem(Exception):
    """An answer other than 200."""

    def __init__(self, status, kind, message=None):
        super().__init__(kind)
        self.status = status
        self.body = {"error": kind if message is None else {"type": kind, "message": message}}


def not_permitted():
    return Problem(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
                   "Invalid permissions, or the requested model was not found. Check that both your user and your "
                   "token have the required permissions, and that the model names and/or ids are correct.")


def invalid(message):
    return Problem(422, "INVALID_REQUEST_UNKNOWN", message)


def too_many():
    p = Problem(429, "RATE_LIMIT_REACHED")
    p.body = {"errors": [{"error": "RATE_LIMIT_REACHED",
                          "message": "Rate limit exceeded. Please try again later"}]}
    return p


class Api:
    """All calls run with the server's lock held."""

    def __init__(self, world):
        self.world = world

    def answer(self, method, path, query, headers, body):
        """(status, JSON value or None for an empty body)"""
        token = self._token(headers)
        for verb, form, scopes, function in ROUTES:
            match = re.fullmatch(form, path)
            if not match or verb != method:
                continue
            base = self.world.bases.get(match.group(1))
            if base is None:
                raise not_permitted()
            if not self.world.limits[base.id].admit():
                raise too_many()
            if any(s not in token["scopes"] for s in scopes) or \
                    (token["bases"] is not None and base.id not in token["bases"]):
                raise not_permitted()
            return function(self, base, token, *match.groups()[1:], query=query, body=body)
        raise Problem(404, "NOT_FOUND")

    def _token(self, headers):
        kind, _, value = (headers.get("Authorization") or "").partition(" ")
        token = self.world.tokens.get(value.strip()) if kind == "Bearer" else None
        if token is None:
            raise Problem(401, "AUTHENTICATION_REQUIRED", "Authentication required")
        return token

    def _json(self, body, demanded=True):
        if not body and not demanded:
            return {}
        try:
            value = json.loads(body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise invalid("Invalid request: parameter validation failed. Check your request data.")
        return value

    def _hook(self, base, hook_id):
        hook = self.world.hooks.get(hook_id)
        if hook is None or hook.base is not base or hook.gone():
            raise Problem(404, "NOT_FOUND")
        return hook

    # --- webhooks

    def _data_scopes(self, token, specification):
        types = specification["options"]["filters"]["dataTypes"]
        if "tableData" in types and "data.records:read" not in token["scopes"] or \
                any(t != "tableData" for t in types) and "schema.bases:read" not in token["scopes"]:
            raise not_permitted()

    def list_hooks(self, base, token, query, body):
        hooks = [h for h in self.world.hooks.values() if h.base is base and not h.gone()]
        return 200, {"webhooks": [h.listed() for h in hooks]}

    def create_hook(self, base, token, query, body):
        value = self._json(body)
        if set(value) - {"notificationUrl", "specification"}:
            raise invalid("Invalid request: parameter validation failed. Check your request data.")
        wrong = bad_specification(value.get("specification"))
        url = value.get("notificationUrl")
        if wrong or url is not None and not re.match(r"https?://", str(url)):
            raise invalid(wrong or "notificationUrl must be a URL")
        self._data_scopes(token, value["specification"])
        if sum(1 for h in self.world.hooks.values() if h.base is base and not h.gone()) >= HOOKS_MAX:
            raise Problem(403, "TOO_MANY_WEBHOOKS_BY_OAUTH_INTEGRATION_IN_APPLICATION"
                          if token.get("oauth") else "TOO_MANY_WEBHOOKS_IN_APPLICATION",
                          "There are too many webhooks in this base.")
        hook = Hook(base, self.world.rng, url, value["specification"])
        self.world.hooks[hook.id] = hook
        return 200, {"id": hook.id, "macSecretBase64": hook.secret_base64(), "expirationTime": iso(hook.expires)}

    def delete_hook(self, base, token, hook_id, query, body):
        self._hook(base, hook_id)
        del self.world.hooks[hook_id]
        return 200, None

    def toggle(self, base, token, hook_id, query, body):
        enable = self._json(body).get("enable")
        if not isinstance(enable, bool):
            raise invalid("Invalid request: parameter validation failed. Check your request data.")
        hook = self._hook(base, hook_id)
        if hook.url is None:
            raise invalid("The webhook has no notification URL")
        hook.notify = enable
        return 200, None

    def refresh(self, base, token, hook_id, query, body):
        hook = self._hook(base, hook_id)
        if not hook.alive():
            raise Problem(422, "CANNOT_REFRESH_DISABLED_WEBHOOK", "The webhook is disabled and cannot be refreshed.")
        hook.refresh()
        return 200, {"expirationTime": iso(hook.expires)}

    def payloads(self, base, token, hook_id, query, body):
        hook = self._hook(base, hook_id)
        self._data_scopes(token, hook.specification)
        cursor, limit = self._number(query, "cursor", 1), self._number(query, "limit", PAGE_MAX)
        if not 1 <= limit <= PAGE_MAX or cursor < 1:
            raise invalid("Invalid request: parameter validation failed. Check your request data.")
        return 200, hook.page(cursor, limit)

    @staticmethod
    def _number(query, name, default):
        try:
            return int(query.get(name, default))
        except ValueError:
            raise invalid("Invalid request: parameter validation failed. Check your request data.") from None

    # --- records and tables

    def tables(self, base, token, query, body):
        return 200, base.meta()

    def list_records(self, base, token, table, query, body):
        return self._records(base, table, query)

    def post_list_records(self, base, token, table, query, body):
        return self._records(base, table, self._json(body, demanded=False))

    def _records(self, base, table, wish):
        known = {"pageSize", "offset", "returnFieldsByFieldId", "filterByFormula", "maxRecords", "view"}
        table = base.table(table)
        if table is None:
            raise not_permitted()
        if set(wish) - known:
            raise invalid("Unknown parameters: " + ", ".join(sorted(set(wish) - known)))
        size = self._number(wish, "pageSize", PAGE_RECORDS_MAX)
        if not 1 <= size <= PAGE_RECORDS_MAX:
            raise invalid("pageSize must be between 1 and 100")
        wanted = self._formula(wish.get("filterByFormula"))
        ids = list(table["records"]) if wanted is None else [i for i in wanted if i in table["records"]]
        begin = 0
        if wish.get("offset"):
            begin = self._begin(table, wish["offset"], ids)
        page = ids[begin:begin + size]
        by_id = wish.get("returnFieldsByFieldId") in (True, "true", "1")
        answer = {"records": [base.shown(table, table["records"][i], by_id) for i in page]}
        if begin + size < len(ids):
            answer["offset"] = "itr%s/%s" % (table["id"][3:], page[-1])
        return 200, answer

    def _begin(self, table, offset, ids):
        """An offset names the last record of the page before; one that is gone ended the iteration."""
        match = re.fullmatch(r"itr(\w{14})/(rec\w{14})", str(offset))
        if not match or match.group(1) != table["id"][3:]:
            raise Problem(422, "INVALID_OFFSET_VALUE", "The value of offset %s is invalid" % offset)
        if match.group(2) not in table["records"] or match.group(2) not in ids:
            raise Problem(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "The iterator is no longer available.")
        return ids.index(match.group(2)) + 1

    @staticmethod
    def _formula(formula):
        """The ids of OR(RECORD_ID()='rec...', ...) or of one such term; None without a formula."""
        if formula is None or formula == "":
            return None
        term = r"RECORD_ID\(\)\s*=\s*'(rec\w{14})'"
        whole = r"(?:OR\()?\s*%s(?:\s*,\s*%s)*\s*\)?" % (term, term)
        if not re.fullmatch(whole, formula):
            raise Problem(422, "INVALID_FILTER_BY_FORMULA",
                          "The formula for filtering records is invalid: this server knows OR(RECORD_ID()='rec...')")
        return list(dict.fromkeys(re.findall(term, formula)))

    def get_record(self, base, token, table, record_id, query, body):
        found = base.table(table)
        if found is None or record_id not in found["records"]:
            raise not_permitted() if found is None else Problem(404, "NOT_FOUND")
        by_id = query.get("returnFieldsByFieldId") in ("true", "1")
        return 200, base.shown(found, found["records"][record_id], by_id)


BASE = r"/v0/bases/(app\w+)"
HOOK = BASE + r"/webhooks/(ach\w+)"
ROUTES = [
    ("GET", r"/v0/meta/bases/(app\w+)/tables", ["schema.bases:read"], Api.tables),
    ("GET", BASE + r"/webhooks", ["webhook:manage"], Api.list_hooks),
    ("POST", BASE + r"/webhooks", ["webhook:manage"], Api.create_hook),
    ("DELETE", HOOK, ["webhook:manage"], Api.delete_hook),
    ("POST", HOOK + r"/enableNotifications", ["webhook:manage"], Api.toggle),
    ("POST", HOOK + r"/refresh", ["webhook:manage"], Api.refresh),
    ("GET", HOOK + r"/payloads", ["webhook:manage"], Api.payloads),
    ("POST", r"/v0/(app\w+)/([^/]+)/listRecords", ["data.records:read"], Api.post_list_records),
    ("GET", r"/v0/(app\w+)/([^/]+)/(rec\w+)", ["data.records:read"], Api.get_record),
    ("GET", r"/v0/(app\w+)/([^/]+)", ["data.records:read"], Api.list_records),
]
