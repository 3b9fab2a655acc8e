"""Filters on a path of the document, as SQL conditions on the columns that the path has in a job's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trueline.filters.operators import Comparison
from trueline.ledger import membership as among
from trueline.ledger import predicates as of
from trueline.ledger.document_columns import (
    BOOLEAN_TAG,
    MAX_PATH_LENGTH,
    NUMBER_TAG,
    OBJECT_TAG,
    TEXT_TAG,
    TEXTS,
    ValueKind,
)
from trueline.ledger.membership import Wanted
from trueline.ledger.other_paths import OTHER_PATHS

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.filters.request import Filter, Scalar
    from trueline.ledger.job_tables import JobTable
    from trueline.ledger.parameters import Parameters


@dataclass(frozen=True, slots=True)
class ColumnAt:
    """A column in which values of one kind stand that a path reaches."""

    kind: ValueKind
    expression: str

    def there(self, named: str) -> str:
        """Whether anything stands in it, where it goes by some name."""
        if self.kind is ValueKind.SEVERAL:
            return f"notEmpty({named})"
        return named if self.kind is ValueKind.OBJECT else f"isNotNull({named})"


def columns_at(path: str, table: JobTable, into: Parameters) -> list[ColumnAt]:
    """The columns of a job's table in which the values at a path stand; none where no document has any."""
    if len(path) > MAX_PATH_LENGTH:  # no document has such a path to a value
        return []
    found = [ColumnAt(kind, column) for kind in ValueKind if (column := table.column(kind, path)) is not None]
    if table.may_be_apart(path):
        found.append(ColumnAt(ValueKind.SEVERAL, f"{OTHER_PATHS}[{into.text(path)}]"))
    return found


def on_document(each: Filter, table: JobTable, into: Parameters) -> str:
    """The condition on the values at a path: of its columns, each of one kind, and of its lists of tagged values."""
    found = columns_at(each.field, table, into)
    if each.operator.comparison is Comparison.EXISTS:
        return of.any_of([column.there(column.expression) for column in found])
    lists = [column.expression for column in found if column.kind is ValueKind.SEVERAL]
    columns = {
        column.kind: column.expression for column in found if column.kind not in {ValueKind.SEVERAL, ValueKind.OBJECT}
    }
    test = _Test(each, into)
    tests = [f"ifNull({met}, 0)" for kind, column in columns.items() if (met := test.column(kind, column)) != of.NEVER]
    if lists and (element := test.element()) != of.NEVER:
        tests += [f"arrayExists(v -> v != '{OBJECT_TAG}' AND {element}, {values})" for values in lists]
    return of.any_of(tests)


class _Test:
    """What a filter asks of one value of a document."""

    def __init__(self, each: Filter, into: Parameters) -> None:
        self._comparison = each.operator.comparison
        self._value = each.value
        self._into = into
        self._members = each.members

    def column(self, kind: ValueKind, column: str) -> str:
        """Of the value in a column of one kind."""
        match self._comparison:
            case Comparison.EQUALS | Comparison.EQUALS_ANY:
                return self._among(kind, column)
            case Comparison.STARTS_WITH | Comparison.CONTAINS:
                return self._text(kind, column)
            case _:
                return self._compares(kind, column)

    def element(self) -> str:
        """Of ``v``, a tagged text."""
        into, bare = self._into, "substring(v, 2)"
        match self._comparison:
            case Comparison.EQUALS | Comparison.EQUALS_ANY:
                wanted = Wanted.of(self._members)
                number = among.text_among_numbers(bare, wanted.numbers, into)
                tests = [among.text_among("v", wanted, into, TEXT_TAG)]
                if number != of.NEVER:
                    tests.append(f"(startsWith(v, '{NUMBER_TAG}') AND {number})")
                tests += [f"v = '{BOOLEAN_TAG}{str(boolean).lower()}'" for boolean in wanted.booleans]
                return of.any_of(tests)
            case Comparison.STARTS_WITH:
                return of.text_starts(bare, self._members[0], into)
            case Comparison.CONTAINS:
                return of.text_contains("v", self._members[0], into, skip=1)
            case comparison:
                test = of.text_compares(comparison, bare, self._value, into)  # type: ignore[arg-type]
                if isinstance(self._value, int | float):
                    return f"(NOT startsWith(v, '{BOOLEAN_TAG}') AND {test})"
                return f"(startsWith(v, '{TEXT_TAG}') AND {test})"

    def _among(self, kind: ValueKind, column: str) -> str:
        wanted, into = Wanted.of(self._members), self._into
        match kind:
            case ValueKind.TEXT | ValueKind.LONG_TEXT:
                return among.text_among(column, wanted, into)
            case ValueKind.INTEGER:
                return among.integer_among(column, wanted, into)
            case ValueKind.DOUBLE:
                return among.double_among(column, wanted, into)
            case _:
                return among.boolean_among(column, wanted)

    def _text(self, kind: ValueKind, column: str) -> str:
        (value,) = self._members
        starts = self._comparison is Comparison.STARTS_WITH
        if kind is ValueKind.BOOLEAN:
            part = of.scalar_text(value)
            met = [word for word in ("true", "false") if (word.startswith(part) if starts else part in word)]
            return of.any_of([f"{column} = {word}" for word in met])
        text = column if kind in TEXTS else f"toString({column})"
        test: Callable[[str, Scalar, Parameters], str] = of.text_starts if starts else of.text_contains
        return test(text, value, self._into)

    def _compares(self, kind: ValueKind, column: str) -> str:
        value, comparison, into = self._value, self._comparison, self._into
        if kind in TEXTS:
            text = column if isinstance(value, int | float) else f"ifNull({column}, '')"
            return of.text_compares(comparison, text, value, into)  # type: ignore[arg-type]
        if kind is ValueKind.BOOLEAN or not isinstance(value, int | float):
            return of.NEVER
        compares = of.integer_compares if kind is ValueKind.INTEGER else of.double_compares
        return compares(comparison, column, value, into)
