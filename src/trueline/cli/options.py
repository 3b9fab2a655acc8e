"""The options that commands share: where the server or the data folder is, which job, which of its events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Server = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="Work through this running server; needs a key.")
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", envvar="TRUELINE_KEY", help="Key for a running server.", show_envvar=True),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", help="Work on this data folder itself, while no server runs on it."),
]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's id or exact title.")]
Start = Annotated[str | None, typer.Option("--start", help="ISO 8601; events from then on.")]
End = Annotated[str | None, typer.Option("--end", help="ISO 8601; events before then, or to the end of that day.")]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="'FIELD OPERATOR VALUE'", help="May be repeated; all must hold."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def members(text: str | None) -> list[str] | None:
    """The members of a list given as ``A,B,C``."""
    return None if text is None else [member.strip() for member in text.split(",") if member.strip()]
