"""``trueline models``: the trainings of a job."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from trueline.cli.connection import connected
from trueline.cli.jobs import given_of
from trueline.cli.options import AsJson, Data, Job, Key, Server
from trueline.cli.sentences import Misuse
from trueline.cli.tables import console, print_table, table

app = typer.Typer(help="Models: what each training of a job brought forth.", no_args_is_help=True)


@app.command("list")
def list_(job: Job, server: Server = None, key: Key = None, data: Data = None, as_json: AsJson = False) -> None:
    """List a job's models, oldest first."""
    with connected(server, key, data) as trueline:
        models = trueline.models(job)
    if as_json:
        typer.echo(msgspec.json.encode(models).decode())
        return
    listed = table(["id", "trained at", "active"], texts=3)
    for model in models:
        listed.add_row(escape(model.id), model.trained_at, "yes" if model.active else "")
    print_table(console(), f"Models of {job}", listed)


@app.command()
def register(  # noqa: PLR0913 - one parameter an option
    *,
    job: Job,
    model_id: Annotated[str | None, typer.Option("--model-id", help="Made up where not given.")] = None,
    trained_at: Annotated[str | None, typer.Option("--trained-at", help="ISO 8601; else now.")] = None,
    training_set: Annotated[
        Path | None,
        typer.Option(
            "--training-set",
            metavar="FILE.ndjson",
            help='What it learned from, a line each: {"event_id" or "bucket_id", "label"}; '
            "else every subject with a consensus when it was trained.",
        ),
    ] = None,
    activate: Annotated[bool, typer.Option("--activate/--no-activate", help="Whether it decides now.")] = True,
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Register a training that was done elsewhere."""
    learned = None if training_set is None else _training_set(training_set)
    given = given_of(model_id=model_id, trained_at=trained_at, activate=activate, training_set=learned)
    with connected(server, key, data) as trueline:
        model = trueline.register_model(job, given)
    if as_json:
        typer.echo(msgspec.json.encode(model).decode())
    else:
        typer.echo(f"{model.id}, trained at {model.trained_at}, {'active' if model.active else 'not active'}")


def _training_set(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from error
    members = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                members.append(msgspec.json.decode(line, type=dict[str, Any]))
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise Misuse(f"{path}, line {number}: {error}") from error
    return members
