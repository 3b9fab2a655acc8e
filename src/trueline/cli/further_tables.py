"""What a report tells of people, confidence and models, as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from trueline.cli.tables import print_table, shown, table

if TYPE_CHECKING:
    from rich.console import Console

_SHARE = "{:.3f}"
_FLIPPED_IDS = 3


def print_further(console: Console, body: dict[str, Any]) -> None:
    """Print the sections that were asked for."""
    for name, section in (("agreement", _agreement), ("confidence", _confidence), ("models", _models)):
        if body[name] is not None:
            section(console, body[name])


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False)


def _agreement(console: Console, of: dict[str, Any]) -> None:
    rows = table([f"{of['counted']} that two answers can be compared on", "", "same answer", "alpha", "ordinal alpha"])
    ceiling = of["human_ceiling"]
    named = [
        ("all votes", of["overall"]),
        *((f"{pair['first']} and {pair['second']}", pair) for pair in of["pairs"]),
        *((f"{each['analyst']} against the others", each) for each in of["analysts"]),
        ("analysts against the others", ceiling["analysts"]),
        ("the model against the same", ceiling["model"]),
    ]
    for name, each in named:
        figures = (shown(each[figure], _SHARE) for figure in ("raw_agreement", "nominal_alpha", "ordinal_alpha"))
        rows.add_row(escape(name), f"{each['subjects_compared']:,}", *figures)
    print_table(console, f"How far people agree: {of['subjects_with_votes']:,} {of['counted']} with votes", rows)
    _say(console, f"Model less analysts: {_figure(ceiling['difference'])}")
    if of["pairs_left_out"] or of["analysts_left_out"]:
        _say(console, f"Left out: {of['pairs_left_out']:,} pairs, {of['analysts_left_out']:,} analysts")
    console.print()


def _confidence(console: Console, of: dict[str, Any]) -> None:
    bands = table(["confidence", of["counted"], "reviewed", "mean confidence", "right"])
    for band in of["bands"]:
        if band["decisions"]:
            bands.add_row(
                f"{band['low']:g} to {band['high']:g}",
                f"{band['decisions']:,}",
                f"{band['reviewed']:,}",
                shown(band["mean_confidence"], "{:.1f}"),
                shown(band["right"], _SHARE),
            )
    print_table(console, f"Is its confidence worth anything: {of['reviewed']:,} of {of['decisions']:,} reviewed", bands)
    _say(console, f"Expected calibration error: {_figure(of['expected_calibration_error'])}")
    _say(console, f"Overconfidence: {_figure(of['overconfidence'])}")
    curve = table(["from", "share decided", "reviewed", "wrong", "error rate"])
    for point in of["automation"]:
        curve.add_row(
            f"{point['threshold']:g}",
            shown(point["share"], _SHARE),
            f"{point['reviewed']:,}",
            f"{point['wrong']:,}",
            shown(point["error_rate"], _SHARE),
        )
    print_table(console, "What may be decided without people", curve)
    if of["promise"] is not None:
        _say(console, _promise(of["promise"]))
        console.print()


def _promise(promise: dict[str, Any]) -> str:
    asked, point = f"At most {100 * promise['promised_error_rate']:g} % wrong", promise["kept_from"]
    if point is None:
        return f"{asked}: {promise['reason']}"
    share, most = 100 * point["share"]["value"], 100 * promise["error_at_most"]
    return f"{asked}: from {point['threshold']:g} on, {share:.3g} % of the decisions, at most {most:.3g} % wrong"


def _models(console: Console, of: dict[str, Any]) -> None:
    first, second = of["first_model"] or "the decision before", of["second_model"] or "the decision in force"
    table_of = of["subjects"]
    rows = table(["", escape(f"{second} right"), escape(f"{second} wrong")])
    rows.add_row(escape(f"{first} right"), f"{table_of['both_right']:,}", f"{table_of['only_first']:,}")
    rows.add_row(escape(f"{first} wrong"), f"{table_of['only_second']:,}", f"{table_of['neither']:,}")
    print_table(console, f"Which is better, in {of['counted']}: {first}, or {second}", rows)
    _say(console, f"Right: {_figure(of['first_right'])} and {_figure(of['second_right'])}")
    _say(console, f"Difference: {_figure(of['difference'])}; McNemar's p: {_figure(of['mcnemar_p_value'])}")
    flips = table(["from", "to", "events", "rightly", "wrongly", "nobody knows", "latest"], texts=2)
    for flip in of["flips"]:
        flips.add_row(
            escape(flip["first"]),
            escape(flip["second"]),
            f"{flip['events']:,}",
            f"{flip['second_right']:,}",
            f"{flip['first_right']:,}",
            f"{flip['without_truth']:,}",
            escape(", ".join(flip["events_ids"][:_FLIPPED_IDS])),
        )
    print_table(console, f"Flips of {of['events_decided_by_both']:,} events that both decided", flips)


def _figure(figure: dict[str, Any]) -> str:
    """A figure outside a table, where there is room for why it is missing."""
    return shown(figure, _SHARE) if figure["value"] is not None else f"none: {figure['reason']}"
