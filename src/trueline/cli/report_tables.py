"""The answer of the report route as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from trueline.cli.further_tables import print_further
from trueline.cli.tables import print_table, shown, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    Figure = dict[str, Any]

_POLICIES = ("implicit", "explicit")


def print_report(console: Console, body: dict[str, Any]) -> None:
    """Print what the route answered: the headline, how much was reviewed, scores, estimates, costs, parts."""

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    for line in _headline(body):
        say(line)
    say("")
    _reviewed(console, body["policies"]["reviewed"])
    _scores(console, body["scores"])
    _partly_reviewed(console, body["partly_reviewed"])
    for line in _costs(body["costs"]):
        say(line)
    say("")
    print_further(console, body)
    if body["intervals"] is not None:
        _parts(console, "Over time", ((each["local_start_time"], each) for each in body["intervals"]))
    if body["groups"] is not None:
        groups = body["groups"]
        named = [(each["value"], each) for each in groups["values"]]
        others = [("(other values)", groups["other_values"]), ("(without a value)", groups["without_value"])]
        _parts(console, f"By {groups['field']}", [*named, *others])
    say(f"Digest of request and data: {body['digest']}")


def _headline(body: dict[str, Any]) -> list[str]:
    missed = body["costs"]["missed"]
    bound, reviewed = missed["overall"], body["policies"]["reviewed"]["overall"]
    found, looked_at = bound["found"]["events"], bound["reviewed"]["events"]
    lines = [f"Missed {missed['label']}: {found:,} found in {looked_at:,} reviewed events decided otherwise"]
    if bound["rate"]["value"] is None:
        lines.append("  How many there may be nobody knows: none of them was reviewed")
    else:
        high = 100 * bound["rate"]["interval"]["high"]
        lines.append(f"  At most {high:.3g} % of them may be missed, at {100 * body['level']:g} %")
    if bound["rate"]["reason"] and bound["rate"]["value"] is not None:
        lines.append(f"  Note: {bound['rate']['reason']}")
    if missed["top_events_ids"]:
        lines.append(f"  Latest: {', '.join(missed['top_events_ids'])}")
    lines += [
        f"Of all events {reviewed['sentence']}; Undecided: {reviewed['undecided']['events']:,}",
        f"Window: {body['start_time'] or '-'} to {body['end_time'] or '-'}; days of {body['time_zone']}",
    ]
    return lines


def _reviewed(console: Console, reviewed: dict[str, Any]) -> None:
    rows = table(["decision", "events", "reviewed", "share", "Undecided"])
    for label, each in [*reviewed["per_decision"].items(), ("all", reviewed["overall"])]:
        share = each["share"]["value"]
        rows.add_row(
            escape(label),
            f"{each['total']['events']:,}",
            f"{each['reviewed']['events']:,}",
            "-" if share is None else f"{100 * share:.3g} %",
            f"{each['undecided']['events']:,}",
        )
    print_table(console, "Reviewed", rows)


def _scores(console: Console, scores: dict[str, Any]) -> None:
    for policy in _POLICIES:
        of = scores[policy]
        rows = table(["", "precision", "recall", "F1"])
        for label, each in of["per_label"].items():
            rows.add_row(escape(label), *(_figure(each[name]) for name in ("precision", "recall", "f1_score")))
        rows.add_row("mean", *(_figure(of[name]) for name in ("precision", "recall", "f1_score")))
        print_table(console, f"Scores, {policy}: accuracy {_figure(of['accuracy'])}", rows)
        if of["assumption"]:
            console.print(of["assumption"], markup=False, highlight=False)
            console.print()


def _partly_reviewed(console: Console, of: dict[str, Any]) -> None:
    rows = table(["label", "score", "reviewed only", "weighted for all", "worst to best"], texts=2)
    for label, scores in of["per_label"].items():
        for name, three in scores.items():
            figures = (_figure(three[way]) for way in ("reviewed_only", "weighted", "bounds"))
            rows.add_row(escape(label), name.replace("_", " "), *figures)
    print_table(console, "When only some were reviewed", rows)
    for label, each in of["basis"].items():
        console.print(f"{label}: {each['assumption']}", markup=False, highlight=False)
    console.print()
    _wrong_by_reason(console, of["wrong_by_reason"])


def _wrong_by_reason(console: Console, of: dict[str, Any]) -> None:
    rows = table(["decision", "reason", "reviewed", "wrong", "share wrong"], texts=2)
    for label, shares in of.items():
        for reason, share in shares.items():
            if share["whole"]["events"]:
                counts = (f"{share[each]['events']:,}" for each in ("whole", "part"))
                rows.add_row(escape(label), reason, *counts, _figure(share))
    if rows.row_count:
        print_table(console, "Why they were reviewed", rows)


def _costs(of: dict[str, Any]) -> list[str]:
    saved, cost = of["time_saved_minutes"], of["expected_cost"]
    return [
        f"Errors cost: {_amount(cost['total'])} {cost['unit']}",
        f"Time saved: {_amount(saved['saved'])} minutes, after rework of {_amount(saved['rework'])}",
        f"  The compatible figure says {saved['compatible']:,.0f}: what nobody contradicted counts as right",
    ]


def _parts(console: Console, title: str, parts: Iterable[tuple[str, dict[str, Any]]]) -> None:
    rows = table([title.lower(), "events", "reviewed", "accuracy, implicit", "accuracy, explicit", "missed"])
    for name, each in parts:
        reviewed = each["policies"]["reviewed"]["overall"]
        rows.add_row(
            escape(name),
            f"{reviewed['total']['events']:,}",
            f"{reviewed['reviewed']['events']:,}",
            *(_figure(each["scores"][policy]["accuracy"]) for policy in _POLICIES),
            f"{each['costs']['missed']['overall']['found']['events']:,}",
        )
    print_table(console, title, rows)


def _figure(figure: Figure) -> str:
    return shown(figure, "{:.3f}")


def _amount(figure: Figure) -> str:
    return shown(figure, "{:,.0f}")
