"""The mapping: read from a file and flags, refused where it contradicts itself, applied to values."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from trueline.importers.bulk_line import facts_encoder
from trueline.importers.columns import at_path
from trueline.importers.errors import MappingError, RowError
from trueline.importers.mapping import ColumnMapping, load_mapping, parse_label_map, with_flags
from trueline.importers.values import confidence_of, instant_reader, label_reader, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from trueline.importers.mapping import TimeUnit


def facts(row: dict[str, Any], **mapping: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a mapping
    text = facts_encoder(ColumnMapping(**mapping), at_path)(row)
    found: dict[str, Any] = json.loads(b'{"":0%b}' % text)
    del found[""]
    return found


def test_a_mapping_file_and_flags_over_it(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text('time = "t"\ntime_unit = "s"\n[decision_map]\n"*" = "a"\n[job]\nlabels = ["a", "b"]\n')
    mapping = with_flags(load_mapping(file), {"time_unit": "ms", "id": None, "decision": "d"})
    assert mapping == ColumnMapping(time="t", time_unit="ms", decision="d", decision_map={"*": "a"}, job=mapping.job)
    assert mapping.job.labels == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time = ", "is no TOML"),
        ('tme = "t"', "tme"),
        ('time_unit = "weeks"', "weeks"),
        ("columns = 5", "columns"),
    ],
)
def test_a_mapping_file_that_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(MappingError, match=message):
        load_mapping(tmp_path / "m.toml")


def test_a_mapping_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="No such file"):
        load_mapping(tmp_path / "m.toml")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"columns": ["a"], "drop": ["b"]}, "not both"),
        ({"confidence": "c"}, "confidence is given but no column for decision"),
        ({"truth_at": "c"}, "truth_at is given but no column for truth"),
        ({"delimiter": ";;"}, "not one character"),
        ({"bulk": True, "time": "t"}, "no column can be mapped"),
        ({"bulk": True, "format": "csv"}, "are NDJSON, not csv"),
        ({"decision": "d", "decision_map": {"x": "c"}}, "'c', which is no label of the job; it has a, b"),
    ],
)
def test_mappings_that_cannot_be_meant(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        ColumnMapping(**mapping).check(["a", "b"])


def test_label_maps_in_a_flag() -> None:
    assert parse_label_map("false_positive=benign,*=attack") == {"false_positive": "benign", "*": "attack"}
    assert parse_label_map("-=benign,a=b=attack,=none,skip=") == {
        "-": "benign", "a=b": "attack", "": "none", "skip": "",
    }  # fmt: skip
    with pytest.raises(MappingError, match="not of the form"):
        parse_label_map("benign")
    with pytest.raises(MappingError, match="twice"):
        parse_label_map("a=b,a=c")


def test_labels() -> None:
    plain = label_reader("decision", None)
    assert [plain(value) for value in ("x", 5, 5.0, True, None, "")] == ["x", "5", "5", "true", None, None]
    mapped = label_reader("decision", {"0": "no", "true": "yes", "skip": ""})
    assert [mapped(value) for value in ("0", 0, True, "skip", None, "")] == [
        "no",
        "no",
        "yes",
        None,
        None,
        None,
    ]
    with pytest.raises(RowError, match="decision 'x' is not in its map"):
        mapped("x")
    others = label_reader("truth", {"-": "benign", "*": "attack"})
    assert [others(value) for value in ("-", "anything", "", None)] == ["benign", "attack", None, None]
    assert label_reader("truth", {"": "benign"})("") == "benign"


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("iso", "2025-01-01", "2025-01-01"),
        ("iso", datetime(2025, 1, 1, tzinfo=UTC), "2025-01-01T00:00:00+00:00"),
        ("iso", date(2025, 1, 1), "2025-01-01T00:00:00Z"),
        ("s", "1642213952", "2022-01-15T02:32:32Z"),
        ("s", 1642213952, "2022-01-15T02:32:32Z"),
        ("s", "1642213952.9999999", "2022-01-15T02:32:32.999999Z"),
        ("s", 1642213952.999999, "2022-01-15T02:32:32.999999Z"),
        ("s", Decimal("1642213952.5"), "2022-01-15T02:32:32.500000Z"),
        ("s", "-1.5", "1969-12-31T23:59:58.500000Z"),
        ("ms", "1642213952001", "2022-01-15T02:32:32.001000Z"),
        ("us", 1642213952000001, "2022-01-15T02:32:32.000001Z"),
        ("s", "", None),
        ("s", None, None),
    ],
)
def test_instants(unit: TimeUnit, value: object, expected: str | None) -> None:
    assert instant_reader(unit)(value) == expected


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("iso", 5),
        ("s", "yesterday"),
        ("s", "1e9"),
        ("s", True),
        ("s", [1]),
        ("s", 10**30),
        ("s", float("inf")),
    ],
)
def test_what_is_no_instant(unit: TimeUnit, value: object) -> None:
    with pytest.raises(RowError, match="time"):
        instant_reader(unit)(value)


def test_confidence_and_text() -> None:
    assert [confidence_of(value) for value in ("87.5", 12, None, "")] == [87.5, 12.0, None, None]
    for wrong in ("high", True, "nan"):
        with pytest.raises(RowError, match="is no number"):
            confidence_of(wrong)
    with pytest.raises(RowError, match="single value"):
        text_of([1])


def test_decision_and_vote_take_the_time_of_the_event() -> None:
    row = {"t": "1642213952", "d": "x", "v": "y"}
    at = "2022-01-15T02:32:32Z"
    assert facts(row, time="t", time_unit="s", decision="d", truth="v") == {
        "timestamp": at,
        "decision": {"label": "x", "decided_at": at},
        "votes": [{"analyst": "import", "label": "y", "at": at}],
    }


def test_all_columns() -> None:
    row = {"t": "1", "d": "x", "c": "50", "m": "m1", "da": "2", "v": "y", "va": "3", "who": "ana", "b": 7}
    assert facts(
        row,
        time="t", time_unit="s", bucket="b", decision="d", confidence="c", model="m", decided_at="da",
        truth="v", truth_at="va", analyst="who",
    ) == {
        "timestamp": "1970-01-01T00:00:01Z",
        "bucket_id": "7",
        "decision": {
            "label": "x", "confidence": 50.0, "model_id": "m1", "decided_at": "1970-01-01T00:00:02Z",
        },
        "votes": [{"analyst": "ana", "label": "y", "at": "1970-01-01T00:00:03Z"}],
    }  # fmt: skip


def test_nothing_is_left_over_from_the_row_before() -> None:
    encode = facts_encoder(
        ColumnMapping(decision="d", confidence="c", model="m", truth="v", analyst="who", bucket="b"), at_path
    )
    encode({"d": "x", "c": 5, "m": "m1", "v": "y", "who": "ana", "b": "1", "@timestamp": "2025-01-01"})
    assert encode({"d": "x", "v": "y"}) == b',"decision":{"label":"x"},"votes":[{"analyst":"import","label":"y"}]'
    assert encode({}) == b""
