"""Webhooks of a base: payloads, their pages and splits, expiry, retention, states of error."""
import base64
import copy

from .base import make_id
from .clock import DAY_S, iso

HOOKS_MAX = 10
PAGE_MAX = 50
LIFE_S = 7 * DAY_S         # of a hook after its creation, refresh or last listing of payloads
AFTERLIFE_S = 7 * DAY_S    # for which its payloads can still be read
RETENTION_S = 7 * DAY_S    # of a payload, read or not
DATA_TYPES = ("tableData", "tableFields", "tableMetadata")
CHANGE_TYPES = ("add", "remove", "update")

RECORD_PARTS = ("createdRecordsById", "changedRecordsById", "destroyedRecordIds")
FIELD_PARTS = ("createdFieldsById", "changedFieldsById", "destroyedFieldIds")
PART_CHANGE = {"createdRecordsById": "add", "changedRecordsById": "update", "destroyedRecordIds": "remove",
               "createdFieldsById": "add", "changedFieldsById": "update", "destroyedFieldIds": "remove"}


class Hook:
    def __init__(self, base, rng, url, specification):
        self.id = make_id(rng, "ach")
        self.base = base
        self.secret = rng.randbytes(32)
        self.url = url
        self.specification = specification
        self.notify = url is not None
        self.enabled = True
        self.payloads = {}  # number -> (made at, payload)
        self.next = 1
        self.expires = base.clock.now() + LIFE_S
        self.last_success = None
        self.last_result = None
        self.fetches = 0  # answers of list-payloads

    @property
    def filters(self):
        return self.specification["options"]["filters"]

    def secret_base64(self):
        return base64.b64encode(self.secret).decode()

    def listed(self):
        return {
            "id": self.id, "areNotificationsEnabled": self.notify, "cursorForNextPayload": self.next,
            "isHookEnabled": self.alive(), "lastSuccessfulNotificationTime": iso(self.last_success),
            "notificationUrl": self.url, "expirationTime": iso(self.expires),
            "lastNotificationResult": self.last_result, "specification": self.specification,
        }

    def alive(self):
        return self.enabled and self.base.clock.now() < self.expires

    def gone(self):
        return self.base.clock.now() >= self.expires + AFTERLIFE_S

    def refresh(self):
        self.expires = self.base.clock.now() + LIFE_S

    def forget_old(self):
        oldest = self.base.clock.now() - RETENTION_S
        for number in [n for n, (at, _) in self.payloads.items() if at < oldest]:
            del self.payloads[number]

    def page(self, cursor, limit):
        """The answer to list-payloads. A cursor that points at deleted payloads gets the oldest left."""
        self.forget_old()
        if self.alive():
            self.refresh()
        numbers = sorted(n for n in self.payloads if n >= cursor)
        taken = numbers[:limit]
        self.fetches += 1
        return {"payloads": [self.payloads[n][1] for n in taken],
                "cursor": taken[-1] + 1 if taken else cursor,
                "mightHaveMore": len(numbers) > len(taken)}

    # --- making payloads

    def record(self, number, log, source, split):
        """Makes the payloads of a transaction; returns how many."""
        if not self.alive():
            return 0
        parts = list(self._parts(log, split))
        for part in parts:
            self._add({"timestamp": iso(self.base.clock.now()), "baseTransactionNumber": number,
                       "actionMetadata": source, "payloadFormat": "v0", **part})
        self._check_filters(log, number, source)
        return len(parts)

    def fail(self, code):
        """An error payload: the hook never comes back from it."""
        self._add({"timestamp": iso(self.base.clock.now()), "baseTransactionNumber": self.base.transaction,
                   "payloadFormat": "v0", "error": True, "code": code})
        self.enabled = False

    def _add(self, payload):
        self.payloads[self.next] = (self.base.clock.now(), payload)
        self.next += 1

    def _check_filters(self, log, number, source):
        scope = self.filters.get("recordChangeScope")
        fields = {f for part in log.changed.values() for f in part.get("destroyedFieldIds", ())}
        if scope in log.destroyed or fields.intersection(self.filters.get("watchDataInFieldIds") or ()):
            self.fail("INVALID_FILTERS")

    def _wants(self, part):
        kinds = self.filters.get("changeTypes") or CHANGE_TYPES
        types = self.filters["dataTypes"]
        if part == "changedMetadata":
            return "tableMetadata" in types and "update" in kinds
        wanted = "tableData" if part in RECORD_PARTS else "tableFields"
        return wanted in types and PART_CHANGE[part] in kinds

    def _parts(self, log, split):
        """The changes this hook is told of, cut so that none tells of more than `split` records."""
        scope, types = self.filters.get("recordChangeScope"), self.filters["dataTypes"]
        kinds = self.filters.get("changeTypes") or CHANGE_TYPES
        first, records = {}, []
        if "tableMetadata" in types and not scope:
            if log.created and "add" in kinds:
                first["createdTablesById"] = copy.deepcopy(log.created)
            if log.destroyed and "remove" in kinds:
                first["destroyedTableIds"] = list(log.destroyed)
        for table_id, parts in log.changed.items():
            if scope and scope != table_id:
                continue
            for name, content in parts.items():
                if not self._wants(name) or not content:
                    continue
                if name in RECORD_PARTS:
                    records += [(table_id, name, key) for key in content]
                else:
                    first.setdefault("changedTablesById", {}).setdefault(table_id, {})[name] = \
                        copy.deepcopy(content)
        if first:
            yield first
        for at in range(0, len(records), split):
            changed = {}
            for table_id, name, key in records[at:at + split]:
                part = changed.setdefault(table_id, {})
                if name == "destroyedRecordIds":
                    part.setdefault(name, []).append(key)
                else:
                    part.setdefault(name, {})[key] = self._entry(log.changed[table_id][name][key])
            yield {"changedTablesById": changed}

    def _entry(self, entry):
        entry = copy.deepcopy(entry)
        includes = self.specification["options"].get("includes") or {}
        if not includes.get("includePreviousCellValues"):
            entry.pop("previous", None)
        return entry


def bad_specification(specification):
    """What is wrong with a specification, or None."""
    if not isinstance(specification, dict) or not isinstance(specification.get("options"), dict):
        return "specification.options must be an object"
    filters = specification["options"].get("filters")
    if not isinstance(filters, dict):
        return "specification.options.filters must be an object"
    types = filters.get("dataTypes")
    if not isinstance(types, list) or not types or any(t not in DATA_TYPES for t in types):
        return "filters.dataTypes must name one or more of " + ", ".join(DATA_TYPES)
    kinds = filters.get("changeTypes", list(CHANGE_TYPES))
    if not isinstance(kinds, list) or any(k not in CHANGE_TYPES for k in kinds):
        return "filters.changeTypes must be of " + ", ".join(CHANGE_TYPES)
    return None
