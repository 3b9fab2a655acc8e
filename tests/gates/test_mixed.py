"""Mixed load: what is measured, and that growth would be noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixed import REFERENCE, Judged, Window, loaded
from timing import Timed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SECONDS = 12


def test_memory_files_and_times_are_measured_window_by_window(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = loaded(tmp_path, SECONDS, seed=1)
    assert len(windows) == SECONDS
    measured = [window for window in windows if window.memory]
    assert len(measured) > SECONDS // 2
    assert all(window.resident > 100 * 2**20 and window.fewest_files > 10 for window in measured)
    assert {kind for window in windows for kind in window.times} >= {
        REFERENCE,
        "events sent alone",
        "votes",
        "metrics",
        "metrics with a filter",
        "events looked for",
        "one event",
        "jobs that come and go",
    }
    requests = sum(len(times.times) for window in windows for kind, times in window.times.items() if kind != REFERENCE)
    assert measured[-1].fewest_files - measured[0].fewest_files < max(20, requests / 20), "requests leave files open"
    with capsys.disabled():
        print(f"\nmixed load: {Judged.of(measured)}")  # noqa: T201 - the figure of the gate


def made(
    *, memory: float = 0.0, files: float = 0.0, drift: float = 0.0, unrest: float = 0.0, warm_up: float = 0.0
) -> list[Window]:
    """Windows of two hours: each figure grows by its share from the first to the last; at first there is more."""
    windows = []
    for number in range(120):
        place = number / 119
        extra = 1 + (warm_up if number < 20 else 0)
        windows.append(
            Window(
                memory=[round(500 * 2**20 * (1 + memory * place) * extra)] * 60,
                files=[round(100 * (1 + files * place)), 400],
                times={
                    "metrics": Timed([5.0] * 98 + [10.0 * (1 + drift * place) * (1 + unrest * place) * extra] * 2),
                    REFERENCE: Timed([1.0 * (1 + unrest * place)] * 100),
                },
            )
        )
    return windows


def test_what_stays_as_it_is_is_well() -> None:
    assert Judged.of(made()).wrong() == []


def test_what_the_first_sixth_has_more_of_does_not_count() -> None:
    assert Judged.of(made(warm_up=1.0)).wrong() == []


def test_memory_that_grows_is_noticed() -> None:
    after_warm_up = 6 / 5
    assert Judged.of(made(memory=0.045 * after_warm_up)).wrong() == []
    (said,) = Judged.of(made(memory=0.055 * after_warm_up)).wrong()
    assert said.startswith("resident memory grew by 5.")


def test_files_that_are_left_open_are_noticed() -> None:
    assert Judged.of(made(files=0.2)).wrong() == ["open files went from 106 to 117"]
    assert Judged.of(made(files=0.01)).wrong() == ["open files went from 100 to 101"]


def test_times_that_drift_are_noticed_and_those_of_a_restless_machine_are_not() -> None:
    assert Judged.of(made(drift=0.2)).wrong() == []
    (said,) = Judged.of(made(drift=0.3)).wrong()
    assert said.startswith("p99 of metrics drifted by 2")
    assert Judged.of(made(unrest=0.6)).wrong() == []
    (said,) = Judged.of(made(drift=0.6, unrest=0.6)).wrong()
    assert said.startswith("p99 of metrics drifted by ")


def test_a_machine_that_became_quieter_hides_nothing() -> None:
    assert Judged.of(made(unrest=-0.3, drift=2.0)).wrong() != []
