"""How far people agree, as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from trueline.cli.notes import Notes, say, stated
from trueline.cli.tables import print_table, side_by_side, table

if TYPE_CHECKING:
    from rich.console import Console

_LABELS_BESIDE = 3
_NAMES = 14
"""Columns for names; longer ones fold, so that the figures need not."""
_FIGURES = ("raw_agreement", "nominal_alpha", "ordinal_alpha")


def print_agreement(console: Console, of: dict[str, Any]) -> None:
    """Print how far answers agree, which labels they give, and on how many subjects each analyst stands alone."""
    ceiling = of["human_ceiling"]
    named = [
        ("all votes", of["overall"]),
        *((f"{pair['first']}, {pair['second']}", pair) for pair in of["pairs"]),
        *((f"{each['analyst']}, others", each) for each in of["analysts"]),
        ("analysts, others", ceiling["analysts"]),
        ("model, others", ceiling["model"]),
    ]
    notes = Notes()
    rows = table(["", of["counted"], "same answer", "alpha", "ordinal alpha"], widest=_NAMES)
    for name, each in named:
        rows.add_row(escape(name), f"{each['subjects_compared']:,}", *(notes.figure(each[name]) for name in _FIGURES))
    print_table(
        console, f"How far people agree: {of['subjects_with_votes']:,} {of['counted']} with votes", rows, gap=False
    )
    say(console, f"others: the consensus of all other votes. {of['counted']}: those with two answers to compare.")
    say(console, f"Model less analysts: {stated(ceiling['difference'])}")
    if of["pairs_left_out"] or of["analysts_left_out"]:
        say(console, f"Left out: {of['pairs_left_out']:,} pairs, {of['analysts_left_out']:,} analysts")
    notes.say(console)
    _prevalence(console, named)
    _alone(console, of["analysts"])


def _prevalence(console: Console, named: list[tuple[str, dict[str, Any]]]) -> None:
    for labels in side_by_side(list(named[0][1]["prevalence"]), _LABELS_BESIDE):
        notes = Notes()
        rows = table(["", *map(escape, labels)], widest=_NAMES)
        for name, each in named:
            rows.add_row(escape(name), *(notes.figure(each["prevalence"][label]) for label in labels))
        print_table(console, "Prevalence: the share of each label among the answers compared", rows, gap=False)
        notes.say(console)


def _alone(console: Console, analysts: list[dict[str, Any]]) -> None:
    if analysts:
        rows = table(["analyst", "with a vote", "nobody else voted", "others undecided"])
        for each in analysts:
            counts = (f"{each[name]:,}" for name in ("subjects_with_vote", "alone", "others_undecided"))
            rows.add_row(escape(each["analyst"]), *counts)
        print_table(console, "Of each analyst, on how many there is no consensus of others to compare with", rows)
