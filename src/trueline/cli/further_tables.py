"""What a report tells of people, confidence and models, as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from trueline.cli.notes import Notes, say, stated
from trueline.cli.people_tables import print_agreement
from trueline.cli.tables import print_table, table

if TYPE_CHECKING:
    from rich.console import Console

_FLIPPED_IDS = 3


def print_further(console: Console, body: dict[str, Any]) -> None:
    """Print the sections that were asked for."""
    for name, section in (("agreement", print_agreement), ("confidence", _confidence), ("models", _models)):
        if body[name] is not None:
            section(console, body[name])


def _confidence(console: Console, of: dict[str, Any]) -> None:
    _bands(console, of)
    notes = Notes()
    curve = table(["from", of["counted"], "share decided", "reviewed", "wrong", "error rate"])
    for point in of["automation"]:
        curve.add_row(
            f"{point['threshold']:g}",
            f"{point['decisions']:,}",
            notes.figure(point["share"]),
            f"{point['reviewed']:,}",
            f"{point['wrong']:,}",
            notes.figure(point["error_rate"]),
        )
    print_table(console, "What may be decided without people; bounds of the error rate are one-sided", curve, gap=False)
    if of["promise"] is not None:
        say(console, _promise(of["promise"]))
    notes.say(console)


def _bands(console: Console, of: dict[str, Any]) -> None:
    notes = Notes()
    bands = table(["confidence", of["counted"], "reviewed", "mean confidence", "right"])
    for band in of["bands"]:
        if band["decisions"]:
            bands.add_row(
                f"{band['low']:g} to {band['high']:g}",
                f"{band['decisions']:,}",
                f"{band['reviewed']:,}",
                notes.figure(band["mean_confidence"], "{:.1f}"),
                notes.figure(band["right"]),
            )
    title = f"Is its confidence worth anything: {of['reviewed']:,} of {of['decisions']:,} reviewed"
    without = f"without a confidence: {of['without_confidence']:,}"
    print_table(console, f"{title}; {without}", bands, gap=False)
    error, chance = stated(of["expected_calibration_error"]), stated(of["error_by_chance"])
    say(console, f"Expected calibration error, of {of['decisions_in_reviewed_bands']:,} in reviewed bands: {error}")
    say(console, f"  of which by chance alone: {chance}")
    say(console, f"Overconfidence: {stated(of['overconfidence'])}")
    notes.say(console)


def _promise(promise: dict[str, Any]) -> str:
    asked, point = f"At most {100 * promise['promised_error_rate']:g} % wrong", promise["kept_from"]
    if point is None:
        return f"{asked}: {promise['reason']}"
    share, most = 100 * point["share"]["value"], 100 * promise["error_at_most"]
    return f"{asked}: from {point['threshold']:g} on, {share:.3g} % of the decisions, at most {most:.3g} % wrong"


def _models(console: Console, of: dict[str, Any]) -> None:
    first, second = of["first_model"] or "the decision before", of["second_model"] or "the decision in force"
    rows = table(["", escape(f"{second} right"), escape(f"{second} wrong")])
    rows.add_row(escape(f"{first} right"), _both(of, "both_right"), _both(of, "only_first"))
    rows.add_row(escape(f"{first} wrong"), _both(of, "only_second"), _both(of, "neither"))
    counted = "events (and in buckets)" if of["counted"] == "buckets" else "events"
    print_table(console, f"Which is better, in {counted}: {first}, or {second}", rows, gap=False)
    say(console, f"Right: {stated(of['first_right'])}")
    say(console, f"  and {stated(of['second_right'])}")
    say(console, f"Difference: {stated(of['difference'])}")
    say(console, f"McNemar's p: {stated(of['mcnemar_p_value'])}")
    console.print()
    flips = table(["from", "to", "events", "rightly", "wrongly", "neither right", "nobody knows", "latest"], texts=2)
    for flip in of["flips"]:
        names = ("events", "second_right", "first_right", "neither_right", "without_truth")
        ids = ", ".join(flip["events_ids"][:_FLIPPED_IDS])
        flips.add_row(
            escape(flip["first"]), escape(flip["second"]), *(f"{flip[name]:,}" for name in names), escape(ids)
        )
    both, known = of["events_decided_by_both"], of["events_with_truth"]
    title = f"Flips of {both:,} events that both decided, {known:,} of them with a known truth"
    print_table(console, title, flips, gap=not of["flips_left_out"])
    if of["flips_left_out"]:
        say(console, f"Left out: {of['flips_left_out']:,} kinds of flips")
        console.print()


def _both(of: dict[str, Any], which: str) -> str:
    events = f"{of['events'][which]:,}"
    return f"{events} in {of['subjects'][which]:,}" if of["counted"] == "buckets" else events
