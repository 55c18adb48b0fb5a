"""A base: tables, fields, records, and what a transaction changed in them.

A change is a dictionary {"op": ..., ...} (see OPERATIONS); a transaction is a list of them. It is applied
whole or not at all, and gives the dictionary of changes from which each webhook's payloads are made.
"""
import copy
import random
import re

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
RECORDS_MAX = 200000
ID_FORM = {"tbl": re.compile(r"tbl\w{14}"), "fld": re.compile(r"fld\w{14}"), "rec": re.compile(r"rec\w{14}")}


class BadChange(Exception):
    """The change cannot be applied; the text says why."""


def make_id(rng, prefix):
    return prefix + "".join(rng.choice(ALPHABET) for _ in range(14))


class Base:
    def __init__(self, base_id, clock, seed=1):
        self.id = base_id
        self.clock = clock
        self.rng = random.Random(seed)               # what random changes do
        self.ids = random.Random("ids %d" % seed)    # of its own: a new seed above repeats no id
        self.tables = {}  # id -> {"id", "name", "fields": {id: {...}}, "records": {id: {...}}}
        self.transaction = 0

    # --- what it is made of

    def table(self, id_or_name):
        if id_or_name in self.tables:
            return self.tables[id_or_name]
        for table in self.tables.values():
            if table["name"] == id_or_name:
                return table
        return None

    def meta(self):
        """The body of GET /v0/meta/bases/{baseId}/tables."""
        return {"tables": [{
            "id": t["id"], "name": t["name"], "primaryFieldId": next(iter(t["fields"]), None),
            "fields": [dict(f) for f in t["fields"].values()],
            "views": [{"id": "viw" + t["id"][3:], "name": "Grid view", "type": "grid"}],
        } for t in self.tables.values()]}

    @staticmethod
    def shown(table, record, by_id):
        """A record as the REST API gives it: without empty cells."""
        fields = {}
        for field_id, value in record["cells"].items():
            if value in ("", [], False, None):
                continue
            fields[field_id if by_id else table["fields"][field_id]["name"]] = value
        return {"id": record["id"], "createdTime": record["createdTime"], "fields": fields}

    # --- changes

    def apply(self, changes):
        """Applies a transaction and returns (number, changes by table, created, destroyed tables).
        Raises BadChange, and then nothing was applied."""
        if not isinstance(changes, list) or not changes:
            raise BadChange("a transaction is a list of changes, at least one")
        work, log = _Work(self), _Log()
        for change in changes:
            operation = OPERATIONS.get(change.get("op") if isinstance(change, dict) else None)
            if operation is None:
                raise BadChange("op must be one of " + ", ".join(sorted(OPERATIONS)))
            try:
                operation(work, change, log)
            except KeyError as missing:
                raise BadChange("%s needs %s" % (change["op"], missing)) from None
        self.tables = work.tables
        self.transaction += 1
        return self.transaction, log

    def random_changes(self, count, batch=10, weights=None):
        """Yields transactions that hold `count` changes of records in all, by the base's seed."""
        weights = weights or {"create_record": 2, "change_record": 6, "destroy_record": 2}
        left = count
        while left > 0:
            transaction, gone = [], set()
            for _ in range(min(left, self.rng.randint(1, batch))):
                transaction.append(self._random_change(weights, gone))
            left -= len(transaction)
            yield transaction

    def _random_change(self, weights, gone):
        table = self.rng.choice(list(self.tables.values()))
        op = self.rng.choices(list(weights), list(weights.values()))[0]
        if op != "create_record":
            for _ in range(8):
                if not table["records"]:
                    break
                record = self._pick(table)
                if record not in gone:
                    change = {"op": op, "table": table["id"], "id": record}
                    if op == "destroy_record":
                        gone.add(record)
                    else:
                        change["cells"] = self._random_cells(table, 1)
                    return change
        return {"op": "create_record", "table": table["id"], "cells": self._random_cells(table, 3)}

    def _pick(self, table):
        keys = table.get("keys")
        if keys is None or len(keys) > 2 * len(table["records"]) + 100:
            keys = table["keys"] = list(table["records"])
        for _ in range(20):
            record = self.rng.choice(keys)
            if record in table["records"]:
                return record
        keys = table["keys"] = list(table["records"])
        return self.rng.choice(keys)

    def _random_cells(self, table, most):
        fields = self.rng.sample(list(table["fields"]), min(most, len(table["fields"])))
        words = ["rivi\u00e8re", "k\u00e4se", "\u6771\u4eac", "quote \" and \\", "plain", "line\nbreak", "\u20bf"]
        cells = {}
        for field in fields:
            kind = table["fields"][field]["type"]
            if kind == "number":
                cells[field] = self.rng.randint(0, 10 ** 9)
            elif kind == "checkbox":
                cells[field] = self.rng.random() < 0.5
            else:
                cells[field] = "%s %d" % (self.rng.choice(words), self.rng.randint(0, 10 ** 9))
        return cells


class _Work:
    """The tables while a transaction runs: a table is copied when it is first changed."""

    def __init__(self, base):
        self.base = base
        self.tables = dict(base.tables)
        self.own = set()

    def new_id(self, change, prefix):
        given = change.get("id")
        if given is None:
            return make_id(self.base.ids, prefix)
        if not isinstance(given, str) or not ID_FORM[prefix].fullmatch(given):
            raise BadChange("an id must be %s and 14 letters or digits: %r" % (prefix, given))
        return given

    def table(self, table_id):
        table = self.tables.get(table_id)
        if table is None:
            raise BadChange("there is no table %s" % table_id)
        if table_id not in self.own:
            table = dict(table, fields=copy.deepcopy(table["fields"]), records=dict(table["records"]))
            self.tables[table_id] = table
            self.own.add(table_id)
        return table


class _Log:
    """What a transaction did, in the words of a payload."""

    def __init__(self):
        self.changed, self.created, self.destroyed = {}, {}, []

    def table(self, table_id):
        return self.changed.setdefault(table_id, {})

    def part(self, table_id, name):
        return self.table(table_id).setdefault(name, [] if name.startswith("destroyed") else {})


def _create_table(work, change, log):
    table_id = work.new_id(change, "tbl")
    if table_id in work.tables:
        raise BadChange("the table %s exists" % table_id)
    fields = {}
    for spec in change.get("fields") or [{"name": "Name", "type": "singleLineText"}]:
        field_id = work.new_id(spec, "fld")
        fields[field_id] = {"id": field_id, "name": spec["name"], "type": spec.get("type", "singleLineText")}
    work.tables[table_id] = {"id": table_id, "name": change["name"], "fields": fields, "records": {}}
    work.own.add(table_id)
    log.created[table_id] = {
        "metadata": {"name": change["name"], "description": None},
        "fieldsById": {f["id"]: {"name": f["name"], "type": f["type"]} for f in fields.values()},
        "recordsById": {}}


def _destroy_table(work, change, log):
    work.table(change["id"])
    del work.tables[change["id"]]
    log.changed.pop(change["id"], None)
    log.created.pop(change["id"], None)
    log.destroyed.append(change["id"])


def _rename_table(work, change, log):
    table = work.table(change["id"])
    log.table(change["id"])["changedMetadata"] = {
        "current": {"name": change["name"]}, "previous": {"name": table["name"]}}
    table["name"] = change["name"]


def _create_field(work, change, log):
    table, field_id = work.table(change["table"]), work.new_id(change, "fld")
    if field_id in table["fields"]:
        raise BadChange("the field %s exists" % field_id)
    table["fields"][field_id] = {"id": field_id, "name": change["name"],
                                 "type": change.get("type", "singleLineText")}
    log.part(table["id"], "createdFieldsById")[field_id] = {
        "name": change["name"], "type": change.get("type", "singleLineText")}


def _change_field(work, change, log):
    table = work.table(change["table"])
    field = table["fields"].get(change["id"])
    if field is None:
        raise BadChange("there is no field %s" % change["id"])
    entry = {"current": {"name": change["name"]}, "previous": {"name": field["name"]}}
    field["name"] = change["name"]
    log.part(table["id"], "changedFieldsById")[change["id"]] = entry


def _destroy_field(work, change, log):
    table = work.table(change["table"])
    if table["fields"].pop(change["id"], None) is None:
        raise BadChange("there is no field %s" % change["id"])
    for record_id, record in list(table["records"].items()):
        if change["id"] in record["cells"]:
            cells = {k: v for k, v in record["cells"].items() if k != change["id"]}
            table["records"][record_id] = dict(record, cells=cells)
    log.part(table["id"], "destroyedFieldIds").append(change["id"])


def _cells(table, cells):
    for field_id in cells:
        if field_id not in table["fields"]:
            raise BadChange("there is no field %s" % field_id)
    return cells


def _create_record(work, change, log):
    table, record_id = work.table(change["table"]), work.new_id(change, "rec")
    if record_id in table["records"]:
        raise BadChange("the record %s exists" % record_id)
    if len(table["records"]) >= RECORDS_MAX:
        raise BadChange("a table holds at most %d records" % RECORDS_MAX)
    from .clock import iso
    record = {"id": record_id, "createdTime": iso(work.base.clock.now()),
              "cells": dict(_cells(table, change.get("cells") or {}))}
    table["records"][record_id] = record
    if "keys" in table:
        table["keys"].append(record_id)
    log.part(table["id"], "createdRecordsById")[record_id] = {
        "createdTime": record["createdTime"], "cellValuesByFieldId": dict(record["cells"])}


def _change_record(work, change, log):
    table = work.table(change["table"])
    record = table["records"].get(change["id"])
    if record is None:
        raise BadChange("there is no record %s" % change["id"])
    cells = _cells(table, change["cells"])
    previous = {k: record["cells"].get(k) for k in cells}
    table["records"][change["id"]] = dict(record, cells=dict(record["cells"], **cells))
    created = log.changed.get(table["id"], {}).get("createdRecordsById", {}).get(change["id"])
    if created is not None:
        created["cellValuesByFieldId"].update(cells)
        return
    entry = log.part(table["id"], "changedRecordsById").setdefault(
        change["id"], {"current": {"cellValuesByFieldId": {}}, "previous": {"cellValuesByFieldId": {}}})
    entry["current"]["cellValuesByFieldId"].update(cells)
    for field_id, value in previous.items():
        entry["previous"]["cellValuesByFieldId"].setdefault(field_id, value)


def _destroy_record(work, change, log):
    table = work.table(change["table"])
    if table["records"].pop(change["id"], None) is None:
        raise BadChange("there is no record %s" % change["id"])
    part = log.changed.get(table["id"], {})
    part.get("changedRecordsById", {}).pop(change["id"], None)
    if part.get("createdRecordsById", {}).pop(change["id"], None) is None:
        log.part(table["id"], "destroyedRecordIds").append(change["id"])


OPERATIONS = {
    "create_table": _create_table, "destroy_table": _destroy_table, "rename_table": _rename_table,
    "create_field": _create_field, "change_field": _change_field, "destroy_field": _destroy_field,
    "create_record": _create_record, "change_record": _change_record, "destroy_record": _destroy_record,
}
