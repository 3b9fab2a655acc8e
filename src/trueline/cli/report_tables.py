"""The answer of the report route as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from trueline.cli.further_tables import print_further
from trueline.cli.notes import Notes, counted, counted_of, say
from trueline.cli.report_headline import print_costs, print_headline, print_missed
from trueline.cli.tables import print_table, side_by_side, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

_POLICIES = ("implicit", "explicit")
_DECISIONS_BESIDE = 4
"""Columns of the confusion matrix beside each other; others follow below."""


def print_report(console: Console, body: dict[str, Any]) -> None:
    """Print what the route answered: the headline, how much was reviewed, scores, estimates, costs, parts."""
    grouping = body["grouping"]
    print_headline(console, body)
    print_missed(console, body["costs"]["missed"], grouping)
    _reviewed(console, body["policies"]["reviewed"], grouping)
    _matrices(console, body["policies"])
    _scores(console, body["scores"], grouping)
    _partly_reviewed(console, body["partly_reviewed"], grouping)
    print_costs(console, body)
    print_further(console, body)
    if body["intervals"] is not None:
        named = [(_clock(each["local_start_time"]), each) for each in body["intervals"]]
        _parts(console, "Over time", named, grouping)
    if body["groups"] is not None:
        groups = body["groups"]
        named = [(each["value"], each) for each in groups["values"]]
        others = [("(other values)", groups["other_values"]), ("(without a value)", groups["without_value"])]
        _parts(console, f"By {groups['field']}", [*named, *others], grouping)
    say(console, f"Digest of request and data: {body['digest']}")


def _reviewed(console: Console, reviewed: dict[str, Any], grouping: str) -> None:
    notes = Notes()
    rows = table(["decision", "events", "reviewed", "share", "Undecided"])
    for label, each in [*reviewed["per_decision"].items(), ("all", reviewed["overall"])]:
        total, seen, undecided = (counted(each[name], grouping) for name in ("total", "reviewed", "undecided"))
        share = each["share"]
        shown = notes.figure(share) if share["value"] is None else f"{100 * share['value']:.3g} %"
        rows.add_row(escape(label), total, seen, shown, undecided)
    print_table(console, "Reviewed", rows, gap=False)
    notes.say(console)


def _matrices(console: Console, policies: dict[str, Any]) -> None:
    labels = list(policies["reviewed"]["per_decision"])
    implicit, explicit = (policies[policy]["confusion_matrix"] for policy in _POLICIES)
    title = "Confusion matrix in events: a row for each truth, a column for each decision; implicit/explicit"
    for columns in side_by_side(range(len(labels)), _DECISIONS_BESIDE):
        rows = table(["", *(escape(labels[column]) for column in columns)])
        for label, taken, known in zip(labels, implicit, explicit, strict=True):
            rows.add_row(escape(label), *(f"{taken[column]:,}/{known[column]:,}" for column in columns))
        print_table(console, title, rows)


def _scores(console: Console, scores: dict[str, Any], grouping: str) -> None:
    for policy in _POLICIES:
        of, notes = scores[policy], Notes()
        rows = table(["", "precision", "recall", "F1"])
        for label, each in of["per_label"].items():
            shares = (f"{notes.figure(each[name])}\n{counted_of(each[name], grouping)}" for name in _OF_LABEL)
            rows.add_row(escape(label), *shares, notes.figure(each["f1_score"]))
        rows.add_row("mean", *(notes.figure(of[name]) for name in (*_OF_LABEL, "f1_score")))
        accuracy = f"{notes.figure(of['accuracy'])}, {counted_of(of['accuracy'], grouping)}"
        print_table(console, f"Scores, {policy}: accuracy {accuracy}", rows, gap=False)
        if of["assumption"]:
            say(console, of["assumption"])
        notes.say(console)


_OF_LABEL = ("precision", "recall")


def _partly_reviewed(console: Console, of: dict[str, Any], grouping: str) -> None:
    notes = Notes()
    rows = table(["label", "score", "reviewed only", "weighted for all", "worst to best"], texts=2)
    for label, scores in of["per_label"].items():
        for name, three in scores.items():
            figures = (notes.figure(three[way]) for way in ("reviewed_only", "weighted", "bounds"))
            rows.add_row(escape(label), name.replace("_", " "), *figures)
    print_table(console, "When only some were reviewed", rows, gap=False)
    alike: dict[str, list[str]] = {}
    for label, each in of["basis"].items():
        alike.setdefault(each["assumption"], []).append(label)
    for assumption, labels in alike.items():
        say(console, f"{', '.join(labels)}: {assumption}")
    notes.say(console)
    _wrong_by_reason(console, of["wrong_by_reason"], grouping)


def _wrong_by_reason(console: Console, of: dict[str, Any], grouping: str) -> None:
    notes, rows = Notes(), table(["decision", "reason", "wrong of reviewed", "share wrong"], texts=2)
    for label, shares in of.items():
        for reason, share in shares.items():
            if share["whole"]["events"]:
                rows.add_row(escape(label), reason, counted_of(share, grouping), notes.figure(share))
    if rows.row_count:
        print_table(console, "Why they were reviewed", rows, gap=False)
        notes.say(console)


def _clock(moment: str) -> str:
    """A local time without seconds, which no interval but a cut one begins with, and where it may be folded."""
    return moment.replace("T", " ").replace(":00+", "+").replace(":00-", "-")


def _parts(console: Console, title: str, parts: Iterable[tuple[str, dict[str, Any]]], grouping: str) -> None:
    notes = Notes()
    rows = table([title.lower(), "events", "reviewed", "accuracy, implicit", "accuracy, explicit", "missed"])
    for name, each in parts:
        reviewed = each["policies"]["reviewed"]["overall"]
        rows.add_row(
            escape(name),
            *(counted(reviewed[which], grouping) for which in ("total", "reviewed")),
            *(notes.figure(each["scores"][policy]["accuracy"]) for policy in _POLICIES),
            counted(each["costs"]["missed"]["overall"]["found"], grouping),
        )
    print_table(console, title, rows, gap=False)
    notes.say(console)
