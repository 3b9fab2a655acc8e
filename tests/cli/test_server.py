"""Commands through a running server."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from cli.terminal import serve

if TYPE_CHECKING:
    from cli.terminal import Serving, Terminal


def test_import_and_metrics_through_the_server(serving: Serving) -> None:
    serving.terminal.write("a.csv", "verdict,found\nbenign,attack\nattack,attack\nodd,\n")
    arguments = (
        "import", "a.csv", "--job", "by server", "--create", "--labels", "benign,attack", "--decision", "verdict",
        "--truth", "found",
    )  # fmt: skip
    first = serving.run(*arguments)
    assert first.code == 1
    assert first.out.startswith("rows read 3, accepted 2, replaced 0, rejected 1; ")
    assert "a.csv, line 4:" in first.err
    assert serving.run(*arguments).out.startswith("rows read 3, accepted 2, replaced 2, rejected 1; ")
    ended = serving.run("metrics", "by server", "--json", "--truth", "explicit")
    assert json.loads(ended.out)["confusion_matrix"] == [[0, 0], [1, 1]]
    assert (
        json.loads(serving.run("metrics", "by server", "--json", "--filter", "found exists").out)["total_events"] == 2
    )


def test_jobs_and_models_through_the_server(serving: Serving) -> None:
    created = serving.run(
        "jobs", "create", "a/b c", "--labels", "x,y", "--grouping", "bucket", "--decision-points", "host", "--json"
    )
    job = json.loads(created.out)
    assert (job["title"], job["labels"], job["grouping"]) == ("a/b c", ["x", "y"], "bucket")
    assert serving.run("jobs", "create", "a/b c", "--labels", "x,y").code == 1
    changed = serving.run("jobs", "change", str(job["id"]), "--minutes-per-alert", "5", "--labels", "x,y,z", "--json")
    assert json.loads(changed.out) == job | {"minutes_per_alert": 5.0, "labels": ["x", "y", "z"]}
    assert json.loads(serving.run("jobs", "show", str(job["id"]), "--json").out) == json.loads(changed.out)
    assert job["id"] in [each["id"] for each in json.loads(serving.run("jobs", "list", "--json").out)]

    serving.terminal.write("set.ndjson", '{"bucket_id": "b", "label": "x"}\n')
    registered = serving.run(
        "models", "register", str(job["id"]), "--model-id", "m1", "--trained-at", "2025-01-01T00:00:00Z",
        "--training-set", "set.ndjson", "--no-activate", "--json",
    )  # fmt: skip
    model = {"id": "m1", "trained_at": "2025-01-01T00:00:00Z", "active": False}
    assert json.loads(registered.out) == model
    assert json.loads(serving.run("models", "list", str(job["id"]), "--json").out) == [model]


def test_the_configured_address_is_used_when_a_key_is_given(serving: Serving) -> None:
    port = serving.address.rpartition(":")[2]
    ended = serving.terminal.run("jobs", "list", "--json", TRUELINE_KEY=serving.key, TRUELINE_PORT=port)
    assert ended.code == 0, ended.err


def test_a_data_folder_that_a_server_has_open(serving: Serving) -> None:
    ended = serving.terminal.run("jobs", "list")
    assert ended.code == 1
    assert "to work through that server, give --key" in ended.err
    assert "Traceback" not in ended.err


def test_keys_work_while_the_server_runs(serving: Serving) -> None:
    key = serving.terminal.run("keys", "create", "metrics only", "--scopes", "read:job_metrics").out.strip()
    refused = serving.terminal.run("jobs", "create", "no", "--labels", "a,b", "--server", serving.address, "--key", key)
    assert refused.code == 1
    assert "403" in refused.err
    listed = json.loads(serving.terminal.run("keys", "list", "--json").out)
    (found,) = [each for each in listed if each["name"] == "metrics only"]
    assert found["scopes"] == ["read:job_metrics"]
    assert serving.terminal.run("keys", "revoke", found["id"]).code == 0
    ended = serving.terminal.run("jobs", "list", "--server", serving.address, "--key", key)
    assert ended.code == 1
    assert "401" in ended.err


def test_an_unknown_job(serving: Serving) -> None:
    ended = serving.run("metrics", "nothing")
    assert (ended.code, ended.err) == (1, "trueline: there is no job 'nothing'\n")


def test_a_job_behind_a_server_is_stopped_started_trained_and_deleted(serving: Serving) -> None:
    serving.run("jobs", "create", "operated / on", "--labels", "a,b")
    serving.terminal.write("operated.csv", "id,verdict,truth\n1,a,b\n")
    mapped = ("--id", "id", "--decision", "verdict", "--truth", "truth")
    importing = ("import", "operated.csv", "--job", "operated / on", *mapped)
    assert serving.run("jobs", "stop", "operated / on").code == 0
    refused = serving.run(*importing)
    assert (refused.code, "with 409: the job 'operated / on' is stopped" in refused.err) == (1, True)
    assert serving.run("jobs", "start", "operated / on").code == 0
    assert serving.run(*importing).code == 0
    assert serving.run("jobs", "train", "operated / on").out.endswith(", active\n")
    assert serving.run("jobs", "delete", "operated / on", "--yes").out.endswith("'operated / on', is deleted\n")
    assert "there is no job 'operated / on'" in serving.run("jobs", "stop", "operated / on").err


def test_a_start_that_fails_makes_no_key_that_nobody_is_shown(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failed = terminal.run("serve", TRUELINE_PORT=str(taken.getsockname()[1]))
    assert failed.code != 0
    assert "key" not in failed.out
    with serve(terminal) as serving:  # which reads the key that is printed
        assert serving.run("jobs", "list").code == 0
