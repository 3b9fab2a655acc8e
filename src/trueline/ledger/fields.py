"""The fields of a job's documents: their paths, and what kinds of value they hold.

The columns of a job's table say which paths there are and of what kinds: no event is read for that. What columns do not
say, such as whether a text is a date, is read from the latest events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.filters.numbers import parse_number
from trueline.instants import parse_instant
from trueline.ledger.document_columns import (
    BOOLEAN_TAG,
    MAX_INTEGER,
    MIN_INTEGER,
    NUMBER_TAG,
    OBJECT_TAG,
    TEXT_TAG,
    ValueKind,
    column_name,
    parts_of,
    path_of,
)
from trueline.ledger.other_paths import OTHER_PATHS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTable, JobTables

LATEST = 1_000
"""So many of the latest events are looked into."""

_DIFFERENT = 100
"""So many different values of each path are looked at."""
_LONGEST = 64
"""Of longer texts none is a date, and hardly one a number."""


@dataclass(slots=True)
class PathKinds:
    """What kinds of value a path holds, or held once, in some event."""

    text: bool = False
    """Texts, or values of a kind that is not known."""
    integer: bool = False
    double: bool = False
    boolean: bool = False
    object: bool = False
    dates: bool = False
    """There are texts among the latest that are dates or times."""
    other_texts: bool = False
    """There are texts among the latest that are not."""
    number_texts: bool = False
    """There are texts among the latest that are numbers."""

    @property
    def has_values(self) -> bool:
        """Whether there is anything but objects."""
        return self.text or self.integer or self.double or self.boolean

    def see(self, texts: Iterable[str]) -> None:
        """Take in texts of the path."""
        for text in texts:
            self.text = True
            if is_date(text):
                self.dates = True
            else:
                self.other_texts = True
                self.number_texts |= parse_number(text) is not None

    def see_tagged(self, values: Iterable[str]) -> None:
        """Take in values as lists of documents hold them."""
        for value in values:
            tag, bare = value[:1], value[1:]
            if tag == TEXT_TAG:
                self.see([bare])
            elif tag == NUMBER_TAG:
                number = parse_number(bare)
                whole = isinstance(number, int) and MIN_INTEGER <= number <= MAX_INTEGER
                self.integer |= whole
                self.double |= not whole
            self.boolean |= tag == BOOLEAN_TAG
            self.object |= tag == OBJECT_TAG


@dataclass(frozen=True, slots=True)
class Breadth:
    """How many distinct paths the documents of a job have."""

    with_columns: int
    """That have columns of their own."""
    most: int
    """That may have."""
    has_others: bool
    """Whether some have none, and are searched more slowly."""


def is_date(text: str) -> bool:
    """Whether a text is an ISO 8601 date or time."""
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True


class FieldQuery:
    """Tells the fields of the jobs of one store."""

    def __init__(self, engine: Engine, tables: JobTables) -> None:
        self._engine = engine
        self._tables = tables

    def paths(self, job_id: int) -> dict[str, PathKinds]:
        """The paths of a job's documents.

        One that no event has any more, as those that had it were sent again without it, is among them; of the paths
        that have no columns, only those are that the latest events have.
        """
        table = self._tables.of(job_id)
        found: dict[str, PathKinds] = {}
        lists: list[str] = []
        texts: dict[str, str] = {}
        for column in sorted(table.columns):
            kind, escaped = parts_of(column)
            path = path_of(escaped)
            kinds = found.setdefault(path, PathKinds())
            match kind:
                case ValueKind.TEXT | ValueKind.LONG_TEXT:
                    kinds.text = True
                    texts[column] = path
                case ValueKind.SEVERAL:
                    lists.append(path)
                case _:
                    setattr(kinds, kind, True)
        for path, values in zip(texts.values(), self._latest_texts(table, texts), strict=True):
            found[path].see(values)
        for path, values in self._latest_lists(table, lists):
            found[path].see_tagged(values)
            found[path].text |= not found[path].has_values  # nobody knows what the lists of earlier events hold
        for path, values in self._latest_others(table):
            found.setdefault(path, PathKinds()).see_tagged(values)
        return found

    def breadth(self, job_id: int) -> Breadth:
        """How many paths of a job's documents are searched fast, and whether there are others."""
        table = self._tables.of(job_id)
        return Breadth(len(table.paths), table.max_paths, table.has_others)

    def _latest_texts(self, table: JobTable, names: Iterable[str]) -> list[list[str]]:
        columns = [f"`{name}`" for name in names]
        shortened = [f"groupUniqArray({_DIFFERENT})(if(length({c}) > {_LONGEST}, 'long', {c}))" for c in columns]
        return self._of_latest(table, columns, shortened)

    def _latest_lists(self, table: JobTable, paths: list[str]) -> Iterable[tuple[str, list[str]]]:
        columns = [f"`{column_name(ValueKind.SEVERAL, path)}`" for path in paths]
        shortened = [f"groupUniqArrayArray({_DIFFERENT})({_shortened(column)})" for column in columns]
        return zip(paths, self._of_latest(table, columns, shortened), strict=True)

    def _of_latest(self, table: JobTable, columns: list[str], gathered: list[str]) -> list[list[str]]:
        if not columns:
            return []
        (row,) = self._engine.rows(
            f"SELECT {', '.join(f'{each} AS value_{place}' for place, each in enumerate(gathered))}"
            f" FROM ({_latest(table, columns)})"
        )
        return list(row)

    def _latest_others(self, table: JobTable) -> Iterable[tuple[str, list[str]]]:
        if not table.has_others:
            return []
        rows = self._engine.rows(
            f"SELECT entry.1 AS path, groupUniqArrayArray({_DIFFERENT})({_shortened('entry.2')})"
            f" FROM (SELECT arrayJoin(arrayZip(mapKeys({OTHER_PATHS}), mapValues({OTHER_PATHS}))) AS entry"
            f" FROM ({_latest(table, [OTHER_PATHS])})) GROUP BY path"
        )
        return [(path, values) for path, values in rows]


def _latest(table: JobTable, columns: list[str]) -> str:
    return f"SELECT {', '.join(columns)} FROM {table.name} WHERE sign > 0 ORDER BY ts DESC LIMIT {LATEST}"


def _shortened(values: str) -> str:
    """Tagged values, of the long ones the tag alone."""
    return f"arrayMap(v -> if(length(v) > {_LONGEST}, substring(v, 1, 1), v), {values})"
