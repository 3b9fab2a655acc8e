"""The headline of a report, and what errors cost, in sentences and one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from trueline.cli.notes import Notes, counted, counted_of, in_words, say, stated
from trueline.cli.tables import print_table, table

if TYPE_CHECKING:
    from rich.console import Console


def print_headline(console: Console, body: dict[str, Any]) -> None:
    """Print what was missed of the label that matters most, how much was reviewed, and what the report is about."""
    grouping, missed = body["grouping"], body["costs"]["missed"]
    bound, shares = missed["overall"], body["policies"]["reviewed"]
    found, reviewed = in_words(bound["found"], grouping), counted(bound["reviewed"], grouping)
    say(console, f"Missed {missed['label']}: {found}, of {reviewed} reviewed and decided otherwise")
    decided = sum(each["total"]["events"] for label, each in shares["per_decision"].items() if label != missed["label"])
    say(console, f"  {_at_most(bound['rate'], decided, body)}")
    say(console, f"  Of all events missed, estimated: {stated(missed['estimated'], '{:,.0f}')}")
    if missed["top_events_ids"]:
        say(console, f"  Latest: {', '.join(missed['top_events_ids'])}")
    overall = shares["overall"]
    sentence, undecided = overall["sentence"], in_words(overall["undecided"], grouping)
    say(console, f"Of all events {sentence}; Undecided: {undecided}")
    say(console, f"Window: {body['start_time'] or '-'} to {body['end_time'] or '-'}; days of {body['time_zone']}")
    say(console, f"As of: {body['as_of'] or 'now'}")
    percent = f"{100 * body['level']:g} %"
    say(console, f"[low to high] is an interval at {percent}; without brackets: all that is possible, no value")
    if grouping == "bucket":
        say(console, "All counts are of events; after 'in' stand those of the buckets that they are in")
    console.print()


def _at_most(rate: dict[str, Any], decided: int, body: dict[str, Any]) -> str:
    if not decided:
        return "No event was decided otherwise, so none can have been missed"
    if rate["value"] is None:
        return f"How many of {decided:,} decided otherwise are missed nobody knows: {rate['reason']}"
    share, high = 100 * rate["value"], 100 * rate["interval"]["high"]
    subjects = "buckets" if body["grouping"] == "bucket" else "events"
    line = f"{share:.3g} % of these {subjects}; of all {subjects} decided otherwise at most {high:.3g} %"
    line = f"{line}, at {100 * body['level']:g} %"
    return line if rate["reason"] is None else f"{line}: {rate['reason']}"


def print_missed(console: Console, of: dict[str, Any], grouping: str) -> None:
    """Print what was missed of each other decision: the rate with its one-sided bound."""
    notes = Notes()
    rows = table(["decision", "missed", "reviewed", "rate, from 0 to its bound"])
    for label, each in [*of["per_decision"].items(), ("all of these", of["overall"])]:
        counts = (counted(each[name], grouping) for name in ("found", "reviewed"))
        rows.add_row(escape(label), *counts, notes.figure(each["rate"]))
    of_what = "buckets" if grouping == "bucket" else "events"
    title = f"Missed {of['label']}, by decision: the rate is that of {of_what}, its bound one-sided"
    print_table(console, title, rows, gap=False)
    say(console, f"Miss rate, reviewed only: {stated(of['miss_rate'])}, {counted_of(of['miss_rate'], grouping)}")
    notes.say(console)


def print_costs(console: Console, body: dict[str, Any]) -> None:
    """Print what errors cost and what right decisions save, beside what the compatible endpoint says."""
    costs, policies = body["costs"], body["policies"]
    saved, cost = costs["time_saved_minutes"], costs["expected_cost"]
    say(console, f"Errors cost: {_amount(cost['total'], cost['unit'])}")
    say(console, f"Time saved: {_amount(saved['saved'], 'minutes')}")
    say(console, f"  after rework of {_amount(saved['rework'], 'minutes')}")
    explicit = policies["explicit"]["time_saved_minutes"]
    compatible = f"The compatible figure says {saved['compatible']:,.0f}: what nobody contradicted counts as right"
    say(console, f"  {compatible}; {explicit:,.0f} of reviewed events only")
    console.print()


def _amount(figure: dict[str, Any], unit: str) -> str:
    return stated(figure, "{:,.0f}", unit)
