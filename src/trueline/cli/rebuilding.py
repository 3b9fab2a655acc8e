"""``trueline rebuild``: what is derived, derived anew."""

import typer

from trueline.cli.connection import connected
from trueline.cli.options import Data, Job, Key, Server


def rebuild(job: Job, server: Server = None, key: Key = None, data: Data = None) -> None:
    """Derive all that is kept of a job beside its events and votes anew from them, and say what had been wrong."""
    with connected(server, key, data) as trueline:
        rebuilt = trueline.rebuild(job)
    found = f"{rebuilt.corrected:,} had been wrong" if rebuilt.corrected else "all had been right"
    typer.echo(f"the consensus of {rebuilt.subjects:,} subjects derived anew: {found}; indexes and counts made anew")
