"""A notebook: pandas and scikit-learn on columns that lie in memory already."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from contenders.columns import read_columns
from contenders.scores import answer
from stream import LABELS, UNDECIDED, consensus

if TYPE_CHECKING:
    from questions import Answer, Question
    from stream import Grouping, Stream

_NOBODY: Final = -1  # as pandas codes what is missing
_UNDECIDED: Final = len(LABELS)
_NUMBERS: Final = {"event.risk_score": "risk_score", "destination.bytes": "traffic"}


class Notebook:
    """Labels are categories, and scikit-learn is given their numbers: many times as fast as with texts."""

    title: str = "pandas + scikit-learn"

    def load(self, stream: Stream) -> None:
        """Keep one data frame, the field of mixed type as objects."""
        columns = read_columns(stream)
        self._frame = pd.DataFrame(
            {
                "timestamp": columns.micros.astype("datetime64[us]"),
                "bucket": columns.bucket,
                "decision": pd.Categorical.from_codes(columns.decision, list(LABELS)),
                "risk_score": columns.risk_score,
                "traffic": columns.traffic,
                "code": pd.Series(columns.code, dtype=object),
                "rule": pd.Series(columns.rule.to_pandas(), dtype="category"),
                "command_line": pd.Series(columns.command_line.to_pandas(), dtype="str"),
                "indicator": pd.Series(columns.indicator.to_pandas(), dtype="str"),
            }
        )

    def weigh(self, stream: Stream, grouping: Grouping) -> None:
        """Join the consensus to the events."""
        weighed = pd.Series(consensus([vote for votes in stream.votes(grouping) for vote in votes]))
        subject = pd.Series(np.arange(len(stream))) if grouping == "event" else self._frame["bucket"]
        self._frame["consensus"] = pd.Categorical(subject.map(weighed), [*LABELS, UNDECIDED])
        self._subject = subject
        self._left_out = stream.left_out(grouping)

    def vote(self, label: str) -> float:
        """Write the consensus of the subject into its events."""
        started = time.perf_counter()
        self._frame.loc[self._subject == self._left_out, "consensus"] = label
        return time.perf_counter() - started

    def ask(self, question: Question) -> tuple[Answer, float]:
        """Select the rows, and have scikit-learn count and score them."""
        started = time.perf_counter()
        answered = self._answer(question)
        return answered, time.perf_counter() - started

    def close(self) -> None:
        """Let go of the frame."""
        self.__dict__.clear()

    def _answer(self, question: Question) -> Answer:
        frame = self._frame
        if question.window is not None:  # in the order of time
            first, last = (pd.Timestamp(day) for day in question.window)
            frame = frame.iloc[slice(*frame["timestamp"].searchsorted([first, last + pd.Timedelta(days=1)]))]
        passes: Any = None
        for each in question.filters:
            met = self._passes(frame, each)
            passes = met if passes is None else passes & met
        chosen = frame[["decision", "consensus"]] if passes is None else frame.loc[passes, ["decision", "consensus"]]
        decision = chosen["decision"].cat.codes.to_numpy()
        weighed = chosen["consensus"].cat.codes.to_numpy()
        has_label = (weighed != _NOBODY) & (weighed != _UNDECIDED)
        with_consensus = int(has_label.sum())
        if question.truth == "implicit":
            truth = np.where(weighed == _NOBODY, decision, weighed)
            has_truth = weighed != _UNDECIDED
        else:
            truth, has_truth = weighed, has_label
        truth, decided = truth[has_truth], decision[has_truth]
        if not len(truth):
            return answer(np.zeros((len(LABELS),) * 2, dtype=int).tolist(), len(chosen), with_consensus, (None,) * 4)
        matrix = confusion_matrix(truth, decided, labels=range(len(LABELS)))
        each_label = precision_recall_fscore_support(truth, decided, zero_division=0)
        overall = (np.trace(matrix) / matrix.sum(), *(scores.mean() for scores in each_label[:3]))
        return answer(matrix.tolist(), len(chosen), with_consensus, overall)

    def _passes(self, frame: pd.DataFrame, condition: dict[str, Any]) -> Any:  # noqa: ANN401 - a boolean series
        field, value = condition["field"], condition.get("value")
        match field, condition["operator"]:
            case "arcanna.result_label", "is":
                return frame["decision"] == value
            case "rule.name", "is":
                return frame["rule"] == value
            case "event.code", "is":
                return frame["code"].isin([value, str(value)])
            case "event.risk_score" | "destination.bytes", "gt":
                return frame[_NUMBERS[field]] > value
            case "process.command_line", "contains":
                return frame["command_line"].str.contains(value, regex=False)
            case "threat.indicator.type", "exists":
                return frame["indicator"].notna()
        raise NotImplementedError(condition)
