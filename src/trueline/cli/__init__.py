"""The command line: one module a group of commands."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from trueline import __version__
from trueline.cli import audit, backups, imports, jobs, keys, metrics, models, rebuilding, report, serving
from trueline.cli.sentences import CommandLine

app = CommandLine(
    name="trueline",
    help="Tells whether the decisions that AI makes on security alerts are right.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(jobs.app, name="jobs")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")
app.command("serve")(serving.serve)
app.command("demo")(serving.demo)
app.command("import")(imports.import_)
app.command("metrics")(metrics.metrics)
app.command("report")(report.report)
app.command("rebuild")(rebuilding.rebuild)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"trueline {__version__}")


def _version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Tells whether the decisions that AI makes on security alerts are right."""
    os.umask(os.umask(0) | 0o077)  # stores, and files of rejected rows, are their owner's
