"""Batches, their way to a sink, and what is told of rejected rows."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from trueline.importers.batches import Batches, Origins
from trueline.importers.errors import MappingError, SinkError
from trueline.importers.mapping import ColumnMapping
from trueline.importers.pipeline import Answer, Pipeline, RejectedLine
from trueline.importers.rejected import RejectedFile
from trueline.importers.rows import RejectedRow
from trueline.importers.run import Tally, import_files
from trueline.importers.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trueline.service.lines import EventRow


def as_bytes(lines: Sequence[bytes | EventRow]) -> list[bytes]:
    return [bytes(line) for line in lines]


class Remembering:
    """A sink that keeps its lines and refuses those that contain ``bad``."""

    def __init__(self, max_lines: int = 3, failure: Exception | None = None) -> None:
        self.max_lines = max_lines
        self.batches: list[list[bytes]] = []
        self.threads: set[int] = set()
        self._failure = failure

    @property
    def prepare(self) -> Callable[[Sequence[bytes | EventRow]], list[bytes]]:
        return as_bytes

    def commit(self, prepared: list[bytes]) -> Answer:
        if self._failure is not None:
            raise self._failure
        self.batches.append(prepared)
        self.threads.add(threading.get_ident())
        rejected = [RejectedLine(place, "no good", line) for place, line in enumerate(prepared, 1) if b"bad" in line]
        return Answer(len(prepared) - len(rejected), 0, rejected)


class Silent:
    """Watches nothing."""

    def reading(self, file: str, position: int, tally: Tally) -> None:
        pass


def test_batches_are_full_by_lines_or_bytes_and_span_files() -> None:
    batches = Batches(max_lines=3, max_bytes=10)
    found = [*batches.of("a", iter([(1, b"aa"), (2, b"bbbb"), (3, b"cccc")]))]
    found += [*batches.of("b", iter([(9, b"d"), RejectedRow(10, "no", None)])), *batches.rest(), *batches.rest()]
    assert [batch.lines for batch in found] == [[b"aa", b"bbbb"], [b"cccc", b"d"]]
    assert [found[1].origins.of(place) for place in (0, 1)] == [("a", 3), ("b", 9)]
    assert found[1].origins.rejected == [("b", RejectedRow(10, "no", None))]


def test_batches_are_committed_in_order_in_one_other_thread() -> None:
    sink = Remembering()
    answered: list[int] = []
    with Pipeline(sink, lambda _, answer: answered.append(answer.accepted)) as pipeline:
        for number in range(20):
            pipeline.send(Origins(), [b"%d" % number])
    assert sink.batches == [[b"%d" % number] for number in range(20)]
    assert answered == [1] * 20
    assert sink.threads.isdisjoint({threading.get_ident()})
    assert len(sink.threads) == 1


@pytest.mark.parametrize(("failure", "raised"), [(RuntimeError("boom"), RuntimeError), (OSError("full"), SinkError)])
def test_a_failing_sink_ends_the_import(failure: Exception, raised: type[Exception]) -> None:
    def send_many() -> None:
        with Pipeline(Remembering(failure=failure), lambda *_: None) as pipeline:
            for _ in range(20):
                pipeline.send(Origins(), [b"x"])

    with pytest.raises(raised, match=r"boom|full"):
        send_many()


def test_a_failing_reader_ends_the_import_without_waiting_for_what_is_queued() -> None:
    sink = Remembering()

    def send_and_fail() -> None:
        with Pipeline(sink, lambda *_: None) as pipeline:
            pipeline.send(Origins(), [b"x"])
            raise KeyError

    with pytest.raises(KeyError):
        send_and_fail()


def test_rejected_rows_are_counted_shown_and_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"name\ngood\nbad\n" + b"x,y\n" * 5)
    (tmp_path / "b.csv").write_bytes(b"name\nbad\nn\xffo\n")
    sources = find_sources([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    rejected = RejectedFile(tmp_path / "rejected.ndjson")
    tally = import_files(sources, ColumnMapping(), Remembering(), rejected, Silent())
    assert (tally.read, tally.accepted, tally.rejected) == (9, 1, 8)
    assert [(each.line, each.error) for each in tally.first_rejections] == [
        (3, "no good"),
        *((number, "2 cells where the header has 1") for number in range(4, 8)),
    ]
    written = [json.loads(line) for line in rejected.path.read_bytes().splitlines()]
    assert len(written) == 8
    assert written[0] == {
        "file": str(tmp_path / "a.csv"),
        "line": 3,
        "error": "no good",
        "row": {"event_id": "a.csv:3", "raw_body": {"name": "bad"}},
    }
    assert written[1]["row"] == ["x", "y"]
    assert [(each["file"], each["line"]) for each in written[-2:]] == [
        (str(tmp_path / "b.csv"), 2),
        (str(tmp_path / "b.csv"), 3),
    ]
    assert written[-1]["row"] == ["n?o"]


def test_without_rejected_rows_there_is_no_file_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"name\ngood\n")
    rejected = RejectedFile(tmp_path / "rejected.ndjson")
    import_files(find_sources([str(tmp_path / "a.csv")]), ColumnMapping(), Remembering(), rejected, Silent())
    assert not rejected.path.exists()


def test_two_files_of_one_name_would_take_each_others_ids(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_bytes(b"id\n" + folder.encode() + b"\n")
    sources = find_sources([str(tmp_path / "x" / "a.csv"), str(tmp_path / "y" / "a.csv")])
    rejected = RejectedFile(tmp_path / "rejected.ndjson")
    with pytest.raises(MappingError, match="take each other's ids"):
        import_files(sources, ColumnMapping(), Remembering(), rejected, Silent())
    assert import_files(sources, ColumnMapping(id="id"), Remembering(), rejected, Silent()).accepted == 2
