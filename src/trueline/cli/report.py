"""``trueline report``: what is known of a job's decisions, how well, and what it costs."""

from typing import Annotated, Any

import msgspec
import typer

from trueline.cli.connection import connected
from trueline.cli.filter_flag import parse_filter_flag
from trueline.cli.jobs import given_of
from trueline.cli.options import AsJson, Data, End, Filters, Job, Key, Server, Start
from trueline.cli.report_tables import print_report
from trueline.cli.tables import console
from trueline.service.telling import Further

_WIDEST = 100


def report(  # noqa: PLR0913 - one parameter an option
    *,
    job: Job,
    start: Start = None,
    end: End = None,
    filters: Filters = None,
    level: Annotated[float | None, typer.Option("--level", help="Of all intervals, 0.5 to 0.999; 0.95.")] = None,
    interval: Annotated[str | None, typer.Option("--interval", help="Also over time: 1h, 1d, 7d or 30d.")] = None,
    group_by: Annotated[str | None, typer.Option("--group-by", metavar="FIELD", help="Also by its values.")] = None,
    top: Annotated[int | None, typer.Option("--top", help="Values told apart, 1 to 100; 10.")] = None,
    also: Annotated[
        list[Further] | None, typer.Option("--also", help="Tell of this, too; may be repeated.", case_sensitive=False)
    ] = None,
    promised_error_rate: Annotated[
        float | None, typer.Option("--promised-error-rate", help="Find what may be decided without people at this one.")
    ] = None,
    first_model: Annotated[str | None, typer.Option("--first-model", help="Compare this model")] = None,
    second_model: Annotated[str | None, typer.Option("--second-model", help="with this one.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO 8601; only what was known then.")] = None,
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print how right a job's decisions are, how sure that is, and what the wrong ones cost."""
    asked: dict[str, Any] = given_of(
        start=start,
        end=end,
        level=level,
        interval=interval,
        group_by=group_by,
        top=top,
        also=[each.value for each in also] if also else None,
        promised_error_rate=promised_error_rate,
        first_model=first_model,
        second_model=second_model,
        as_of=as_of,
    )
    parsed = [parse_filter_flag(text) for text in filters or ()]
    with connected(server, key, data) as trueline:
        body = trueline.report(job, asked, parsed)
    if as_json:
        typer.echo(msgspec.json.encode(body).decode())
    else:
        print_report(console(_WIDEST), body)
