"""``trueline keys``: create, list, revoke; on the data folder, also while a server runs on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from trueline.cli.connection import settings_for
from trueline.cli.options import AsJson, Data, members
from trueline.cli.sentences import Misuse, Refused
from trueline.cli.stored import stored_catalog
from trueline.cli.tables import console, print_table, table
from trueline.instants import format_instant, parse_instant
from trueline.service.keys import KNOWN_SCOPES, KeyRing, load_secret

app = typer.Typer(
    help="Keys: who may do what through a server. Works on the data folder, also while a server runs on it.",
    no_args_is_help=True,
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people.")],
    scopes: Annotated[
        str | None,
        typer.Option("--scopes", metavar="SCOPE,...", help="What it may do; all but admin:... where not given."),
    ] = None,
    jobs: Annotated[str | None, typer.Option("--jobs", metavar="ID,...", help="The only jobs it sees.")] = None,
    expires_at: Annotated[str | None, typer.Option("--expires-at", help="ISO 8601; else never.")] = None,
    data: Data = None,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    granted = members(scopes) or [scope for scope in KNOWN_SCOPES if not scope.startswith("admin:")]
    job_ids = None if jobs is None else [_job_id(job) for job in members(jobs) or []]
    expiry = None if expires_at is None else _instant(expires_at)
    with _key_ring(data) as keys:
        typer.echo(keys.create(name, granted, job_ids, expiry))


@app.command("list")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List the keys, also those that open nothing any more; never the keys themselves."""
    with _key_ring(data) as keys:
        found = keys.all()
    shown = [
        {
            "id": key.id,
            "name": key.name,
            "scopes": list(key.scopes),
            "jobs": None if key.jobs is None else list(key.jobs),
            "created_at": format_instant(key.created_at),
            "expires_at": _shown(key.expires_at),
            "revoked_at": _shown(key.revoked_at),
        }
        for key in found
    ]
    if as_json:
        typer.echo(msgspec.json.encode(shown).decode())
        return
    headings = ["id", "name", "jobs", "created", "expires", "revoked", "scopes"]
    listed = table(headings, texts=len(headings))
    for key in found:
        jobs = "all" if key.jobs is None else ", ".join(map(str, key.jobs))
        moments = (format_instant(key.created_at), _shown(key.expires_at) or "", _shown(key.revoked_at) or "")
        listed.add_row(key.id, escape(key.name), jobs, *moments, "\n".join(key.scopes))
    print_table(console(), "Keys", listed)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="The id that trueline keys list shows.")],
    data: Data = None,
) -> None:
    """Close a key for good."""
    with _key_ring(data) as keys:
        if keys.revoke(key_id) is None:
            raise Refused(f"there is no key {key_id!r}")
    typer.echo(f"key {key_id} is revoked")


@contextmanager
def _key_ring(data: Path | None) -> Iterator[KeyRing]:
    settings = settings_for(data)
    with stored_catalog(settings) as catalog:
        try:
            secret = load_secret(settings)
        except ValueError as error:
            raise Refused(str(error)) from error
        yield KeyRing(catalog, secret)


def _job_id(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Misuse(f"--jobs takes the ids of jobs, and {text!r} is no number")
    return int(text)


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise Misuse(f"--expires-at: {error}") from error


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
