"""The lines of a bulk request read, checked and laid out in columns: all that can be done before a store is asked.

What is laid out in columns is written without a turn of Python for each event.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc

from trueline.ledger.columns import MOMENT, in_microseconds
from trueline.ledger.documents import MAX_DEPTH, DocumentError, laid_out
from trueline.ledger.events import SENT
from trueline.ledger.other_paths import joined
from trueline.service.lines import EventRow, LineError, Rejected
from trueline.service.sent import CheckedEvent, EventReader, Said, SentDecision, SentEvent, SentVote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.catalog.records import Job
    from trueline.ledger.keys import KeyMaker
    from trueline.service.lines import EventLine

_VOTE: Final = pa.struct(
    [
        ("analyst", pa.string()),
        ("label", pa.string()),
        ("at", MOMENT),
        ("review_probability", pa.float64()),
        ("review_reason", pa.string()),
        ("note", pa.string()),
    ]
)
_SCHEMA: Final = pa.schema([("line", pa.int32()), *SENT, ("votes", pa.list_(_VOTE))])
_AROUND_ONE: Final = 2_048
_AT_ONCE: Final = 5_000
"""Lines that are read before they are laid out: as objects they take several times as much memory as in columns."""
_NO_DECISION: Final = SentDecision("", None, "", None, 0)


class PreparedEvent(CheckedEvent, frozen=True, gc=False):
    """An event as it comes out of the columns."""

    document: int
    """The row of its document in theirs."""


@dataclass(frozen=True, slots=True)
class PreparedEvents:
    """The lines of a bulk request, read and checked; nothing is stored yet."""

    job: Job
    columns: pa.Table
    """The events, a row each: `line`, the columns of `SENT`, and `votes`, structs of the members of `SentVote`."""
    documents: pa.Table
    """Their documents, laid out."""
    rejected: list[Rejected]
    named_here: bool = False
    """Whether all of them came without an id, so that none can be there already."""

    @property
    def size(self) -> int:
        """How many events there are."""
        size: int = self.columns.num_rows
        return size

    @property
    def memory(self) -> int:
        """Bytes they take."""
        return int(self.columns.nbytes + self.documents.nbytes)

    @property
    def has_votes(self) -> bool:
        """Whether any event brings votes, which take a scope of their own."""
        return self.most_votes > 0

    @property
    def most_votes(self) -> int:
        """The most votes that one event brings."""
        return pc.max(pc.list_value_length(self.columns["votes"])).as_py() or 0

    def events(self) -> list[PreparedEvent]:
        """The events, in the order of their lines."""
        return [_event(row, place) for place, row in enumerate(self.columns.cast(_IN_MICROSECONDS).to_pylist())]


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event that comes alone, read and checked; it is laid out with those it is written with."""

    job: Job
    event: SentEvent
    size: ClassVar[int] = 1
    rejected: ClassVar[tuple[Rejected, ...]] = ()

    @property
    def memory(self) -> int:
        """About how many bytes it takes."""
        return _AROUND_ONE + 3 * len(self.event.raw_body)

    @property
    def named_here(self) -> bool:
        """Whether it came without an id."""
        return self.event.named_here


def together(requests: Sequence[PreparedEvents | ReadEvent]) -> PreparedEvents:
    """The events of requests into one job, one after the other; each keeps the number of its own line."""
    tables: list[tuple[pa.Table, pa.Table]] = []
    for are_alone, some in itertools.groupby(requests, lambda request: isinstance(request, ReadEvent)):
        if are_alone:
            tables.append(_tables([request.event for request in some if isinstance(request, ReadEvent)]))
        else:
            tables += [(each.columns, each.documents) for each in some if isinstance(each, PreparedEvents)]
    columns, documents = _one_after_the_other(tables)
    rejected = [each for request in requests for each in request.rejected]
    named_here = all(request.named_here for request in requests)
    return PreparedEvents(requests[0].job, columns, documents, rejected, named_here)


def read_event(job: Job, keys: KeyMaker, line: EventLine, *, max_depth: int = MAX_DEPTH) -> ReadEvent:
    """Read and check what one line says, without touching any store.

    Raises:
        LineError, DocumentError: it cannot be taken.
    """
    return ReadEvent(job, EventReader(job, keys, max_depth).said(1, line))


def prepare_events(
    job: Job, keys: KeyMaker, raw_lines: Sequence[bytes | EventRow], *, max_depth: int = MAX_DEPTH
) -> PreparedEvents:
    """Read and check lines, or rows of files, without touching any store.

    Blank lines are passed over, bad ones rejected.
    """
    tables: list[tuple[pa.Table, pa.Table]] = []
    rejected: list[Rejected] = []
    named_here = True
    reader = EventReader(job, keys, max_depth)
    for first in range(0, max(1, len(raw_lines)), _AT_ONCE):
        events: list[SentEvent] = []
        for number, raw in enumerate(raw_lines[first : first + _AT_ONCE], first + 1):
            try:
                if isinstance(raw, EventRow):
                    events.append(reader.row(number, raw))
                elif raw.strip():
                    events.append(reader.line(number, raw))
            except (LineError, DocumentError) as error:
                rejected.append(Rejected(number, str(error)))
        tables.append(_tables(events))
        named_here &= all(event.named_here for event in events)
    return PreparedEvents(job, *_one_after_the_other(tables), rejected, named_here)


def _one_after_the_other(tables: list[tuple[pa.Table, pa.Table]]) -> tuple[pa.Table, pa.Table]:
    """The events and the documents of several tables of them."""
    columns, documents = tables[0]
    if len(tables) > 1:
        columns = pa.concat_tables([each for each, _ in tables]).combine_chunks()
        documents = joined([each for _, each in tables])
    return columns, documents


def _tables(events: list[SentEvent]) -> tuple[pa.Table, pa.Table]:
    return _columns(events), laid_out([event.document for event in events])


def _columns(events: list[SentEvent]) -> pa.Table:
    # neighbours often share what is said of them: it is laid out once and then taken as often as it is needed
    distinct = {id(event.said): event.said for event in events}
    places = {name: place for place, name in enumerate(distinct)}
    taken = pa.array([places[id(event.said)] for event in events], pa.int32())
    shared = {name: column.take(taken) for name, column in _said_columns(list(distinct.values())).items()}

    def column(name: str) -> pa.Array:
        return pa.array(list(map(attrgetter(name), events)), _SCHEMA.field(name).type)

    return pa.table([shared[name] if name in shared else column(name) for name in _SCHEMA.names], schema=_SCHEMA)


def _said_columns(said: list[Said]) -> dict[str, pa.Array]:
    made = [each.decision or _NO_DECISION for each in said]
    given = [vote for each in said for vote in each.votes]
    ends = [0]
    for each in said:
        ends.append(ends[-1] + len(each.votes))
    votes = pa.StructArray.from_arrays(
        [pa.array(list(map(attrgetter(field.name), given)), field.type) for field in _VOTE], fields=list(_VOTE)
    )

    def column(name: str, member: str) -> pa.Array:
        return pa.array(list(map(attrgetter(member), made)), _SCHEMA.field(name).type)

    members = ("confidence", "model_id", "outlier", "decided_at")
    return {
        "decision": column("decision", "label"),
        **{name: column(name, name) for name in members},
        "votes": pa.ListArray.from_arrays(pa.array(ends, pa.int32()), votes),
    }


def _event(row: dict[str, Any], place: int) -> PreparedEvent:
    label = row.pop("decision")
    made = {name: row.pop(name) for name in ("confidence", "model_id", "outlier", "decided_at")}
    votes = tuple(SentVote(**vote) for vote in row.pop("votes"))
    return PreparedEvent(**row, said=Said(SentDecision(label, **made) if label else None, votes), document=place)


_IN_MICROSECONDS: Final = pa.schema([field.with_type(in_microseconds(field.type)) for field in _SCHEMA])
