"""The stream is as it is described, and the same each time."""

from __future__ import annotations

import json
from collections import Counter
from typing import get_args

import numpy as np
import pytest

from stream import LABELS, SECONDS, UNDECIDED, YEAR_BEGINS, Grouping, Stream, consensus
from trueline.metrics.consensus import Vote
from trueline.metrics.consensus import consensus as defined

EVENTS = 120_000


@pytest.fixture(scope="module")
def stream() -> Stream:
    return Stream(EVENTS)


def test_it_is_the_same_again_and_another_one_with_another_seed(stream: Stream) -> None:
    first, again, other = (next(made.blocks()) for made in (stream, Stream(EVENTS), Stream(EVENTS, stream.seed + 1)))
    assert first.document == again.document
    assert first.event_id == again.event_id
    assert not {*first.event_id} & {*other.event_id}


def test_events_lie_in_one_year_in_order_with_ids_of_their_own(stream: Stream) -> None:
    blocks = list(stream.blocks())
    micros = np.concatenate([block.micros for block in blocks])
    assert np.all(np.diff(micros) >= 0)
    assert YEAR_BEGINS <= micros[0] / 1e6 < micros[-1] / 1e6 < YEAR_BEGINS + SECONDS
    ids = [event_id for block in blocks for event_id in block.event_id]
    assert len({*ids}) == EVENTS
    assert stream.event_id(70_001) == ids[70_001]


def test_labels_models_and_buckets_are_spread_as_described(stream: Stream) -> None:
    blocks = list(stream.blocks())
    decision = np.bincount(np.concatenate([block.decision for block in blocks])) / EVENTS
    assert decision == pytest.approx([0.85, 0.10, 0.04, 0.01], abs=0.005)
    assert {*np.concatenate([block.model for block in blocks]).tolist()} == {0, 1, 2, 3}
    bucket = np.bincount(np.concatenate([block.bucket for block in blocks]))
    assert bucket.argmax() == stream.largest_bucket


def test_ten_million_events_have_a_largest_bucket_of_about_50_000() -> None:
    stream = Stream(10_000_000)
    assert stream.buckets == 200_000
    in_first = next(stream.blocks()).bucket
    assert 150 < np.count_nonzero(in_first == stream.largest_bucket) < 350  # of 50,000, so of all 200 times as many


def test_documents_are_nested_some_sparse_and_a_code_is_a_number_or_a_text(stream: Stream) -> None:
    documents = [json.loads(document) for document in next(stream.blocks()).document]
    assert 24 <= np.mean([_leaves(document) for document in documents]) <= 27
    assert {type(document["event"]["code"]) for document in documents} == {int, str}
    assert 0.02 < np.mean(["threat" in document for document in documents]) < 0.04


@pytest.mark.parametrize("grouping", get_args(Grouping))
def test_two_in_a_hundred_have_votes_some_of_them_ties(stream: Stream, grouping: Grouping) -> None:
    before, after = stream.votes(grouping)
    subjects = {vote.subject for vote in before + after}
    assert len(subjects) == pytest.approx(0.02 * (EVENTS if grouping == "event" else stream.buckets), abs=1)
    assert stream.left_out(grouping) not in subjects
    assert max(Counter((vote.subject, vote.analyst) for vote in before + after).values()) == 1
    found = Counter(consensus(before + after).values())
    assert {*found} <= {*LABELS, UNDECIDED}
    assert found[UNDECIDED] > 0


@pytest.mark.parametrize("grouping", get_args(Grouping))
def test_consensus_is_the_defined_one(stream: Stream, grouping: Grouping) -> None:
    votes = [vote for part in stream.votes(grouping) for vote in part]
    given: dict[int, list[Vote]] = {}
    for number, vote in enumerate(votes):
        given.setdefault(vote.subject, []).append(Vote(vote.analyst, vote.label, number, number, override=False))
    assert consensus(votes) == {subject: defined(each, 1).label for subject, each in given.items()}


def _leaves(value: object) -> int:
    return sum(map(_leaves, value.values())) if isinstance(value, dict) else 1
