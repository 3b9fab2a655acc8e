"""What internal metrics say of one job, from what the ledger says of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trueline.instants import format_instant, from_micros
from trueline.labels import UNDECIDED
from trueline.ledger.decision_points import ValueStatistics
from trueline.metrics.counts import TruthPolicy, confusion_matrix, totals
from trueline.metrics.parts import Confidence
from trueline.metrics.scores import trace
from trueline.service.evaluation import evaluation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trueline.catalog.records import Job, Model
    from trueline.metrics.parts import Part
    from trueline.metrics.tiles import Tile


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger says of a job's events in a window."""

    active: Model | None
    models: Sequence[str]
    """The registered ones, oldest first, then others that decided any of the events."""
    start_time: str | None
    end_time: str | None
    tiles: Sequence[Tile] | None
    """None where no intervals were asked for: then all of it is one."""
    parts: Sequence[Part]
    points: Mapping[str, Mapping[tuple[str | None, bool], ValueStatistics]]
    """By decision point, model (None: overall), and whether it is of the knowledge base."""

    def each(self, say: Callable[[str | None, bool], Any]) -> dict[str, Any]:
        """Say something of new data and of the knowledge base, overall (None) and of each model."""

        def split(model: str | None) -> dict[str, Any]:
            return {"new_data": say(model, False), "knowledge_base": say(model, True)}

        return {"overall": split(None), "per_model": {model: split(model) for model in self.models}}

    def in_intervals(self, say: Callable[[Sequence[Part]], dict[str, Any]]) -> dict[str, Any]:
        """Say something of all events, and of those of each interval."""
        grouped: defaultdict[tuple[str | None, bool], defaultdict[int | None, list[Part]]]
        grouped = defaultdict(lambda: defaultdict(list))
        for part in self.parts:
            for model in {None, part.model_id}:
                grouped[model, part.count.in_knowledge_base][part.interval].append(part)

        def series(model: str | None, trained: bool) -> dict[str, Any]:
            parts = grouped[model, trained]
            total = say([part for each in parts.values() for part in each])
            if self.tiles is None:
                intervals = [{"start_time": self.start_time, "end_time": self.end_time, **total}]
            else:
                intervals = [
                    {
                        "start_time": format_instant(from_micros(tile.start)),
                        "end_time": format_instant(from_micros(tile.end)),
                        **say(parts.get(tile.key, ())),
                    }
                    for tile in self.tiles
                ]
            return {"total": total, "intervals": intervals}

        return self.each(series)


def evaluation_metrics(found: Found, job: Job, policy: TruthPolicy) -> dict[str, Any]:
    """How right decisions are."""

    def say(parts: Sequence[Part]) -> dict[str, Any]:
        counts = [part.count for part in parts]
        matrix = confusion_matrix(counts, job.labels, policy)
        sizes = totals(counts)
        return {
            **evaluation(matrix, job.labels),
            "time_saved_minutes": job.minutes_per_alert * trace(matrix),
            "total_events": sizes.events,
            "total_events_with_consensus": sizes.with_consensus,
            "total_events_changed_after_training": sizes.changed_after_training,
        }

    return found.in_intervals(say)


def confidence_over_time(found: Found, policy: TruthPolicy) -> dict[str, Any]:
    """How sure decisions are, and how sure the right and the wrong ones."""

    def of(parts: Sequence[Part], *, right: bool) -> Confidence:
        return Confidence.together(
            part.confidence
            for part in parts
            if (truth := part.count.truth(policy)) is not None and (truth == part.count.decision) is right
        )

    def say(parts: Sequence[Part]) -> dict[str, Any]:
        confidence = Confidence.together(part.confidence for part in parts)
        return {
            "mean_confidence": confidence.mean,
            "mean_confidence_when_right": of(parts, right=True).mean,
            "mean_confidence_when_wrong": of(parts, right=False).mean,
            "events_with_confidence": confidence.events,
            "events_with_low_confidence": confidence.low,
            "total_events": sum(part.count.events for part in parts),
        }

    return found.in_intervals(say)


def training_set_statistics(found: Found, job: Job, learned: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """What was learned from, and what of new data the next training could learn.

    Args:
        found: What the ledger says.
        job: The job.
        learned: The subjects each registered model learned with each label.
    """

    def say(model: str | None, trained: bool) -> dict[str, Any]:
        labels: Counter[str | None] = Counter()
        for part in found.parts:
            if model in {None, part.model_id} and part.count.in_knowledge_base is trained:
                consensus = None if part.count.consensus == UNDECIDED else part.count.consensus
                labels[part.learned_label if trained else consensus] += part.count.events
        return {
            "total_events": sum(labels.values()),
            "events_per_label": {label: labels[label] for label in job.labels},
            "events_without_label": labels[None],
        }

    def training_set(model: str | None) -> dict[str, Any] | None:
        subjects = None if model is None else learned.get(model)
        if subjects is None:
            return None
        return {
            "total_subjects": sum(subjects.values()),
            "subjects_per_label": {label: subjects.get(label, 0) for label in job.labels},
        }

    told = found.each(say)
    told["overall"]["training_set"] = training_set(None if found.active is None else found.active.id)
    for model in found.models:
        told["per_model"][model]["training_set"] = training_set(model)
    return told


def decision_point_statistics(found: Found, *, obfuscated: bool) -> dict[str, Any]:
    """How many different values stand at each decision point, and how often none."""
    nothing = ValueStatistics()

    def say(model: str | None, trained: bool) -> dict[str, Any]:
        shown = {}
        for number, (path, statistics) in enumerate(found.points.items(), 1):
            there = statistics.get((model, trained), nothing)
            shown[f"decision_point_{number}" if obfuscated else path] = {
                "total_events": there.events,
                "distinct_values": there.distinct_values,
                "missing_events": there.missing,
                "missing_share": there.missing / there.events if there.events else None,
            }
        return shown

    return found.each(say)
