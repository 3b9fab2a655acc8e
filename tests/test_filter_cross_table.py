"""Every operator on every kind of stored value with every kind of filter value, held against the oracle.

Each stored kind is one event that has a decision label of its own; so the diagonal of one confusion matrix
tells which of them a filter lets through.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from oracle import JobTerms, Oracle
from plain_values import NEGATIONS, ORDERS, RefusedError, check_filter
from trueline.service.errors import TruelineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trueline.catalog.records import Job
    from trueline.service.workspace import Workspace

    Question = dict[str, object]

LONG = os.environ.get("TRUELINE_TEST_LONG") == "1"
TEXTS = [
    *("text", "Text", "te", "xt", "", " ", "5", "5.0", "5e0", "5E+0", "0.5e1", "007", " 5", "5 ", "+5"),
    *(".5", "5.", "1e3", "-0", "0", "0x5", "NaN", "Infinity", "1e400", "-", "\u0665", "5\n", "1e21"),
    *("1e-7", "18446744073709551617", "9007199254740993", "9007199254740992.0", "1" + "0" * 29 + "1"),
    *("2025-01-01", "2025-01-01T00:00:00Z", "2025-01-01T00:00:00", "2025-01-01T01:00:00+01:00"),
    *("2025-01-01 01:00 01", "2025-01-01T01:00:00+0100", "2025-01-01T01:00:00 01:00", "2025-1-1"),
    *("2025-01-01T00:00:00.000001Z", "2025-01-01T00:00:00.0000009Z", "2024-12-31T19:00-05"),
    *("2025-02-30", "2025-01-01T24:00:00Z", "2025-01-01T00:00:60Z", "2024-02-29", "2025-01-01T00Z"),
    *("1900-01-01", "1899-12-31", "1899-12-31T23:30:00-01:00", "2299-12-31T23:59:59.999999Z"),
    *("2300-01-01", "2299-12-31T23:30:00-01:00", "1900-01-01T00:00:00+00:01", "0000-01-01"),
    *("2025-01-01T00:00:00+24:00", "2025-01-01T00:00:00+00:60", "2025-01-01T", "20250101", "2025-01"),
    *("2025", "2025-01-01T00:00:00+", "2025-01-01T00:00:00.Z", " 2025-01-01", "2025-01-01\n"),
    *("true", "false", "True", "null", "[5]", "{}", "[]", "ünï😀", "é", "e\u0301", "É", "\U0001f600"),
    *("100%", "a_b", "a%b", "a\\b", "a\\", "\\", "it's", "''", '"q"', "a`b", "tab\t", "new\nline"),
    *("\x00", "a\x00b", "{v:String}", "%(v)s", "?", "$1", "-- x", "\ufeff", "\u2028", "\x7f"),
    *("a" * 512, "a" * 3000, "5" * 600),
]
NUMBERS: list[object] = [
    *(5, 5.0, -5, 5.5, 0, -0.0, 1, 1000, 0.1, 0.30000000000000004, 1e21, 1e-7, 1e-6, 123456789.125),
    *(1e300, 5e-324, 1.7976931348623157e308, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, 2**63),
    *(-(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 2**64 + 1, float(2**63), float(2**64), 2**200),
    *(10**30, 10**30 + 1, 1e30, -(10**30)),
]
NESTED: list[object] = [
    *(None, [], [None], [None, 5], ["text", "other"], [5, "x"], [5.5], [True], [False, None, "5"], [[]]),
    *([[None]], [[1, 2], [3, "text"]], [[[5]]], ["2025-01-01"], [""], [10**30], [{}], {}, {"k": 5}),
    *({"k": None}, {"k": []}, [{"k": 5}, {"k": "two"}], [{"k": [1, 2]}, [{"k": 3}]], [{"j": 1}]),
    *([{"k": None}], {"k": {"k": 5}}, {"k": {}}, [5, {"k": 5}], [{"k": 5}, 5, None], [[{"k": True}]]),
    *({"k": [[], [None]]}, {"k": "text"}, {"k": 2**64 + 1}),
]
WANTED: list[object] = [*TEXTS, *NUMBERS, True, False]
STORED: list[object] = [*WANTED, *NESTED]
REFUSED: list[object] = [None, [], [5], {}, {"k": 5}, ["text"], [None], [[5]], [{}], ["text", None]]

KEYS = [
    *("a'b", 'a"b', "a`b", "a\\b", "a\\", "a%b", "%", "a\x00b", "a:b", "a^b", "a[0]", "a[]", "[]", "a b"),
    *(" ", "\t", "a\nb", "ä", "😀", "a/b", "{a}", "?", "*", "$", "@", "~", "null", "0", "-1", "a,b", "(a)"),
    *("a;b", "ä.ö", "A", "a", "%2E", "a%2Eb", "a\\.b", "--", "k.keyword", "String", ":Int64", "\u202e"),
    *("a.:`String`", "a" * 300, "Undecided"),
]
DOTTED: list[dict[str, object]] = [
    json.loads(document)
    for document in """
{"a.b": 5} ; {"a": {"b": 5}} ; {"a.b": 5, "a": {"b": 6}} ; {"a.b": null, "a": {"b": 5}} ; {}
{"a": {"b": 7}, "a.b": 5} ; {"a.b.c": 5} ; {"a": {"b.c": 5}} ; {"a.b": {"c": 5}} ; {"a": {"b": {"c": 5}}}
{"a.b": {"c": 6}, "a": {"b.c": 5}} ; {"a": [{"b": 5}, {"b": 6}]} ; {"a": [{"b": [{"c": 5}]}]}
{"a": [[{"b": 5}]]} ; {"a": {"b": [5, 6]}} ; {"a": 5} ; {"a": {"b": null}} ; {"a": null} ; {"a": []}
{"a": {}} ; {"a": {"b": []}} ; {"a": {"b": {}}} ; {"a": "b"} ; {"b": 5} ; {"": 5} ; {"a": {"": 5}}
{"": {"": 5}} ; {".": 5} ; {"a.": 5} ; {".a": 5} ; {"a..b": 5} ; {"a": {"": {"b": 5}}} ; {"": {"a": 5}}
{"a.": {"b": 5}} ; {"a": {".b": 5}} ; {"a": [5, {"b": 5}]} ; {"a": [{"b": null}, {"c": 5}]}
{"a": {"b": {"c": [{"d": 5}]}}} ; {"a.b": [{"c": 5}], "a": [{"b": {"c": 6}}]} ; {"a": {"b": 5, "b.c": 6}}
{"arcanna": {"result_label": "5"}} ; {"arcanna.result_label": "5"} ; {"@timestamp": "2025-01-01"}
{"v": {"v": 5}} ; {"arcanna": {"other": 5}} ; {"timestamp_inference": 5} ; {"attention": {"x": 5}}
{"v.keyword": 5} ; {"A": {"B": 5}} ; {"a": {"b": 5.0}, "a.b": "5"} ; {"a.b.c": 5, "a.b": {"c": 5}}
""".strip()
    .replace("\n", " ; ")
    .split(" ; ")
]
DOTTED_FIELDS = [
    *("a", "a.b", "a.b.c", "a.b.c.d", "a.c", "b", "", "a.", ".a", ".", "..", "a..b", "a..", "..b", "v.v"),
    *("A.B", "a.B", "arcanna", "arcanna.other", "attention", "attention.x", "v.keyword", "a.b.keyword"),
    *("a.0", "a[0].b", "a.*"),
]


class Table:
    """One job of the product, and the oracle's like it, with one event for each document."""

    def __init__(self, workspace: Workspace, title: str, documents: list[dict[str, object]]) -> None:
        self.workspace = workspace
        labels = [f"k{i}" for i in range(max(2, len(documents)))]
        self.job: Job = workspace.jobs.create(title=f"cross table: {title}", labels=labels)
        self.oracle = Oracle(JobTerms(labels))
        self.documents = documents
        lines = []
        for i, document in enumerate(documents):
            event_id, at = f"event {i}", "2025-01-01T00:00:00Z"
            decision = {"label": labels[i], "decided_at": at}
            line = {"event_id": event_id, "timestamp": at, "raw_body": document, "decision": decision}
            lines.append(json.dumps(line).encode())
            assert self.oracle.event(event_id, document, timestamp=at, arrived_at=0)
            self.oracle.decide(event_id, labels[i], decided_at=at, arrived_at=0)
        answer = workspace.ingest.bulk(self.job, lines)
        assert answer.rejected == []

    def let_through(self, question: Mapping[str, object]) -> set[int] | None:
        """Return the events that the product lets through; None where it refuses the filter."""
        try:
            matrix = self.workspace.metrics.job(self.job.id, filters=[dict(question)])["confusion_matrix"]
        except TruelineError:
            return None
        assert isinstance(matrix, list)
        return {i for i in range(len(self.documents)) if matrix[i][i]}

    def expected(self, question: Mapping[str, object]) -> set[int] | None:
        """Return the events that the definitions let through; None where they refuse the filter."""
        try:
            check_filter(question)
        except RefusedError:
            return None
        return {i for i, event in enumerate(self.oracle.sent) if self.oracle.passes(event, question)}

    def faults(self, questions: Iterable[Mapping[str, object]]) -> list[str]:
        """Ask each question and its negation; return a line for each wrong answer."""
        negations = {positive: negative for negative, positive in NEGATIONS.items()}
        everything, lines = set(range(len(self.documents))), []
        for question in questions:
            answer, expected = self.let_through(question), self.expected(question)
            lines += self.fault(question, answer, expected)
            if question["operator"] in negations:
                negated = {**question, "operator": negations[str(question["operator"])]}
                rest = None if expected is None else everything - expected
                assert self.expected(negated) == rest
                lines += self.fault(negated, self.let_through(negated), rest)
        return lines

    def fault(self, question: Mapping[str, object], answer: set[int] | None, expected: set[int] | None) -> list[str]:
        if answer == expected:
            return []
        if answer is None or expected is None:
            return [f"{question}: {'refused' if answer is None else 'not refused'}"]
        more = [self.documents[i] for i in sorted(answer - expected)]
        less = [self.documents[i] for i in sorted(expected - answer)]
        return [f"{question}: wrongly in {more}, wrongly out {less}"]


def questions(field: str, operators: Iterable[str], values: Iterable[object]) -> list[dict[str, object]]:
    return [{"field": field, "operator": operator, "value": value} for operator in operators for value in values]


def some(asked: Sequence[Question], every: int) -> Sequence[Question]:
    """Every so manieth of the questions, and not the same ones on each field; all of them in the long run."""
    if LONG:
        return asked
    first = sum(map(ord, str(asked[0]["field"]) + str(asked[0]["operator"]))) % every
    return asked[first::every]


def unanimous(faults: list[str]) -> None:
    assert not faults, f"{len(faults)} wrong answers:\n" + "\n".join(line[:600] for line in faults[:40])


@pytest.fixture(scope="module")
def values(workspace: Workspace) -> Table:
    return Table(workspace, "stored values", [{"v": value} for value in STORED] + [{}])


@pytest.mark.parametrize("operator", ["is", "starts with", "contains", *sorted(ORDERS)])
def test_operator_on_every_value(values: Table, operator: str) -> None:
    unanimous(values.faults(some(questions("v", [operator], WANTED), 4)))
    unanimous(values.faults(questions("v", [operator], REFUSED)))


def test_is_one_of_on_every_value(values: Table) -> None:
    lists: list[object] = [[value] for value in WANTED] + [
        *([5, "text"], ["5", True], [2**64, 2**64 + 1], ["", "a\x00b", False], [10**30, 1e21, "1e3"], WANTED),
    ]
    unanimous(values.faults(some(questions("v", ["is one of"], lists), 4)))
    refused = [value for value in REFUSED if value not in ([5], ["text"])]
    unanimous(values.faults(questions("v", ["is one of"], ["text", 5, True, *refused])))


def test_exists_takes_no_value(values: Table) -> None:
    unanimous(values.faults(questions("v", ["exists"], [None, "", 5, True, False, [], {}])))
    without = [{"field": field, "operator": "exists"} for field in ("v", "v.k", "v.k.k", "nowhere")]
    unanimous(values.faults(without))


def test_paths_into_values(values: Table) -> None:
    wanted: list[object] = [5, "5", 5.0, 1, 3, "two", "text", True, 2**64 + 1, "", "t", "2025-01-01"]
    asked = ["is", "starts with", "contains", *sorted(ORDERS)]
    for field in ("v.k", "v.k.k", "nowhere", "v.nowhere"):
        unanimous(values.faults(some(questions(field, asked, wanted), 4)))


def test_unknown_operators_are_refused(values: Table) -> None:
    for operator in ("", "IS", "equals", "is  not", "not lt", "not is", "Contains", "=="):
        assert values.let_through({"field": "v", "operator": operator, "value": "5"}) is None


def test_every_key(workspace: Workspace) -> None:
    documents: list[dict[str, object]] = [{key: 5} for key in KEYS]
    documents += [{"n": {key: 5}} for key in KEYS]
    table = Table(workspace, "keys", documents)
    asked: list[dict[str, object]] = []
    for field in [*KEYS, *(f"n.{key}" for key in KEYS)]:
        asked += [{"field": field, "operator": "exists"}, {"field": field, "operator": "is", "value": "5"}]
    unanimous(table.faults(some(asked, 3)))


def test_dots_and_lists_on_the_way(workspace: Workspace) -> None:
    table = Table(workspace, "dots", DOTTED)
    for field in DOTTED_FIELDS:
        unanimous(table.faults([{"field": field, "operator": "exists"}]))
        unanimous(table.faults(some(questions(field, ["is", "lt", "gte", "contains"], [5, 6, "5"]), 5)))


def test_own_fields_are_never_the_documents(workspace: Workspace) -> None:
    table = Table(workspace, "own fields", DOTTED)
    names = [name for name in table.oracle.own_fields(table.oracle.sent[0]) if "timestamp_inference" not in name]
    wanted: list[object] = [
        *(
            "5",
            5,
            "k3",
            "k",
            "class_1",
            "",
            "OK",
            "new",
            "event 3",
            False,
            "false",
            True,
            0,
            "2025",
            "0Z",
            "00:00Z",
        ),
        *(
            "2025-01-01",
            "2025-01-01T00:00:00Z",
            "2025-01-01T01:00:00 0100",
            "2025-01-01T00:00:00.000001Z",
            "2025-02-30",
        ),
        *("2025-01-01T00:00:00.000000Z", "2024-12-31", 60, "Undecided", "null"),
    ]
    for name in names:
        unanimous(table.faults([{"field": name, "operator": "exists"}]))
        asked = questions(name, ["is", "starts with", "contains", *sorted(ORDERS)], wanted)
        asked += questions(name, ["is one of"], [["5", "k3", "k4"], ["2025-01-01", "OK"], [False]])
        unanimous(table.faults(some(asked, 31)))


@pytest.mark.parametrize(
    "members",
    [
        [f"text {i}" for i in range(1000)],
        [str(i) for i in range(1000)],
        list(range(1000)),
        [2**64 + i for i in range(1000)],
        [i / 7 for i in range(1000)],
    ],
    ids=["texts", "numbers as text", "integers", "large integers", "fractions"],
)
def test_long_lists(values: Table, members: list[object]) -> None:
    unanimous(values.faults([{"field": "v", "operator": "is one of", "value": members}]))


@pytest.mark.parametrize(
    "question",
    [
        {"field": "v", "operator": "gte", "value": "2025-01-01"},
        {"field": "v", "operator": "lt", "value": 2**64},
        {"field": "v", "operator": "is not", "value": "5"},
        {"field": "arcanna.confidence_score", "operator": "not exists"},
    ],
    ids=str,
)
def test_as_many_filters_as_are_allowed(values: Table, question: Question) -> None:
    body = values.workspace.metrics.job(values.job.id, filters=[question] * 64)
    passing = values.expected(question)
    assert passing is not None
    assert body["total_events"] == len(passing)
