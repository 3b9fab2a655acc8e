"""Internal metrics over HTTP: over time, on new data and on the knowledge base, overall and per model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.caller import Caller, event
from trueline.service import internal_metrics

if TYPE_CHECKING:
    import httpx

    from trueline.service.workspace import Workspace

ROUTE = "/api/v2/metrics/internal_metrics"
EVENTS = [
    # event, hour, decision, model, confidence, host
    ("a", "2025-01-01T00:30:00Z", "Drop", "m", 90.0, "web"),
    ("b", "2025-01-01T23:59:59.999999Z", "Drop", "m", 50.0, "web"),
    ("c", "2025-01-02T00:00:00Z", "Escalate", "n", 70.0, "mail"),
    ("d", "2025-01-04T12:00:00Z", "Drop", None, None, None),
    ("e", "2025-01-04T13:00:00Z", "Investigate", "m", 80.0, 5),
]


@pytest.fixture(scope="module")
def job(with_key: httpx.Client) -> int:
    """A job that no test changes; its active model m learned from b and c."""
    caller = Caller(with_key, lambda: "Internal metrics over HTTP")
    made = caller.make_job(decision_points=["host", "user.name"])
    lines = []
    for name, at, label, model, confidence, host in EVENTS:
        line = event(name, label, host=host) | {"timestamp": at}
        line["decision"] |= {"model_id": model, "confidence": confidence}
        lines.append(line)
    caller.bulk(made, "events", *lines)
    for model_id, learned in (("old", []), ("m", [("b", "Drop"), ("c", "Escalate"), ("unseen", "Drop")])):
        training = [{"event_id": name, "label": label} for name, label in learned]
        answer = with_key.post(f"/api/v2/jobs/{made}/models", json={"model_id": model_id, "training_set": training})
        assert answer.status_code == 201, answer.text
    caller.vote(made, ("a", "ana", "Escalate"), ("b", "ana", "Escalate"), ("d", "ana", "Drop"))
    return made


def ask(client: httpx.Client, query: str = "", *filters: object) -> list[dict[str, Any]]:
    answer = client.post(f"{ROUTE}?{query}", json={"filters": filters})
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()
    return told


def test_internal_metrics_are_shown_to_nobody_without_a_key(anonymous: httpx.Client, job: int) -> None:
    assert anonymous.post(f"{ROUTE}?job_ids={job}", json={}).status_code == 401


def test_a_job_has_four_sections_of_new_data_and_knowledge_base_overall_and_per_model(
    with_key: httpx.Client, job: int
) -> None:
    (told,) = ask(with_key, f"job_ids={job}")
    sections = [
        "evaluation_metrics",
        "confidence_over_time",
        "training_set_statistics",
        "decision_point_statistics",
    ]
    assert list(told) == [
        "job_id",
        "active_model_id",
        "start_time",
        "end_time",
        "aggregation_time_interval",
        *sections,
    ]
    assert (told["job_id"], told["active_model_id"], told["aggregation_time_interval"]) == (job, "m", None)
    assert (told["start_time"], told["end_time"]) == ("2025-01-01T00:30:00Z", "2025-01-04T13:00:00Z")
    for section in sections:
        assert list(told[section]["per_model"]) == ["old", "m", "n"]
        for split in (told[section]["overall"], *told[section]["per_model"].values()):
            assert list(split)[:2] == ["new_data", "knowledge_base"]


STATE = "arcanna.knowledge_base_state"
OF = {
    "new_data": {"field": STATE, "operator": "is one of", "value": ["new", "pending"]},
    "knowledge_base": {"field": STATE, "operator": "is one of", "value": ["in_knowledge_base", "retrain"]},
}


@pytest.mark.parametrize("truth", ["implicit", "explicit"])
@pytest.mark.parametrize("window", [{}, {"start_datetime": "2025-01-01T12:00:00Z", "end_datetime": "2025-01-04"}])
@pytest.mark.parametrize("interval", ["", "1h", "1d", "7d", "15d", "30d"])
def test_every_part_is_what_the_job_is_of_the_same_events(
    interval: str, window: dict[str, str], truth: str, with_key: httpx.Client, job: int
) -> None:
    caller = Caller(with_key, str)
    query = "&".join(f"{name}={value}" for name, value in window.items())
    (told,) = ask(with_key, f"job_ids={job}&aggregation_time_interval={interval}&truth={truth}&{query}")
    by_model = {None: told["evaluation_metrics"]["overall"], **told["evaluation_metrics"]["per_model"]}
    for model, split in by_model.items():
        of_model = [] if model is None else [{"field": "arcanna.model.path", "operator": "is", "value": model}]
        for name, series in split.items():
            wanted = caller.metrics(job, [OF[name], *of_model], truth=truth, **window)
            shown = {key: value for key, value in series["total"].items() if key in wanted}
            assert len(shown) == len(series["total"]) - 1
            assert shown == {key: wanted[key] for key in shown}
            changed = wanted["changed_consensus_after_training"]["total_events"]
            assert series["total"]["total_events_changed_after_training"] == changed
            matrices = [each["confusion_matrix"] for each in series["intervals"]]
            added = [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]
            assert added == series["total"]["confusion_matrix"]
            for count in ("total_events", "total_events_with_consensus", "total_events_changed_after_training"):
                assert sum(each[count] for each in series["intervals"]) == series["total"][count]
            for each in series["intervals"] if interval in {"1d", "7d"} else ():
                bounds = {"start_datetime": each["start_time"], "end_datetime": each["end_time"]}
                whole = caller.metrics(job, [OF[name], *of_model], truth=truth, **bounds)
                assert each["confusion_matrix"] == whole["confusion_matrix"]
                assert each["metrics_per_decision"] == whole["metrics_per_decision"]


def test_intervals_are_days_in_utc_without_a_gap_cut_to_the_window(with_key: httpx.Client, job: int) -> None:
    (told,) = ask(with_key, f"job_ids={job}&aggregation_time_interval=1d&start_datetime=2025-01-01T12:00:00Z")
    intervals = told["evaluation_metrics"]["overall"]["new_data"]["intervals"]
    bounds = [(each["start_time"], each["end_time"]) for each in intervals]
    assert bounds == [
        ("2025-01-01T12:00:00Z", "2025-01-02T00:00:00Z"),
        ("2025-01-02T00:00:00Z", "2025-01-03T00:00:00Z"),
        ("2025-01-03T00:00:00Z", "2025-01-04T00:00:00Z"),
        ("2025-01-04T00:00:00Z", "2025-01-05T00:00:00Z"),
    ]
    assert [each["total_events"] for each in intervals] == [0, 0, 0, 2]
    (told,) = ask(with_key, f"job_ids={job}&start_datetime=2025-01-02")
    (only,) = told["confidence_over_time"]["overall"]["new_data"]["intervals"]
    assert (only["start_time"], only["end_time"]) == ("2025-01-02T00:00:00Z", "2025-01-04T13:00:00Z")


def test_a_job_without_events_has_no_intervals(caller: Caller) -> None:
    job = caller.make_job(decision_points=["host"])
    (told,) = ask(caller.client, f"job_ids={job}&aggregation_time_interval=1h")
    series = told["evaluation_metrics"]["overall"]["new_data"]
    assert (series["intervals"], series["total"]["total_events"]) == ([], 0)
    assert (told["start_time"], told["active_model_id"]) == (None, None)
    assert told["training_set_statistics"]["overall"]["training_set"] is None
    assert told["decision_point_statistics"]["overall"]["new_data"]["host"]["missing_share"] is None


def test_confidence_is_told_of_all_and_of_the_right_and_the_wrong(with_key: httpx.Client, job: int) -> None:
    (told,) = ask(with_key, f"job_ids={job}")
    confidence = told["confidence_over_time"]
    assert confidence["overall"]["new_data"]["total"] == {
        "mean_confidence": 85.0,
        "mean_confidence_when_right": 80.0,  # e, whose decision nobody contradicts
        "mean_confidence_when_wrong": 90.0,  # a
        "events_with_confidence": 2,
        "events_with_low_confidence": 0,
        "total_events": 3,
    }
    assert confidence["per_model"]["m"]["knowledge_base"]["total"] == {
        "mean_confidence": 50.0,
        "mean_confidence_when_right": None,
        "mean_confidence_when_wrong": 50.0,
        "events_with_confidence": 1,
        "events_with_low_confidence": 1,
        "total_events": 1,
    }


def test_training_sets_are_told_by_label_learned_and_by_label_to_learn(with_key: httpx.Client, job: int) -> None:
    (told,) = ask(with_key, f"job_ids={job}")
    training = told["training_set_statistics"]
    learned = {"total_subjects": 3, "subjects_per_label": {"Drop": 2, "Investigate": 0, "Escalate": 1}}
    assert training["overall"] == {
        "new_data": {
            "total_events": 3,
            "events_per_label": {"Drop": 1, "Investigate": 0, "Escalate": 1},
            "events_without_label": 1,
        },
        "knowledge_base": {
            "total_events": 2,
            "events_per_label": {"Drop": 1, "Investigate": 0, "Escalate": 1},
            "events_without_label": 0,
        },
        "training_set": learned,
    }
    sets = {name: split["training_set"] for name, split in training["per_model"].items()}
    assert (sets["m"], sets["old"]["total_subjects"], sets["n"]) == (learned, 0, None)


def test_decision_points_are_counted_and_their_names_hidden_where_asked(with_key: httpx.Client, job: int) -> None:
    (told,) = ask(with_key, f"job_ids={job}")
    points = told["decision_point_statistics"]["overall"]["new_data"]
    assert points == {
        "host": {"total_events": 3, "distinct_values": 2, "missing_events": 1, "missing_share": 1 / 3},
        "user.name": {"total_events": 3, "distinct_values": 0, "missing_events": 3, "missing_share": 1.0},
    }
    (hidden,) = ask(with_key, f"job_ids={job}&obfuscate_decision_points_names=true")
    shown = hidden["decision_point_statistics"]["overall"]["new_data"]
    assert shown == {"decision_point_1": points["host"], "decision_point_2": points["user.name"]}
    assert "user.name" not in str(hidden)


def test_filters_are_those_of_the_job(with_key: httpx.Client, job: int) -> None:
    (told,) = ask(with_key, f"job_ids={job}", {"field": "host", "operator": "is", "value": "web"})
    sizes = {name: each["total"]["total_events"] for name, each in told["evaluation_metrics"]["overall"].items()}
    assert sizes == {"new_data": 1, "knowledge_base": 1}


def test_jobs_come_in_the_order_they_are_named_each_once(caller: Caller, job: int) -> None:
    other = caller.make_job()
    query = f"job_ids={other}&job_ids=Internal metrics over HTTP&job_ids={job}"
    assert [told["job_id"] for told in ask(caller.client, query)] == [other, job]


def test_without_any_they_are_all_that_the_key_may_read(caller: Caller, job: int, workspace: Workspace) -> None:
    other = caller.make_job()

    def ids(key: str) -> list[int] | int:
        answer = caller.client.post(ROUTE, headers={"X-Arcanna-Api-Key": key})
        return [told["job_id"] for told in answer.json()] if answer.status_code == 200 else answer.status_code

    both, narrowed = sorted([job, other]), f"read:job_metrics:job:{other}"
    assert ids(workspace.access.create("both", ["read:job_metrics"], jobs=both)) == both
    assert ids(workspace.access.create("narrowed", [narrowed])) == [other]
    assert ids(workspace.access.create("none", ["read:resources"])) == 403


def test_a_job_that_is_not_there_or_not_to_be_seen_is_answered_404(
    caller: Caller, job: int, workspace: Workspace
) -> None:
    unknown = caller.client.post(f"{ROUTE}?job_ids={job}&job_ids=no such job")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Job not found"})
    elsewhere = workspace.access.create("elsewhere", ["read:job_metrics"], jobs=[caller.make_job()])
    hidden = caller.client.post(f"{ROUTE}?job_ids={job}", headers={"X-Arcanna-Api-Key": elsewhere})
    assert (hidden.status_code, hidden.json()) == (404, {"error": "Job not found"})
    narrowed = workspace.access.create("narrowed", [f"read:job_metrics:job:{job + 1}"])
    assert caller.client.post(f"{ROUTE}?job_ids={job}", headers={"X-Arcanna-Api-Key": narrowed}).status_code == 403


@pytest.mark.parametrize(
    ("query", "body", "location"),
    [
        ("aggregation_time_interval=2h", {}, ["query", "aggregation_time_interval"]),
        ("obfuscate_decision_points_names=perhaps", {}, ["query", "obfuscate_decision_points_names"]),
        ("start_datetime=2025-01-02&end_datetime=2025-01-01", {}, ["query", "start_datetime"]),
        ("truth=maybe", {}, ["query", "truth"]),
        ("", {"filters": [{"field": "a"}]}, ["body", "filters", 0, "operator"]),
        ("", {"filter": []}, ["body", "filter"]),
    ],
)
def test_what_cannot_be_is_answered_422_naming_the_part(
    query: str, body: dict[str, object], location: list[object], with_key: httpx.Client, job: int
) -> None:
    answer = with_key.post(f"{ROUTE}?job_ids={job}&{query}", json=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, location)


def test_more_intervals_than_are_told_are_refused_saying_how_many(
    with_key: httpx.Client, job: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internal_metrics, "MAX_INTERVALS", 3)
    answer = with_key.post(f"{ROUTE}?job_ids={job}&aggregation_time_interval=1d")
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["query", "aggregation_time_interval"]
    assert f"job {job} lie in 4 intervals; at most 3" in problem["msg"]
    assert ask(with_key, f"job_ids={job}&aggregation_time_interval=1d&end_datetime=2025-01-02")


def test_all_jobs_of_a_request_share_one_budget_of_time(
    with_key: httpx.Client, job: int, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace.internal_metrics, "_seconds", -1)
    answer = with_key.post(f"{ROUTE}?job_ids={job}")
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "fewer jobs" in answer.json()["error"]
