"""Which column of a file means what: the mapping, from a TOML file and from flags."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Literal

import msgspec

from trueline.importers.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Format = Literal["csv", "tsv", "ndjson", "parquet"]
TimeUnit = Literal["iso", "s", "ms", "us"]

OTHERS = "*"
"""In a label map: every value that is not named."""


class JobSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[job]`` table of a mapping file: how ``--create`` makes the job."""

    labels: list[str] | None = None
    grouping: Literal["event", "bucket"] | None = None
    decision_points: list[str] | None = None
    minutes_per_alert: float | None = None


class ColumnMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column holds what; in NDJSON and Parquet a column is a dot path.

    Every field is optional; ``None`` means that the file has no such column.
    """

    format: Format | None = None
    """Format of the files; ``None``: told by each file's name."""
    delimiter: str | None = None
    """One character between the cells of a CSV file; ``None``: a comma, in TSV a tab."""
    header: list[str] | None = None
    """Names of the columns of a CSV or TSV file whose first line is a row already."""
    bulk: bool = False
    """The lines are in the form of the bulk route and go through as they are."""

    time: str | None = None
    """When the alert happened; ``None``: ``@timestamp`` where there is one."""
    time_unit: TimeUnit = "iso"
    """Unit of all time columns: ISO 8601 text, or seconds, milliseconds, microseconds since 1970 (UTC)."""
    id: str | None = None
    """Names the event; ``None``: the file's name and the line number name it."""
    bucket: str | None = None

    decision: str | None = None
    decision_map: dict[str, str] | None = None
    decided_at: str | None = None
    """When the decision was made; ``None``: the event's time."""
    confidence: str | None = None
    """Percent, 0 to 100."""
    model: str | None = None

    truth: str | None = None
    """What an analyst found: becomes a vote."""
    truth_map: dict[str, str] | None = None
    truth_at: str | None = None
    """When the vote was given; ``None``: the event's time."""
    analyst: str | None = None
    """Column that names the analyst."""
    analyst_name: str = "import"
    """The analyst where no column names one."""

    columns: list[str] | None = None
    """The only columns to keep in the document."""
    drop: list[str] | None = None
    """Columns to leave out of the document."""
    infer_numbers: bool = False
    """Whether text in CSV and TSV that is a number by JSON's grammar becomes one."""

    job: JobSettings = JobSettings()

    def named_columns(self) -> Iterable[str]:
        """All columns that a row is read by, to be looked for in a header."""
        single = (
            self.time,
            self.id,
            self.bucket,
            self.decision,
            self.decided_at,
            self.confidence,
            self.model,
            self.truth,
            self.truth_at,
            self.analyst,
        )
        yield from (column for column in single if column is not None)
        yield from self.columns or ()
        yield from self.drop or ()

    def check(self, labels: Iterable[str] | None = None) -> None:
        """Refuse a mapping that cannot be meant.

        Args:
            labels: Labels of the job, if known: what the label maps lead to must be among them.

        Raises:
            MappingError: The sentence says which two things contradict each other.
        """
        if self.columns is not None and self.drop is not None:
            raise MappingError("give either the columns to keep or the columns to drop, not both")
        needs = {
            "decision_map": (self.decision_map, "decision", self.decision),
            "confidence": (self.confidence, "decision", self.decision),
            "model": (self.model, "decision", self.decision),
            "decided_at": (self.decided_at, "decision", self.decision),
            "truth_map": (self.truth_map, "truth", self.truth),
            "truth_at": (self.truth_at, "truth", self.truth),
            "analyst": (self.analyst, "truth", self.truth),
        }
        for name, (given, needed, value) in needs.items():
            if given is not None and value is None:
                raise MappingError(f"{name} is given but no column for {needed}")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '\r\n"'):
            raise MappingError(f"the delimiter {self.delimiter!r} is not one character other than a quote")
        if self.bulk and (next(iter(self.named_columns()), None) is not None or self.infer_numbers):
            raise MappingError("lines in bulk form go through as they are: no column can be mapped")
        if self.bulk and self.format not in (None, "ndjson"):
            raise MappingError(f"lines in bulk form are NDJSON, not {self.format}")
        if labels is not None:
            self._check_labels(tuple(labels))

    def _check_labels(self, labels: tuple[str, ...]) -> None:
        for name, label_map in (("decision_map", self.decision_map), ("truth_map", self.truth_map)):
            for label in (label_map or {}).values():
                if label and label not in labels:
                    raise MappingError(
                        f"{name} leads to {label!r}, which is no label of the job; it has {', '.join(labels)}"
                    )


def load_mapping(path: Path) -> ColumnMapping:
    """Read a mapping file.

    Raises:
        MappingError: It is missing, no TOML, or has a key or value that a mapping cannot have.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} is no TOML: {error}") from error
    return _converted(raw, f"{path}: ")


def with_flags(mapping: ColumnMapping, flags: Mapping[str, object]) -> ColumnMapping:
    """The mapping with what the flags say in place of what the file says; a flag of ``None`` says nothing.

    Raises:
        MappingError: A flag has a value that a mapping cannot have.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    merged = {**msgspec.to_builtins(mapping), **given}
    return _converted(merged, "")


def parse_label_map(text: str) -> dict[str, str]:
    """Read ``false_positive=benign,*=attack``: values of the column to labels of the job.

    The last ``=`` of a pair divides it. An empty label means that the value is none at all.

    Raises:
        MappingError: A pair has no ``=``, or a value is named twice.
    """
    pairs: dict[str, str] = {}
    for part in text.split(","):
        value, equals, label = part.rpartition("=")
        if not equals:
            raise MappingError(f"{part!r} in the map {text!r} is not of the form value=label")
        if value in pairs:
            raise MappingError(f"the map {text!r} names {value!r} twice")
        pairs[value] = label
    return pairs


def _converted(raw: object, where: str) -> ColumnMapping:
    try:
        return msgspec.convert(raw, ColumnMapping)
    except msgspec.ValidationError as error:
        raise MappingError(f"{where}{error}") from error
