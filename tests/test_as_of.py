"""Whatever arrives later, a moment that was once asked about is answered as it was, and as the oracle answered then."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from drawn import filters, windows
from oracle import differences
from plain_values import RefusedError
from test_stateful import LONG, AnySequence
from then import metrics_then
from trueline.instants import format_instant, from_micros
from trueline.service.errors import TruelineError

if TYPE_CHECKING:
    from oracle import Oracle
    from trueline.service.workspace import Workspace

EXAMPLES = 250 if LONG else 18
STEPS = 25


@dataclass
class Noted:
    """A moment, what the oracle had been told until then, and what was answered."""

    as_of: int
    oracle: Oracle
    answer: dict[str, object]
    terms: tuple[object, ...]


class AnySequenceAsOf(AnySequence):
    """The sequences of the other test, with moments noted between them."""

    @rule()
    def note(self) -> None:
        """Note a moment, and what is known at it."""
        moment = self.workspace._ledger.clock.next()  # noqa: SLF001 - later than all there is
        settled = self.workspace.as_of.moment(self.job, format_instant(from_micros(moment)))
        assert settled == moment
        oracle = copy.deepcopy(self.oracle, {id(self.terms): self.terms})
        self.noted.append(Noted(moment, oracle, metrics_then(self.workspace, self.job, moment), self.settings_now()))

    @property
    def noted(self) -> list[Noted]:
        if not hasattr(self, "_noted"):
            self._noted: list[Noted] = []
        return self._noted

    def settings_now(self) -> tuple[object, ...]:
        return (tuple(self.terms.labels), self.terms.min_votes, self.terms.minutes_per_alert)

    @rule(data=st.data(), window=windows, questions=st.lists(filters(), max_size=2), truth=st.booleans())
    def ask_as_of(
        self,
        data: st.DataObject,
        window: tuple[str | None, str | None],
        questions: list[dict[str, object]],
        truth: bool,
    ) -> None:
        if self.terms.by_bucket and not self.buckets_sent:
            questions = [question for question in questions if question["field"] != "arcanna.bucket_id"]
        if self.noted:
            self.agree_then(
                data.draw(st.sampled_from(self.noted)), *window, questions, "implicit" if truth else "explicit"
            )

    def agree_then(  # noqa: PLR0913, PLR0917 - a question has that many parts
        self,
        noted: Noted,
        start: str | None,
        end: str | None,
        questions: list[dict[str, object]],
        truth: str,
        was: dict[str, object] | None = None,
    ) -> None:
        """Hold an answer about a moment against the oracle's, and against what it was before where that is given."""
        try:
            wanted = noted.oracle.metrics(start, end, questions, truth)
        except RefusedError:
            with pytest.raises(TruelineError):
                metrics_then(self.workspace, self.job, noted.as_of, start, end, questions, truth)
            return
        answer = metrics_then(self.workspace, self.job, noted.as_of, start, end, questions, truth)
        assert was is None or answer == was
        if self.terms.by_bucket and not self.buckets_sent:
            for body in (wanted, answer):
                changed = body["changed_consensus_after_training"]
                assert isinstance(changed, dict)
                changed["top_buckets_ids"] = len(changed["top_buckets_ids"])
        assert not differences(answer, wanted), f"as of {noted.as_of}: {start} {end} {questions} {truth}"

    def teardown(self) -> None:
        for noted in self.noted:
            self.agree_then(noted, None, None, [], "explicit")
            is_as_it_was = noted.terms == self.settings_now()
            self.agree_then(noted, None, None, [], "implicit", noted.answer if is_as_it_was else None)


def test_any_sequence_as_of_any_moment_gives_the_numbers_of_then(workspace: Workspace) -> None:
    AnySequenceAsOf.workspace = workspace
    run_state_machine_as_test(
        AnySequenceAsOf,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
