"""What commands do with a Trueline, whether a server or a data folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from trueline.importers.pipeline import Sink


Operation: TypeAlias = Literal["start", "stop", "train"]


class NoSuchJob(Exception):  # noqa: N818 - a finding
    """There is no such job, or none that the key may know of."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"there is no job {reference!r}")


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as commands show it."""

    id: int
    title: str
    labels: tuple[str, ...]
    grouping: str
    decision_points: tuple[str, ...]
    minutes_per_alert: float
    """Minutes an analyst spends on one alert, on average."""
    min_votes: int
    low_confidence_below: float
    """Percent, 0 to 100."""
    cost_matrix: Mapping[str, Any] | None
    """Unit, per_error and cells; None: minutes_per_alert an error."""
    time_zone: str
    labels_ordered: bool
    headline_label: str | None
    """Whose misses are told first; None: the last named Escalate, else the last."""


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model as commands show it."""

    id: str
    trained_at: str
    active: bool


@dataclass(frozen=True, slots=True)
class RebuiltRecord:
    """What a rebuild of a job found."""

    subjects: int
    corrected: int


@dataclass(frozen=True, slots=True)
class BackupStream:
    """A backup on its way."""

    size: int
    """In bytes."""
    chunks: Iterator[bytes]


class Trueline(Protocol):
    """The commands' view of a Trueline.

    Every method that takes a job raises :class:`NoSuchJob` where there is none.
    """

    def jobs(self) -> list[JobRecord]:
        """All jobs, by id."""

    def job(self, reference: str) -> JobRecord:
        """The job of that id or title."""

    def create_job(self, title: str, labels: Sequence[str], given: Mapping[str, Any]) -> JobRecord:
        """Make a job; what is not given has its default."""

    def change_job(self, reference: str, changes: Mapping[str, Any]) -> JobRecord:
        """Change what is named."""

    def operate(self, reference: str, operation: Operation) -> None:
        """Start, stop or train a job."""

    def delete_job(self, reference: str) -> None:
        """Take a job away for good, with all there is of it."""

    def models(self, reference: str) -> list[ModelRecord]:
        """The models of a job, oldest first."""

    def register_model(self, reference: str, given: Mapping[str, Any]) -> ModelRecord:
        """Record a training; what is not given has its default."""

    def metrics(self, reference: str, asked: Mapping[str, str], filters: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of the metrics route; ``asked`` may hold start, end and truth."""

    def report(self, reference: str, asked: Mapping[str, Any], filters: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of the report route; ``asked`` may hold start, end, level, interval, group_by and top."""

    def audit_plan(self, reference: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the route of that name; ``asked`` is its request."""

    def audit_draw(self, reference: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Likewise."""

    def audit_drawn(self, reference: str, draw: str) -> dict[str, Any]:
        """A draw, and what of it is reviewed by now."""

    def rebuild(self, reference: str) -> RebuiltRecord:
        """Derive anew all that is kept of a job beside events and votes."""

    def backup(self) -> AbstractContextManager[BackupStream]:
        """A backup of all there is; what it is made from is let go of in the end."""

    def sink(self, job: JobRecord) -> Sink[Any]:
        """Where the bulk lines of an import go."""
