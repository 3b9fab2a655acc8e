"""The reviews of a job grouped by bucket, counted ahead over all time.

A bucket's events of one decision are one subject of the report, as sure as the least sure of them: so their number by
band of confidence is kept of each bucket and decision. Of a part of all time they cannot be told from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from trueline.metrics.growing import Codes, Numbers, columns_of
from trueline.metrics.occasions import UNSAID, Occasions
from trueline.metrics.reviewed_events import BANDS, LABELS, as_array, summed
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from numpy.typing import NDArray

BANDED_BUCKETS = pa.schema(
    [("subject_key", pa.uint64()), ("decision", pa.string()), ("band", pa.int8()), ("events", pa.int64())]
)
"""Events counted by bucket, decision and band."""

_NO_BAND = -1


class ReviewedBuckets:
    """One job's buckets, counted. Not for several threads at once."""

    def __init__(self, buckets: pa.Table) -> None:
        """`buckets` has the columns of `BANDED_BUCKETS`; no bucket has a consensus yet."""
        self._labels = Codes([""])
        self._subjects = Numbers()
        self._states = columns_of(consensus=np.int64)
        self._occasions = Occasions()
        self._pairs = Numbers()  # bucket and decision, packed
        self._counted = columns_of(subject=np.int64, decision=np.int64, events=np.int64, lowest=np.int64)
        self._bands = np.zeros((0, BANDS), np.int32)
        decision = self._labels.of(buckets["decision"].combine_chunks())
        self._count(as_array(buckets["subject_key"]), decision, as_array(buckets["band"]), as_array(buckets["events"]))

    def add(self, events: pa.Table) -> None:
        """Count versions of events, with the columns of `reviewed_events.BANDED`."""
        decision, _ = self._labels.pairs(events["outcome"])
        self._count(as_array(events["subject_key"]), decision, as_array(events["band"]), as_array(events["sign"]))

    def set_consensus(self, keys: NDArray[np.uint64], labels: pa.ChunkedArray) -> None:
        """Set what buckets came to: a label, Undecided, or empty where all votes are withdrawn."""
        number = self._numbers(keys)  # which may bring more rows
        self._states["consensus"][number] = self._labels.of(labels.combine_chunks())

    def say(self, said: pa.Table) -> None:
        """Set what votes say of how buckets came to be reviewed, with the columns of `reviewed_events.SAID`."""
        self._occasions.say(self._numbers(as_array(said["subject_key"])), said)

    def draw(self, drawn: pa.Table) -> None:
        """Set which buckets were drawn for audits, with the columns of `reviewed_events.DRAWN`: all there are."""
        decision = self._labels.of(drawn["decision"].combine_chunks())
        number = self._numbers(as_array(drawn["subject_key"]))
        self._occasions.draw(number, decision, drawn)

    def counts(self) -> list[ReviewCount]:
        """Of all time, as `trueline.ledger.reviews.ReviewQuery.counts`."""
        counted = self._counted
        rows = np.flatnonzero((counted["events"] > 0) & (counted["decision"] > 0))
        subject, decision, size = (counted[name][rows] for name in ("subject", "decision", "events"))
        consensus: NDArray[np.int64] = self._states["consensus"][subject]
        occasion = np.full(len(rows), UNSAID)
        reviewed = np.flatnonzero(consensus)
        occasion[reviewed] = self._occasions.of(subject[reviewed], decision[reviewed])
        labels, occasions = len(self._labels.texts), len(self._occasions.different)
        alike = ((decision * labels + consensus) * BANDS + counted["lowest"][rows] + 1) * occasions + occasion
        different, events = summed(alike, size)
        _, subjects = summed(alike, np.ones(len(rows), np.int64))
        _, squares = summed(alike, size**2)
        found = []
        for each, *mass in zip(*(array.tolist() for array in (different, events, subjects, squares)), strict=True):
            rest, occasion_of = divmod(each, occasions)
            outcome, band = divmod(rest, BANDS)
            decided, came_to = divmod(outcome, labels)
            found.append(
                ReviewCount(
                    self._labels.texts[decided],
                    self._labels.texts[came_to] or None,
                    Mass(*mass),
                    band - 1 if band else None,
                    *self._occasions.different[occasion_of],
                )
            )
        return found

    def _numbers(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        number = self._subjects.add(keys)
        if len(self._subjects) > len(self._states):
            self._states.append(len(self._subjects) - len(self._states), consensus=0)
            self._occasions.grow(len(self._subjects))
        return number

    def _count(
        self,
        keys: NDArray[np.uint64],
        decision: NDArray[np.int64],
        band: NDArray[np.int8],
        events: NDArray[np.int64],
    ) -> None:
        subject = self._numbers(keys)
        before = len(self._pairs)
        place = self._pairs.add((subject * LABELS + decision).astype(np.uint64))
        if len(self._pairs) > before:
            self._grow(self._pairs.numbers[before:])
        np.add.at(self._bands, (place, band.astype(np.int64) + 1), events.astype(np.int32))
        place = np.unique(place)
        bands = self._bands[place]
        self._counted["events"][place] = bands.sum(axis=1)
        known = bands[:, 1:] > 0
        self._counted["lowest"][place] = np.where(known.any(axis=1), known.argmax(axis=1), _NO_BAND)

    def _grow(self, pairs: NDArray[np.uint64]) -> None:
        self._counted.append(
            len(pairs),
            subject=(pairs // LABELS).astype(np.int64),
            decision=(pairs % LABELS).astype(np.int64),
            events=0,
            lowest=_NO_BAND,
        )
        if len(self._counted) > len(self._bands):
            more = max(len(self._counted), 2 * len(self._bands)) - len(self._bands)
            self._bands = np.pad(self._bands, ((0, more), (0, 0)))
