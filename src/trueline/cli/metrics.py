"""``trueline metrics``: how right the decisions of a job are."""

from typing import Annotated

import msgspec
import typer

from trueline.cli.connection import connected
from trueline.cli.filter_flag import parse_filter_flag
from trueline.cli.jobs import given_of
from trueline.cli.metrics_report import print_metrics
from trueline.cli.options import AsJson, Data, End, Filters, Job, Key, Server, Start
from trueline.cli.sentences import Misuse
from trueline.cli.tables import console
from trueline.metrics.counts import TruthPolicy


def metrics(  # noqa: PLR0913 - one parameter an option
    *,
    job: Job,
    start: Start = None,
    end: End = None,
    filters: Filters = None,
    truth: Annotated[
        str,
        typer.Option(
            "--truth",
            help="implicit: what nobody voted on counts as right; explicit: only what was voted on.",
        ),
    ] = TruthPolicy.IMPLICIT.value,
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print confusion matrix, scores and totals of a job's decided events."""
    if truth not in list(TruthPolicy):
        raise Misuse(f"--truth is implicit or explicit, not {truth!r}")
    asked = given_of(start=start, end=end, truth=truth)
    parsed = [parse_filter_flag(text) for text in filters or ()]
    with connected(server, key, data) as trueline:
        body = trueline.metrics(job, asked, parsed)
    if as_json:
        typer.echo(msgspec.json.encode(body).decode())
    else:
        print_metrics(console(), body, TruthPolicy(truth))
