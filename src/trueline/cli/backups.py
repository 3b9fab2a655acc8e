"""``trueline backup`` and ``trueline restore``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trueline.cli.backup_file import write_backup
from trueline.cli.connection import connected, settings_for
from trueline.cli.options import Data, Key, Server
from trueline.cli.progress import shown_copying
from trueline.cli.sentences import Refused
from trueline.service import archive
from trueline.settings import Settings

_NAME = "trueline-%Y%m%dT%H%M%SZ.tar"


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="The file to make; in a folder it is named after the moment.")
    ],
    server: Server = None,
    key: Key = None,
    data: Data = None,
) -> None:
    """Write all there is, as it is at one moment, into one file; a running server goes on working meanwhile.

    The file gets its name when it is complete, checked and on disk. It holds the secret of the keys: keep it safe.
    """
    file = target / datetime.now(UTC).strftime(_NAME) if target.is_dir() else target
    if file.exists():
        raise Refused(f"{file} is there already")
    if not file.parent.is_dir():
        raise Refused(f"there is no folder {file.parent}")
    with connected(server, key, data) as trueline, trueline.backup() as stream:
        size = stream.size
        manifest = write_backup(stream, file, kept_free(file.parent, settings_for(data)))
    typer.echo(
        f"{file}: {size:,} bytes, all there was at {manifest.moment}; "
        f"writes waited {1000 * manifest.writes_held_seconds:.0f} ms"
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that trueline backup made.")],
    data: Data = None,
    replace: Annotated[bool, typer.Option("--replace", help="Stores that are in the data folder give way.")] = False,
) -> None:
    """Make a data folder from a backup, once all of it has been checked."""
    from trueline.service.restoring import restore as run  # noqa: PLC0415 - takes its time to load

    settings = settings_for(data)
    with shown_copying("restoring", file.stat().st_size) as copied:
        manifest = run(file, settings, replace=replace, copied=copied)
    secret = "" if manifest.secret else "; its keys need the setting TRUELINE_SECRET that the original had"
    typer.echo(f"{settings.data}: as it was at {manifest.moment}{secret}")


def kept_free(folder: Path, settings: Settings) -> int:
    """Bytes that a backup leaves free on a folder's disk: a server whose ledger is on it takes no writes without."""
    ledger = settings.data / archive.LEDGER
    is_on_it = ledger.exists() and ledger.stat().st_dev == folder.stat().st_dev
    return settings.keep_free_bytes if is_on_it else 0
