"""The alerts as plain columns in memory: the exact answers, and how fast they can be had without a store."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

PUBLISHED = (1_745_038, 19_543, 72_212, 819_028)
"""What the whole set must give, in the order of `Counts`."""

Counts = tuple[int, int, int, int]
"""True positives, false positives, false negatives, true negatives; an attack is the positive."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question to ``POST /api/v2/metrics/job``."""

    title: str
    target_milliseconds: float
    """The median it is to stay under."""
    day: str | None = None
    operator: str | None = None
    """Of a filter on ``name``: ``is`` or ``contains``."""
    name: str = ""
    truth: str = "implicit"

    @property
    def parameters(self) -> dict[str, str]:
        """The query of the request, but for the job."""
        window = {} if self.day is None else {"start_datetime": self.day, "end_datetime": self.day}
        return {**window, "truth": self.truth}

    @property
    def body(self) -> dict[str, list[dict[str, str]]]:
        """The body of the request."""
        if self.operator is None:
            return {}
        return {"filters": [{"field": "name", "operator": self.operator, "value": self.name}]}


_BUSIEST_DAY = "2022-02-07"
_FREQUENT = "Wazuh: Web server 400 error code."  # six of ten alerts: no filter on a name passes more
_WITHOUT_FILTER, _WITH_FILTER = 150.0, 300.0

QUESTIONS = (
    Question("no filter", _WITHOUT_FILTER),
    Question("name is", _WITH_FILTER, operator="is", name=_FREQUENT),
    Question("name contains", _WITH_FILTER, operator="contains", name="Suricata"),
    Question("one day", _WITHOUT_FILTER, day=_BUSIEST_DAY),
    Question("name is, one day", _WITH_FILTER, day=_BUSIEST_DAY, operator="is", name=_FREQUENT),
    Question("explicit truth", _WITHOUT_FILTER, truth="explicit"),
)


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """One page of ``POST /api/v2/events/query``, by time."""

    title: str
    of: Question
    """Says which events."""
    page: int = 0
    sort_order: str = "desc"

    @property
    def body(self) -> dict[str, object]:
        """The body of the request, but for the job and the size."""
        window = {} if self.of.day is None else {"start_date": self.of.day, "end_date": self.of.day}
        return {**self.of.body, **window, "page": self.page, "sort_order": self.sort_order}


_OF_FREQUENT = Question("name is", _WITH_FILTER, operator="is", name=_FREQUENT)
PAGES = (
    PageQuestion("no filter, latest first", Question("no filter", _WITHOUT_FILTER)),
    PageQuestion("name is, latest first", _OF_FREQUENT),
    PageQuestion("name is, earliest first", _OF_FREQUENT, sort_order="asc"),
    PageQuestion("name is, page 1,000", _OF_FREQUENT, page=1_000),
    PageQuestion("name contains", Question("name contains", _WITH_FILTER, operator="contains", name="Suricata")),
    PageQuestion("name is, one day", Question("", _WITH_FILTER, day=_BUSIEST_DAY, operator="is", name=_FREQUENT)),
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The alerts, one element a row in each array."""

    seconds: NDArray[np.int64]
    """Since 1970."""
    names: list[str]
    """Each name once."""
    name: NDArray[np.int64]
    """The place in `names`."""
    attack_decided: NDArray[np.bool_]
    attack_found: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.seconds)

    def counts(self, question: Question) -> Counts:
        """Answer a question. Every alert has a truth, so both policies come to the same."""
        passes = self._passing(question)
        decided, found = self.attack_decided[passes], self.attack_found[passes]
        cells = np.bincount(2 * found + decided, minlength=4)
        return int(cells[3]), int(cells[1]), int(cells[2]), int(cells[0])

    def page(self, question: PageQuestion, size: int) -> tuple[int, list[str]]:
        """How many alerts a page is one of, and the times of those on it, as they are shown."""
        seconds = np.sort(self.seconds[self._passing(question.of)])
        if question.sort_order == "desc":
            seconds = seconds[::-1]
        shown = seconds[question.page * size : (question.page + 1) * size]
        return len(seconds), [f"{datetime.fromtimestamp(each, UTC):%Y-%m-%dT%H:%M:%SZ}" for each in shown.tolist()]

    def _passing(self, question: Question) -> NDArray[np.bool_]:
        passes = np.ones(len(self), dtype=np.bool_)
        if question.day is not None:
            midnight = datetime.fromisoformat(question.day).replace(tzinfo=UTC)
            until = midnight + timedelta(days=1)
            passes &= (self.seconds >= midnight.timestamp()) & (self.seconds < until.timestamp())
        if question.operator is not None:
            met: Callable[[str], bool] = (
                question.name.__eq__ if question.operator == "is" else lambda name: question.name in name
            )
            passes &= np.array([met(name) for name in self.names])[self.name]
        return passes


def read_columns(archive: Path) -> Columns:
    """Read all members of the zip."""
    seconds, name = array("q"), array("q")
    decided, found = bytearray(), bytearray()
    places: dict[str, int] = {}
    with zipfile.ZipFile(archive) as opened:
        for row in _rows(opened):
            seconds.append(int(row[0]))
            name.append(places.setdefault(row[1], len(places)))
            decided.append(row[5] != "false_positive")
            found.append(row[6] != "-")
    return Columns(
        np.frombuffer(seconds, dtype=np.int64),
        list(places),
        np.frombuffer(name, dtype=np.int64),
        np.frombuffer(decided, dtype=np.bool_),
        np.frombuffer(found, dtype=np.bool_),
    )


def _rows(opened: zipfile.ZipFile) -> Iterator[list[str]]:
    for member in opened.namelist():
        with opened.open(member) as stream:
            rows = csv.reader(io.TextIOWrapper(stream, encoding="utf-8", newline=""))
            next(rows)
            yield from rows


def write_part(archive: Path, part: Path, rows: int) -> None:
    """Write a zip of the same members with every n-th of their rows, together about so many."""
    step = max(1, sum(PUBLISHED) // rows)
    with zipfile.ZipFile(archive) as opened, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as written:
        for member in opened.namelist():
            with opened.open(member) as stream:
                header = next(stream)
                written.writestr(member, header + b"".join(itertools.islice(stream, 0, None, step)))
