"""What there is to say of figures in a table, said once under it."""

from __future__ import annotations

from string import ascii_lowercase
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from trueline.cli.tables import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console


class Notes:
    """The notes of one table: figures name them by letters, and they are printed under it."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def figure(self, figure: Mapping[str, Any], form: str = "{:.3f}") -> str:
        """A figure with its interval, and before it the letter of the note that says what must be known of it."""
        text = shown(figure, form)
        return text if figure["reason"] is None else f"({self._letter(figure['reason'])}) {text}"

    def say(self, console: Console) -> None:
        """Print the notes, and an empty line after them."""
        for reason, letter in self._letters.items():
            say(console, f"({letter}) {reason}", hanging=4)
        console.print()

    def _letter(self, reason: str) -> str:
        number = len(self._letters)
        rounds, place = divmod(number, len(ascii_lowercase))
        return self._letters.setdefault(reason, ascii_lowercase[place] * (rounds + 1))


def say(console: Console, text: str, hanging: int = 2) -> None:
    """Print a paragraph as wide as the console, its further lines indented by so much more than its first."""
    begins = " " * (len(text) - len(text.lstrip()))
    further = begins + " " * hanging
    lines = wrap(text.lstrip(), console.width, initial_indent=begins, subsequent_indent=further, break_on_hyphens=False)
    for line in lines:
        console.print(line, markup=False, highlight=False)


def stated(figure: Mapping[str, Any], form: str = "{:.3f}", unit: str = "") -> str:
    """A figure in a sentence, where there is room for what must be known of it."""
    text = shown(figure, form) + (f" {unit}" if unit else "")
    if figure["value"] is None:
        text = f"from {text}" if figure["interval"] is not None else "none"
    return text if figure["reason"] is None else f"{text}: {figure['reason']}"


def counted(mass: Mapping[str, int], grouping: str) -> str:
    """How much of something there is, in a table: events, and in a job grouped by bucket the buckets they are in."""
    return f"{mass['events']:,} in {mass['subjects']:,}" if grouping == "bucket" else f"{mass['events']:,}"


def counted_of(proportion: Mapping[str, Any], grouping: str) -> str:
    """How much of how much a share is, as `counted`."""
    part, whole = proportion["part"], proportion["whole"]
    events = f"{part['events']:,}/{whole['events']:,}"
    return f"{events} in {part['subjects']:,}/{whole['subjects']:,}" if grouping == "bucket" else events


def in_words(mass: Mapping[str, int], grouping: str) -> str:
    """The same in a sentence."""
    events = f"{mass['events']:,} event{'' if mass['events'] == 1 else 's'}"
    if grouping != "bucket":
        return events
    return f"{events} in {mass['subjects']:,} bucket{'' if mass['subjects'] == 1 else 's'}"
