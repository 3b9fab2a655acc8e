"""The reviews of a job grouped by bucket, counted ahead over all time.

A bucket's events of one decision are one subject of the report, as sure as the least sure of them: so their number by
band of confidence is kept of each bucket and decision. A part of all time cannot be told from it: for that the events
themselves are kept in a few bytes each, by the hour, once such a part was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from trueline.metrics.by_hour import RowsByHour
from trueline.metrics.growing import Codes, Numbers, columns_of
from trueline.metrics.hours import HOUR, Window
from trueline.metrics.occasions import UNSAID, Occasions
from trueline.metrics.reviewed_events import BANDS, LABELS, as_array, summed
from trueline.metrics.reviews import Mass, ReviewCount

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from trueline.metrics.selected_rows import BucketRows

BANDED_BUCKETS = pa.schema(
    [("subject_key", pa.uint64()), ("decision", pa.string()), ("band", pa.int8()), ("events", pa.int64())]
)
"""Events counted by bucket, decision and band."""

DECIDED = pa.schema([("subject_key", pa.uint64()), ("decided", pa.uint16()), ("band", pa.int8()), ("sign", pa.int8())])
"""Versions of events; their decision is told by its place among all that were ever made, from 1; 0: none of these."""

_NO_BAND = -1
_NONE_KNOWN = np.int8(_NO_BAND).astype(np.uint8)
_ROWS_AT_ONCE = 1_000_000
_MOST_PLACES = 16_000_000
_EXACT = 2**53
"""Below this a sum of whole numbers as doubles is exact."""


class Placed(NamedTuple):
    """Versions of events, an element each."""

    pair: NDArray[np.uint32]
    """The place of the bucket and decision."""
    band: NDArray[np.int8]
    sign: NDArray[np.int8]


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
        self._rows: RowsByHour | None = None
        self._places: tuple[tuple[int, int, tuple[str, ...]], NDArray[np.uint64], NDArray[np.int32]] | None = None
        decision = self._labels.of(buckets["decision"].combine_chunks())
        pair = self._pair(as_array(buckets["subject_key"]), decision)
        self._add(pair, as_array(buckets["band"]), as_array(buckets["events"]))

    @property
    def has_events(self) -> bool:
        """Whether parts of all time can be told."""
        return self._rows is not None

    def keep_events(self, events: Iterable[pa.Table]) -> None:
        """Have parts of all time told, too: `events`, with the columns of `BANDED`, are all there are."""
        rows = RowsByHour(pair=np.uint32, band=np.int8, sign=np.int8)
        for some in events:
            self._keep(rows, some, self._pairs_of(some))
        self._rows = rows  # not before all of them could be read

    def add(self, events: pa.Table) -> None:
        """Count versions of events, with the columns of `reviewed_events.BANDED`."""
        pair = self._pairs_of(events)
        self._add(pair, as_array(events["band"]), as_array(events["sign"]))
        if self._rows is not None:
            self._keep(self._rows, events, pair)

    def decisions(self) -> list[str]:
        """All that were ever made, and further labels."""
        return self._labels.texts[1:]

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

    def counts(self, window: Window, beside: Sequence[Placed] = ()) -> list[ReviewCount] | None:
        """As `trueline.ledger.reviews.ReviewQuery.counts`; None of a part of all time where its events are not kept.

        Args:
            window: Of whole hours.
            beside: Events outside of it that are counted, too.
        """
        if window == Window():
            return self._counted_over_all()
        return None if self._rows is None else self.counts_of([Placed(**self._rows.of(window)), *beside])

    def place(self, events: pa.Table) -> Placed | None:
        """Versions of events with the columns of `DECIDED`; None where one's decision was not told of."""
        decided = as_array(events["decided"])
        if not decided.all():
            return None
        keys, pair = as_array(events["subject_key"]), np.empty(len(decided), np.uint32)
        known = self._places_of_pairs() if len(decided) > len(self._pairs) // 4 else None
        for begin in range(0, len(decided), _ROWS_AT_ONCE):
            some = slice(begin, begin + _ROWS_AT_ONCE)
            pair[some] = self._place_some(keys[some], decided[some].astype(np.int64), known)
        return Placed(pair, as_array(events["band"]), as_array(events["sign"]))

    def place_rows(self, rows: BucketRows) -> Placed | None:
        """The same of rows that were selected; None where one's bucket or decision was not told of."""
        known = self._places_of(rows.keys, rows.decisions)
        if known is None:
            return None
        pair = known[rows.bucket * np.int64(len(rows.decisions)) + rows.decision]
        return None if pair.min(initial=0) < 0 else Placed(pair.view(np.uint32), rows.band, rows.sign)

    def _places_of(self, keys: NDArray[np.uint64], decisions: list[str]) -> NDArray[np.int32] | None:
        """The place of each bucket and each of these decisions, -1 where there is none; kept for the next time."""
        asked = (len(self._pairs), len(self._subjects), tuple(decisions))
        if self._places is not None and self._places[0] == asked and np.array_equal(self._places[1], keys):
            return self._places[2]
        code = np.array([self._labels.code(text) for text in decisions], np.int64)
        known, labels = self._places_of_pairs(), len(self._labels.texts)
        if known is None:
            return None
        number = self._subjects.find(keys)
        places = np.where(number[:, None] < 0, np.int32(-1), known[number[:, None] * labels + code])
        self._places = asked, keys.copy(), places.ravel()
        return self._places[2]

    def _place_some(
        self, keys: NDArray[np.uint64], decided: NDArray[np.int64], known: NDArray[np.int32] | None
    ) -> NDArray[np.integer[Any]]:
        if known is not None:
            number = self._subjects.find(keys)
            if number.min() >= 0:
                place: NDArray[np.int32] = known[number * len(self._labels.texts) + decided]
                if place.min() >= 0:
                    return place
        return self._pair(keys, decided)

    def _places_of_pairs(self) -> NDArray[np.int32] | None:
        """The place of each bucket and decision by their numbers, -1 where there is none; None where that is a lot."""
        labels = len(self._labels.texts)
        if len(self._subjects) * labels > _MOST_PLACES:
            return None
        places = np.full(len(self._subjects) * labels, -1, np.int32)
        places[self._counted["subject"] * labels + self._counted["decision"]] = np.arange(len(self._pairs))
        return places

    def counts_of(self, events: Sequence[Placed]) -> list[ReviewCount]:
        """The same of a population that is these versions of events.

        What takes a version back must be in one element with it.
        """
        sizes, lowest = np.zeros(len(self._pairs), np.int64), np.full(len(self._pairs), _NONE_KNOWN)
        for some in events:
            if len(some.pair):
                self._count_in(some, sizes, lowest)
        rows = np.flatnonzero(sizes)
        subject, decision = (self._counted[name][rows] for name in ("subject", "decision"))
        return self._told(subject, decision, sizes[rows], lowest.view(np.int8)[rows])

    @staticmethod
    def _count_in(some: Placed, sizes: NDArray[np.int64], lowest: NDArray[np.uint8]) -> None:
        """Count some versions into the size of each bucket and decision, and their bands into the lowest.

        Bands are compared as bytes without a sign, of which that of no band is the highest.
        """
        if (some.sign > 0).all():
            pair = some.pair.astype(np.intp)
            sizes += np.bincount(pair, minlength=len(sizes))
            np.minimum.at(lowest, pair, some.band.view(np.uint8))
            return
        # what takes a version back takes its band back, too
        alike, versions = summed(some.pair.astype(np.int64) * BANDS + some.band + 1, some.sign.astype(np.int64))
        pair, band = alike // BANDS, (alike % BANDS - 1).astype(np.int8)
        np.add.at(sizes, pair, versions)
        left = versions > 0
        np.minimum.at(lowest, pair[left], band[left].view(np.uint8))

    def _counted_over_all(self) -> list[ReviewCount]:
        return self._told(*(self._counted[name] for name in ("subject", "decision", "events", "lowest")))

    def _told(
        self,
        subject: NDArray[np.int64],
        decision: NDArray[np.int64],
        size: NDArray[np.int64],
        lowest: NDArray[np.signedinteger[Any]],
    ) -> list[ReviewCount]:
        """Count what is alike of buckets and decisions, each there once; those without events are left out."""
        consensus: NDArray[np.int64] = self._states["consensus"][subject]
        occasion = np.full(len(subject), UNSAID)
        reviewed = np.flatnonzero(consensus)
        occasion[reviewed] = self._occasions.of(subject[reviewed], decision[reviewed])
        labels, occasions = len(self._labels.texts), len(self._occasions.different)
        alike = ((decision * labels + consensus) * BANDS + lowest + 1) * occasions + occasion
        different, subjects, events, squares = _masses(alike, size)
        found = []
        for each, *mass in zip(*(array.tolist() for array in (different, events, subjects, squares)), strict=True):
            rest, occasion_of = divmod(each, occasions)
            outcome, band = divmod(rest, BANDS)
            decided, came_to = divmod(outcome, labels)
            if not decided or not mass[0]:
                continue
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

    def _pairs_of(self, events: pa.Table) -> NDArray[np.int64]:
        decision, _ = self._labels.pairs(events["outcome"])
        return self._pair(as_array(events["subject_key"]), decision)

    def _pair(self, keys: NDArray[np.uint64], decision: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of each bucket and decision; new ones get one."""
        before = len(self._pairs)
        place = self._pairs.add((self._numbers(keys) * LABELS + decision).astype(np.uint64))
        if len(self._pairs) > before:
            self._grow(self._pairs.numbers[before:])
        return place

    def _add(self, place: NDArray[np.int64], band: NDArray[np.int8], events: NDArray[Any]) -> None:
        np.add.at(self._bands, (place, band.astype(np.int64) + 1), events.astype(np.int32))
        place = np.unique(place)
        bands = self._bands[place]
        self._counted["events"][place] = bands.sum(axis=1)
        self._counted["lowest"][place] = _lowest(bands)

    @staticmethod
    def _keep(rows: RowsByHour, events: pa.Table, pair: NDArray[np.int64]) -> None:
        rows.append(
            as_array(events["ts"]) // HOUR, pair=pair, band=as_array(events["band"]), sign=as_array(events["sign"])
        )

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


def _lowest(bands: NDArray[Any]) -> NDArray[np.int64]:
    """The lowest band with events, of each row; the first column is of those without one."""
    known = bands[:, 1:] > 0
    return np.where(known.any(axis=1), known.argmax(axis=1), _NO_BAND)


def _masses(alike: NDArray[np.int64], size: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """The different keys, and of each the number of sizes, their sum and the sum of their squares. Exact."""
    largest = int(size.max(initial=0))
    if len(alike) and int(alike.max()) <= len(alike) and largest * largest * len(size) < _EXACT:
        counted, events, squares = (np.bincount(alike, each).astype(np.int64) for each in (size > 0, size, size * size))
        found = np.flatnonzero(events)
        return found, counted[found], events[found], squares[found]
    different, subjects = summed(alike, (size > 0).astype(np.int64))
    return different, subjects, summed(alike, size)[1], summed(alike, size**2)[1]
