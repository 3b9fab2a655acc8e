"""Commands on a data folder, and errors as sentences."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from trueline import __version__

if TYPE_CHECKING:
    from cli.terminal import Terminal


def test_version(terminal: Terminal) -> None:
    assert terminal.run("version").out == f"trueline {__version__}\n"
    assert terminal.run("--version").out == f"trueline {__version__}\n"


def test_jobs_and_models_on_a_data_folder(terminal: Terminal) -> None:
    created = terminal.run("jobs", "create", "alerts", "--labels", "Drop, Escalate", "--min-votes", "2")
    assert created.out.splitlines() == [
        "id: 1",
        "title: alerts",
        "labels: Drop, Escalate",
        "grouping: event",
        "decision_points: ",
        "minutes_per_alert: 10.0",
        "min_votes: 2",
        "low_confidence_below: 60.0",
        "cost_matrix: None",
        "time_zone: UTC",
        "labels_ordered: False",
        "headline_label: None",
    ]
    assert "Drop, Escalate" in terminal.run("jobs", "list").out
    assert json.loads(terminal.run("jobs", "change", "alerts", "--title", "new", "--json").out)["title"] == "new"
    registered = terminal.run("models", "register", "new", "--model-id", "m", "--trained-at", "2025-01-01")
    assert registered.out == "m, trained at 2025-01-01T00:00:00Z, active\n"
    assert "2025-01-01T00:00:00Z" in terminal.run("models", "list", "new").out


def test_what_a_report_needs_is_set_and_set_back(terminal: Terminal) -> None:
    given = ("--time-zone", "Europe/Berlin", "--labels-ordered", "--headline-label", "Drop")
    costs = '{"unit":"EUR","per_error":5.0,"cells":{"Escalate":{"Drop":480.0}}}'
    created = terminal.run("jobs", "create", "alerts", "--labels", "Drop,Escalate", *given, "--cost-matrix", costs)
    assert created.out.splitlines()[-4:] == [
        f"cost_matrix: {costs}",
        "time_zone: Europe/Berlin",
        "labels_ordered: True",
        "headline_label: Drop",
    ]
    back = ("--cost-matrix", "null", "--headline-label", "", "--labels-unordered")
    assert terminal.run("jobs", "change", "alerts", *back).out.splitlines()[-4:] == [
        "cost_matrix: None",
        "time_zone: Europe/Berlin",
        "labels_ordered: False",
        "headline_label: None",
    ]


def test_rebuild_says_what_had_been_wrong(terminal: Terminal) -> None:
    terminal.run("jobs", "create", "alerts", "--labels", "a,b")
    terminal.write("events.csv", "id,verdict,truth\n1,a,b\n2,b,b\n3,a,\n")
    flags = ("--id", "id", "--decision", "verdict", "--truth", "truth")
    assert terminal.run("import", "events.csv", "--job", "alerts", *flags).code == 0
    sentence = "the consensus of 2 subjects derived anew: all had been right; indexes and counts made anew\n"
    assert terminal.run("rebuild", "alerts").out == sentence


def test_a_job_is_stopped_started_trained_and_deleted(terminal: Terminal) -> None:
    terminal.run("jobs", "create", "alerts", "--labels", "a,b")
    terminal.write("events.csv", "id,verdict,truth\n1,a,b\n")
    importing = ("import", "events.csv", "--job", "alerts", "--id", "id", "--decision", "verdict", "--truth", "truth")
    assert terminal.run("jobs", "train", "alerts").err.startswith("trueline: the job 'alerts' has nothing to learn")
    assert terminal.run("jobs", "stop", "alerts").out == "alerts is stopped and takes in no events\n"
    refused = terminal.run(*importing)
    assert (refused.code, "the job 'alerts' is stopped and takes in no events" in refused.err) == (1, True)
    assert terminal.run("jobs", "start", "1").out == "1 takes in events\n"
    assert terminal.run(*importing).code == 0
    trained = terminal.run("jobs", "train", "alerts").out
    assert trained.startswith("generic-1-1-model-")
    assert trained.endswith(", active\n")
    assert terminal.run("jobs", "delete", "alerts").code == 1  # nobody there to ask
    assert terminal.run("jobs", "delete", "alerts", "--yes").out == "job 1, 'alerts', is deleted\n"
    assert "there is no job 'alerts'" in terminal.run("jobs", "show", "alerts").err
    assert terminal.run("jobs", "create", "alerts", "--labels", "a,b").out.startswith("id: 2\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("jobs", "show", "nothing"), 1, "trueline: there is no job 'nothing'"),
        (("jobs", "change", "1"), 2, "nothing to change"),
        (("jobs", "create", "7", "--labels", "a,b"), 2, "title must not be a number"),
        (("jobs", "change", "1", "--cost-matrix", "[1]"), 2, "--cost-matrix is no JSON object"),
        (("models", "register", "1", "--training-set", "missing"), 2, "missing: No such file"),
        (("keys", "create", "k", "--scopes", "read:everything"), 2, "there is no scope 'read:everything'"),
        (("keys", "create", "k", "--jobs", "x"), 2, "'x' is no number"),
        (("keys", "create", "k", "--expires-at", "soon"), 2, "--expires-at"),
        (("keys", "revoke", "nothing"), 1, "there is no key 'nothing'"),
        (("metrics", "1", "--truth", "maybe"), 2, "--truth is implicit or explicit"),
        (("metrics", "1", "--filter", "severity"), 2, "is not FIELD OPERATOR VALUE"),
        (("jobs", "list", "--server", "http://127.0.0.1:1", "--key", "k"), 1, "http://127.0.0.1:1 cannot be reached"),
        (("rebuild", "nothing"), 1, "there is no job 'nothing'"),
        (("serve", "--port", "70000"), 2, "setting port"),
        (("dance",), 2, "No such command"),
    ],
)
def test_errors_are_sentences(terminal: Terminal, arguments: tuple[str, ...], code: int, message: str) -> None:
    ended = terminal.run(*arguments)
    assert ended.code == code
    assert message in ended.err
    assert "Traceback" not in ended.err
