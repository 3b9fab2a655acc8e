"""The fields that filters can be about, and what can be asked of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueline.filters.fields import Kind, OwnField, own_field
from trueline.filters.operators import OPERATORS, Takes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trueline.catalog.records import Job
    from trueline.ledger.fields import PathKinds
    from trueline.ledger.store import Ledger

_EXISTENCE = tuple(name for name, operator in OPERATORS.items() if operator.takes is Takes.NOTHING)
_UNORDERED = tuple(name for name, operator in OPERATORS.items() if operator.takes is not Takes.ORDERED)
_EVERY = tuple(OPERATORS)

_OWN_TYPES = {Kind.TEXT: "keyword", Kind.NUMBER: "double", Kind.BOOLEAN: "boolean", Kind.TIME: "date"}


class Fields:
    """Tells the fields of jobs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def available(self, jobs: Iterable[Job]) -> list[dict[str, Any]]:
        """Every field with the operators that can find something in it, and the ids of the jobs that have it.

        Own fields come first, then the paths of documents by name. Where jobs differ in the operators, those of
        each of them are there.
        """
        operators: dict[str, set[str]] = {str(own): set() for own in OwnField}
        jobs_of: dict[str, list[int]] = {}
        for job in jobs:
            for field, able in self._operators(job).items():
                operators.setdefault(field, set()).update(able)
                jobs_of.setdefault(field, []).append(job.id)
        return [
            {
                "field_name": field,
                "available_operators": [name for name in OPERATORS if name in operators[field]],
                "available_in_jobs": jobs_of[field],
            }
            for field in operators
            if field in jobs_of
        ]

    def breadth(self, job: Job) -> dict[str, Any]:
        """How many distinct paths a job's documents have that are searched fast, and whether others are not."""
        found = self._ledger.fields.breadth(job.id)
        note = ""
        if found.has_others:
            note = (
                f"The documents have more than {found.with_columns:,} distinct paths. All of them are stored, counted"
                " and found by filters; those that came later are searched more slowly."
            )
        return {
            "searched_fast": found.with_columns,
            "at_most": found.most,
            "others_searched_slowly": found.has_others,
            "note": note,
        }

    def types(self, jobs: Iterable[Job]) -> dict[str, str]:
        """The type of every field: keyword, long, double, boolean, date or object.

        A field that holds values of more types than one is a keyword, one of whole and other numbers a double.
        """
        own: dict[str, str] = {}
        types: dict[str, set[str]] = {}
        for job in jobs:
            own |= {str(field): _OWN_TYPES[field.kind] for field in _own_fields(job)}
            for path, kinds in self._paths(job).items():
                types.setdefault(path, set()).update(_types(kinds))
        return own | {path: _one_type(types[path]) for path in sorted(types)}

    def _operators(self, job: Job) -> dict[str, tuple[str, ...]]:
        able = {
            str(field): _EVERY if field.kind in {Kind.NUMBER, Kind.TIME} else _UNORDERED for field in _own_fields(job)
        }
        paths = self._paths(job)
        return able | {path: _able(paths[path]) for path in sorted(paths)}

    def _paths(self, job: Job) -> dict[str, PathKinds]:
        """The paths of a job's documents that filters can reach: an own field stands before a path of its name."""
        paths = self._ledger.fields.paths(job.id)
        return {path: kinds for path, kinds in paths.items() if own_field(path) is None}


def _own_fields(job: Job) -> list[OwnField]:
    not_there = OwnField.KNOWLEDGE_BASE_STATE if job.grouping == "bucket" else OwnField.BUCKET_STATE
    return [field for field in OwnField if field is not not_there]


def _able(kinds: PathKinds) -> tuple[str, ...]:
    if not kinds.has_values:
        return _EXISTENCE
    return _EVERY if kinds.integer or kinds.double or kinds.dates or kinds.number_texts else _UNORDERED


def _types(kinds: PathKinds) -> set[str]:
    types = set()
    if kinds.text:
        types.add("date" if kinds.dates and not kinds.other_texts else "keyword")
    if kinds.integer:
        types.add("long")
    if kinds.double:
        types.add("double")
    if kinds.boolean:
        types.add("boolean")
    return types or {"object"}


def _one_type(types: set[str]) -> str:
    of_values = types - {"object"} or types
    if of_values == {"long", "double"}:
        return "double"
    return next(iter(of_values)) if len(of_values) == 1 else "keyword"
