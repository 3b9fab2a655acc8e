"""``trueline jobs``: list, create, show, change, start, stop, train, delete."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from trueline.cli.connection import connected
from trueline.cli.options import AsJson, Data, Job, Key, Server, members
from trueline.cli.sentences import Misuse
from trueline.cli.tables import console, print_table, table
from trueline.cli.trueline import JobRecord

app = typer.Typer(help="Jobs: streams of alerts that one kind of decision is made on.", no_args_is_help=True)

_Labels = Annotated[str | None, typer.Option("--labels", metavar="A,B,...", help="Labels, in their order.")]
_Points = Annotated[
    str | None,
    typer.Option("--decision-points", metavar="PATH,...", help="Fields that make two alerts the same."),
]
_Minutes = Annotated[
    float | None,
    typer.Option("--minutes-per-alert", help="Minutes an analyst spends on one alert, on average."),
]
_MinVotes = Annotated[int | None, typer.Option("--min-votes", help="Fewest votes that give a consensus.")]
_Low = Annotated[
    float | None, typer.Option("--low-confidence-below", help="Percent; less confidence asks for attention.")
]

_Costs = Annotated[
    str | None,
    typer.Option(
        "--cost-matrix",
        metavar="JSON",
        help='What errors cost: {"unit": "minutes", "per_error": 10, "cells": {"Escalate": {"Drop": 480}}}, by truth, '
        "then by decision; null: minutes per alert.",
    ),
]
_TimeZone = Annotated[
    str | None, typer.Option("--time-zone", metavar="NAME", help="IANA name; days and weeks begin in it.")
]
_Ordered = Annotated[
    bool | None, typer.Option("--labels-ordered/--labels-unordered", help="Whether the labels are a scale.")
]
_Headline = Annotated[
    str | None,
    typer.Option(
        "--headline-label",
        metavar="LABEL",
        help="Whose misses are told first; empty: the last named Escalate, else the last.",
    ),
]


@app.command("list")
def list_(server: Server = None, key: Key = None, data: Data = None, as_json: AsJson = False) -> None:
    """List the jobs."""
    with connected(server, key, data) as trueline:
        jobs = trueline.jobs()
    if as_json:
        typer.echo(msgspec.json.encode(jobs).decode())
        return
    listed = table(["id", "title", "labels", "grouping"], texts=4)
    for job in jobs:
        listed.add_row(str(job.id), escape(job.title), escape(", ".join(job.labels)), job.grouping)
    print_table(console(), "Jobs", listed)


@app.command()
def show(job: Job, server: Server = None, key: Key = None, data: Data = None, as_json: AsJson = False) -> None:
    """Show one job."""
    with connected(server, key, data) as trueline:
        _print(trueline.job(job), as_json=as_json)


@app.command()
def create(  # noqa: PLR0913 - one parameter an option
    *,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Unique among the jobs, and no number.")],
    labels: Annotated[str, typer.Option("--labels", metavar="A,B,...", help="At least two, in their order.")],
    grouping: Annotated[str | None, typer.Option("--grouping", help="event or bucket.")] = None,
    decision_points: _Points = None,
    minutes_per_alert: _Minutes = None,
    min_votes: _MinVotes = None,
    low_confidence_below: _Low = None,
    cost_matrix: _Costs = None,
    time_zone: _TimeZone = None,
    labels_ordered: _Ordered = None,
    headline_label: _Headline = None,
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a job."""
    given = given_of(
        grouping=grouping,
        decision_points=members(decision_points),
        minutes_per_alert=minutes_per_alert,
        min_votes=min_votes,
        low_confidence_below=low_confidence_below,
        time_zone=time_zone,
        labels_ordered=labels_ordered,
    ) | _resettable(cost_matrix, headline_label)
    with connected(server, key, data) as trueline:
        _print(trueline.create_job(title, members(labels) or [], given), as_json=as_json)


@app.command()
def change(  # noqa: PLR0913 - one parameter an option
    *,
    job: Job,
    title: Annotated[str | None, typer.Option("--title")] = None,
    labels: _Labels = None,
    minutes_per_alert: _Minutes = None,
    min_votes: _MinVotes = None,
    low_confidence_below: _Low = None,
    cost_matrix: _Costs = None,
    time_zone: _TimeZone = None,
    labels_ordered: _Ordered = None,
    headline_label: _Headline = None,
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Change a job; labels may be added, none taken away."""
    changes = given_of(
        title=title,
        labels=members(labels),
        minutes_per_alert=minutes_per_alert,
        min_votes=min_votes,
        low_confidence_below=low_confidence_below,
        time_zone=time_zone,
        labels_ordered=labels_ordered,
    ) | _resettable(cost_matrix, headline_label)
    if not changes:
        raise Misuse("nothing to change: see trueline jobs change --help")
    with connected(server, key, data) as trueline:
        _print(trueline.change_job(job, changes), as_json=as_json)


@app.command()
def start(job: Job, server: Server = None, key: Key = None, data: Data = None) -> None:
    """Have a job take in events again."""
    with connected(server, key, data) as trueline:
        trueline.operate(job, "start")
    typer.echo(f"{job} takes in events")


@app.command()
def stop(job: Job, server: Server = None, key: Key = None, data: Data = None) -> None:
    """Have a job refuse events; decisions, votes, trainings and questions go on."""
    with connected(server, key, data) as trueline:
        trueline.operate(job, "stop")
    typer.echo(f"{job} is stopped and takes in no events")


@app.command()
def train(job: Job, server: Server = None, key: Key = None, data: Data = None) -> None:
    """Record a training of every bucket or event that has a consensus label now."""
    with connected(server, key, data) as trueline:
        trueline.operate(job, "train")
        model = next(model for model in trueline.models(job) if model.active)
    typer.echo(f"{model.id}, trained at {model.trained_at}, active")


@app.command()
def delete(
    *,
    job: Job,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    server: Server = None,
    key: Key = None,
    data: Data = None,
) -> None:
    """Delete a job for good, with its events, votes, consensus, knowledge bases and models."""
    with connected(server, key, data) as trueline:
        found = trueline.job(job)
        if not yes:
            typer.confirm(f"Delete job {found.id}, {found.title!r}, and all there is of it, for good?", abort=True)
        trueline.delete_job(str(found.id))
    typer.echo(f"job {found.id}, {found.title!r}, is deleted")


def given_of(**options: object) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _resettable(cost_matrix: str | None, headline_label: str | None) -> dict[str, Any]:
    """The options that can also say that there be the default again."""
    given: dict[str, Any] = {}
    if headline_label is not None:
        given["headline_label"] = headline_label or None
    if cost_matrix is not None:
        try:
            given["cost_matrix"] = msgspec.json.decode(cost_matrix, type=dict[str, Any] | None)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
            raise Misuse(f"--cost-matrix is no JSON object: {error}") from None
    return given


def _print(job: JobRecord, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(job).decode())
        return
    for name, value in asdict(job).items():
        typer.echo(f"{name}: {_shown(value)}")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return ", ".join(value) if isinstance(value, tuple) else str(value)
