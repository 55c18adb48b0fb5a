"""Rows of figures: medians, ratios of runs that stood side by side, goals, tables."""

import json
import statistics


class Book:
    """Every run, as it was; also in build/bench/raw.jsonl, one line each."""

    def __init__(self, path):
        self.runs = []
        self.out = open(path, "w", encoding="utf-8")

    def add(self, section, round_, run):
        run = {"section": section, "round": round_, **run}
        self.runs.append(run)
        self.out.write(json.dumps(run) + "\n")
        self.out.flush()
        return run

    def select(self, **wanted):
        return [r for r in self.runs if all(r.get(k) == v for k, v in wanted.items())]

    def median(self, field, **wanted):
        values = [r[field] for r in self.select(**wanted)]
        return statistics.median(values) if values else None

    def void(self, **wanted):
        return next((r["void"] for r in self.select(**wanted) if r.get("void")), "")

    def ratio(self, field, one, other, **wanted):
        """(median, least, most) of one's value over the other's in the same round, or None."""
        if self.void(receiver=one, **wanted) or self.void(receiver=other, **wanted):
            return None
        theirs = {r["round"]: r[field] for r in self.select(receiver=other, **wanted)}
        ratios = sorted(r[field] / theirs[r["round"]] for r in self.select(receiver=one, **wanted)
                        if theirs.get(r["round"]))
        return (statistics.median(ratios), ratios[0], ratios[-1]) if ratios else None


def shown(ratio):
    return "-" if ratio is None else f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})"


def thousands(value):
    return f"{value:,.0f}".replace(",", " ")


def spread(values):
    """Half the distance of the extremes, as a share of the median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle * 100 if middle else 0


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]) + "\n"


class Goals:
    """What was to be reached, and whether it was."""

    def __init__(self):
        self.rows = []

    def at_least(self, what, ratio, bound):
        self.judge(what, ratio, bound, "≥", lambda v: v >= bound)

    def at_most(self, what, ratio, bound):
        self.judge(what, ratio, bound, "≤", lambda v: v <= bound)

    def judge(self, what, ratio, bound, sign, holds):
        if ratio is None:
            return
        triple = ratio if isinstance(ratio, tuple) else (ratio, ratio, ratio)
        told = shown(triple) if triple[1] != triple[2] else f"{triple[0]:.2f}"
        verdict = "met" if holds(triple[0]) else f"short by {abs(1 - triple[0] / bound) * 100:.0f} %"
        self.rows.append((what, f"{sign} {bound}", told, verdict))

    def text(self):
        return table(["goal", "bound", "measured", ""], self.rows) if self.rows else ""
