"""What the machine can do at best: counts over packed codes that lie in memory already. Not a contender."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from contenders.columns import read_columns
from contenders.scores import answer_from_matrix
from stream import LABELS, UNDECIDED, consensus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from questions import Answer, Question
    from stream import Grouping, Stream

_NOBODY: Final = len(LABELS) + 1
_CONSENSUS: Final = {label: place for place, label in enumerate((*LABELS, UNDECIDED))}
_WIDTH: Final = _NOBODY + 1


class Floor:
    """`numpy.bincount` over one byte an event, which holds its decision and its consensus."""

    title: str = "floor: NumPy"

    def load(self, stream: Stream) -> None:
        """Keep each column as numbers, texts as places in a list of the distinct ones."""
        columns = read_columns(stream)
        self._micros, self._bucket = columns.micros, columns.bucket
        self._decision, self._risk, self._traffic = columns.decision, columns.risk_score, columns.traffic
        numbered: dict[str, int] = {}
        self._code = np.array([numbered.setdefault(str(code), len(numbered)) for code in columns.code], dtype=np.int8)
        self._codes = np.array(list(numbered))
        self._rule, self._rules = _distinct(columns.rule)
        # without the number at its end, by which hardly two are the same
        self._command, self._commands = _distinct(pc.replace_substring_regex(columns.command_line, " [0-9]+$", ""))
        self._indicated = columns.indicator.is_valid().to_numpy()

    def weigh(self, stream: Stream, grouping: Grouping) -> None:
        """Pack decision and consensus."""
        weighed = consensus([vote for votes in stream.votes(grouping) for vote in votes])
        of_subject = np.full(len(stream) if grouping == "event" else stream.buckets, _NOBODY, dtype=np.int8)
        of_subject[list(weighed)] = [_CONSENSUS[label] for label in weighed.values()]
        self._packed = self._decision * _WIDTH + (of_subject if grouping == "event" else of_subject[self._bucket])
        left_out = stream.left_out(grouping)
        self._left_out = np.array([0]) if grouping == "event" else np.flatnonzero(self._bucket == left_out)

    def vote(self, label: str) -> float:
        """Pack the events of the subject anew."""
        started = time.perf_counter()
        self._packed[self._left_out] = self._decision[self._left_out] * _WIDTH + _CONSENSUS[label]
        return time.perf_counter() - started

    def ask(self, question: Question) -> tuple[Answer, float]:
        """Count what passes, and score it."""
        started = time.perf_counter()
        window = slice(None)
        if question.window is not None:
            first, last = (np.datetime64(day, "us").astype(np.int64) for day in question.window)
            window = slice(*np.searchsorted(self._micros, [first, last + 86_400_000_000]))
        packed = self._packed[window]
        if question.filters:
            passes = self._passes(question.filters[0], window)
            for each in question.filters[1:]:
                passes &= self._passes(each, window)
            packed = packed[passes]
        counts = np.bincount(packed, minlength=len(LABELS) * _WIDTH).reshape(len(LABELS), _WIDTH)
        matrix = counts[:, : len(LABELS)].T.copy()
        with_consensus, events = int(matrix.sum()), int(counts.sum())
        if question.truth == "implicit":
            matrix[np.diag_indices(len(LABELS))] += counts[:, _NOBODY]
        answer = answer_from_matrix(matrix, events, with_consensus)
        return answer, time.perf_counter() - started

    def close(self) -> None:
        """Let go of the columns."""
        self.__dict__.clear()

    def _passes(self, condition: dict[str, Any], window: slice) -> NDArray[np.bool_]:
        field, value = condition["field"], condition.get("value")
        passes: NDArray[np.bool_]
        match field, condition["operator"]:
            case "arcanna.result_label", "is":
                passes = self._decision[window] == LABELS.index(str(value))
            case "rule.name", "is":
                passes = (self._rules == value)[self._rule[window]]
            case "event.code", "is":
                passes = (self._codes == str(value))[self._code[window]]
            case "event.risk_score", "gt":
                passes = self._risk[window] > condition["value"]
            case "destination.bytes", "gt":
                passes = self._traffic[window] > condition["value"]
            case "process.command_line", "contains":
                passes = (np.strings.find(self._commands, str(value)) >= 0)[self._command[window]]
            case "threat.indicator.type", "exists":
                passes = self._indicated[window].copy()
            case _:
                raise NotImplementedError(condition)
        return passes


def _distinct(texts: Any) -> tuple[NDArray[np.int16], NDArray[np.str_]]:  # noqa: ANN401 - an Arrow column
    encoded = texts.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int16), np.array(encoded.dictionary.to_pylist())
