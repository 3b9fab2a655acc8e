"""Events seen for the first time, with no vote but one about each alone: written column by column.

As most are. It is what `Batch` would write, many times as fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from trueline.ledger.columns import MOMENT, repeated
from trueline.ledger.events import WEIGHED
from trueline.ledger.votes import GIVEN
from trueline.metrics.consensus import Vote, consensus

if TYPE_CHECKING:
    from trueline.catalog.records import Job
    from trueline.ledger.store import Ledger
    from trueline.service.prepared import PreparedEvents


def are_first(ledger: Ledger, job: Job, prepared: PreparedEvents) -> bool:
    """Whether events of which none is in the ledger are each sent once, with at most one vote, about it alone."""
    keys = prepared.columns["event_key"]
    most_votes = prepared.most_votes
    if prepared.named_here:
        return most_votes == 0
    if most_votes > 1 or pc.count_distinct(keys).as_py() < len(keys):
        return False
    if job.grouping == "bucket":
        return not most_votes
    return not ledger.votes.have_consensus_row(job.id, keys)


def write_first(ledger: Ledger, job: Job, prepared: PreparedEvents) -> range:
    """Write such events; their arrivals, row for row."""
    sent = prepared.columns
    arrivals = ledger.clock.span(sent.num_rows)
    votes = sent["votes"].combine_chunks()
    voted = pc.greater(pc.list_value_length(votes), 0)
    arrived = pa.array(arrivals, MOMENT).filter(voted)
    flat = votes.flatten()
    said = {field.name: column for field, column in zip(flat.type, flat.flatten(), strict=True)}
    of_voted = sent.select(["subject_key", "event_id"]).filter(voted)
    given = pa.table(
        {
            "subject_key": of_voted["subject_key"],
            "recorded_at": arrived,
            **said,
            "at": pc.coalesce(said["at"], arrived),
            "override": repeated(value=False, kind=pa.bool_(), size=len(arrived)),
            "event_id": of_voted["event_id"],
        },
        GIVEN,
    )
    ledger.votes.append_columns(job.id, given)
    ledger.events.write_first(job.id, sent, _weighed(job, given, voted), arrivals, prepared.documents)
    return arrivals


def _weighed(job: Job, given: pa.Table, voted: pa.Array) -> pa.Table:
    """The consensus of events from the only vote that each has, if any: see `WEIGHED`.

    What one vote says depends on its label alone, so each label is weighed once.
    """
    labels = pc.unique(given["label"])
    weighed = [consensus((Vote("", label, 1, 1),), job.min_votes) for label in labels.to_pylist()]
    of_vote = pc.index_in(given["label"], labels).combine_chunks()
    says = pa.array([each.label or "" for each in weighed], pa.string()).take(of_vote)
    changes = pa.array([each.changed_at == 1 for each in weighed], pa.bool_()).take(of_vote)
    changed_at = pc.if_else(changes, given["at"], pa.scalar(0, MOMENT)).combine_chunks()
    none, never = repeated("", pa.string(), len(voted)), repeated(0, MOMENT, len(voted))
    return pa.table(
        {
            "consensus": pc.replace_with_mask(none, voted, says),
            "consensus_changed_at": pc.replace_with_mask(never, voted, changed_at),
            "consensus_computed_at": pc.replace_with_mask(never, voted, given["recorded_at"].combine_chunks()),
        },
        WEIGHED,
    )
