"""What the catalog keeps, as values that nothing can change behind its back.

Every moment is aware and in UTC, exact to the microsecond.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class Grouping(StrEnum):
    """What the votes of a job are about."""

    EVENT = "event"
    BUCKET = "bucket"


class Status(StrEnum):
    """Whether a job takes in events."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    """Stopped: events are refused; decisions, votes, trainings and questions are not."""


_ESCALATE: Final = "escalate"


class Costs(TypedDict):
    """What one event costs by its truth and its decision; a right decision costs nothing unless a cell says so."""

    unit: str
    """`minutes`, or a currency."""
    per_error: float | None
    """Of every wrong decision that has no cell, also for labels added later; None: `minutes_per_alert`, in minutes."""
    cells: Mapping[str, Mapping[str, float]]
    """By truth, then by decision; by name, since labels may be put in another order."""


@dataclass(frozen=True, slots=True)
class Job:
    """One stream of alerts that one kind of decision is made on."""

    id: int
    """1 to 2^63 - 1."""
    title: str
    """Unique among the jobs, case-sensitively."""
    labels: tuple[str, ...]
    """In the order that the confusion matrix has them."""
    grouping: Grouping
    decision_points: tuple[str, ...]
    """Paths of the fields that make two alerts the same."""
    minutes_per_alert: float
    """Minutes an analyst spends on one alert, on average."""
    min_votes: int
    """Fewest votes that give a subject a consensus."""
    low_confidence_below: float
    """Percent, 0 to 100: a decision with less confidence asks for attention."""
    consensus_min_votes: int
    """The `min_votes` that the consensus in the ledger was computed with."""
    created_at: datetime
    status: Status = Status.ENABLED
    description: str = ""
    """For people."""
    label_colors: Mapping[str, str] = field(default_factory=dict)
    """`#RRGGBB` of those labels that were given one."""
    advanced_settings: Mapping[str, Any] = field(default_factory=dict)
    """What else a client keeps with the job, as given: nothing here acts on it."""
    last_train_started_at: datetime | None = None
    """When this Trueline last began a training of the job by itself."""
    last_train_finished_at: datetime | None = None
    """When that ended, well or not; None, or before the start: it runs, or was cut short."""
    last_train_error: str = ""
    """Why the last training that ended brought forth no model; empty: it did."""
    cost_matrix: Costs | None = None
    """None: each wrong decision costs `minutes_per_alert`."""
    time_zone: str = "UTC"
    """IANA name: days and weeks of a report begin in it."""
    labels_ordered: bool = False
    """Whether the labels in their order are a scale, as Drop < Investigate < Escalate."""
    headline_label: str | None = None
    """The label whose misses are told first; None: see `headline`."""

    @property
    def headline(self) -> str:
        """The label whose misses are told first: the one set, else the last named Escalate, in any case, else the last.

        Labels are never taken away, so one that was set is there.
        """
        if self.headline_label is not None:
            return self.headline_label
        return next((label for label in reversed(self.labels) if label.casefold() == _ESCALATE), self.labels[-1])


class JobChanges(TypedDict, total=False):
    """What may change in a job after it was made; see `Job` for meanings and units."""

    title: str
    labels: Sequence[str]
    minutes_per_alert: float
    min_votes: int
    low_confidence_below: float
    consensus_min_votes: int
    status: Status
    description: str
    label_colors: Mapping[str, str]
    advanced_settings: Mapping[str, Any]
    last_train_started_at: datetime
    last_train_finished_at: datetime
    last_train_error: str
    cost_matrix: Costs | None
    time_zone: str
    labels_ordered: bool
    headline_label: str | None


@dataclass(frozen=True, slots=True)
class Model:
    """What one training of a job brought forth. At most one model of a job is active."""

    job_id: int
    id: str
    trained_at: datetime
    active: bool
    training: int
    """Id of its training in the ledger, 0 to 2^64 - 1."""
    recorded_at: datetime
    """When it was registered here."""
    request_digest: str
    """Of the request that registered it, so that the same request sent again is known."""
    activated: bool
    """Whether it became the active one when it was registered, whichever is now."""


class RecomputeStatus(StrEnum):
    """How far the recomputation of a model's metrics is."""

    QUEUED = "queued"
    """Asked for; what is found so at a start was cut short, and is queued again."""
    IN_PROGRESS = "in_progress"
    """Never kept: it ends with the process."""
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """The metrics of a model as they were last computed, and how far the next computation is."""

    job_id: int
    model_id: str
    status: RecomputeStatus
    requested_at: datetime
    """When the last computation was asked for."""
    computed_at: datetime | None = None
    """When the one began that `counts` come from: what was acknowledged before is in them."""
    counts: Any = None
    """What the metrics are made from, as JSON; None: they were never computed."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of an access key: never the key itself."""

    id: str
    """The public part of the key."""
    name: str
    scopes: tuple[str, ...]
    jobs: tuple[int, ...] | None
    """Ids of the only jobs it sees; None: all."""
    created_at: datetime
    expires_at: datetime | None
    """From this moment on it opens nothing; None: never."""
    revoked_at: datetime | None
    digest: str
    """Keyed hash of the whole key, in hexadecimal."""
