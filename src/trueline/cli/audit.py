"""``trueline audit``: how many decisions to review, which ones, and what came of it."""

from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from trueline.cli.connection import connected
from trueline.cli.filter_flag import parse_filter_flag
from trueline.cli.jobs import given_of
from trueline.cli.options import AsJson, Data, End, Filters, Job, Key, Server, Start
from trueline.cli.tables import console, print_table, table

app = typer.Typer(help="Audits: decisions reviewed by chance, for a promise that holds.", no_args_is_help=True)


@app.command()
def plan(  # noqa: PLR0913 - one parameter an option
    *,
    job: Job,
    bound: Annotated[float, typer.Option("--bound", help="The share of wrong ones to promise at most: 0.01.")],
    level: Annotated[float | None, typer.Option("--level", help="How sure the promise is: 0.95.")] = None,
    start: Start = None,
    end: End = None,
    filters: Filters = None,
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say how many of which decision to review, to be able to say that at most such a share of them is wrong."""
    asked = given_of(bound=bound, level=level, **_window(start, end, filters))
    with connected(server, key, data) as trueline:
        body = trueline.audit_plan(job, asked)
    if as_json:
        typer.echo(msgspec.json.encode(body).decode())
        return
    planned = table(["decision", body["drawn_are"], "seen by chance", "wrong", "review", "wrong allowed"])
    for each in body["decisions"]:
        numbers = (each[name] for name in ("population", "reviewed", "wrong", "review", "allowed"))
        planned.add_row(escape(each["decision"]), *(f"{number:,}" for number in numbers))
    out = console()
    print_table(out, f"To promise at {body['level']:.4g} that at most {body['bound']:.4g} are wrong", planned)
    for each in body["decisions"]:
        if each["reason"] is not None:
            out.print(f"{each['decision']}: {each['reason']}", markup=False, highlight=False)


@app.command()
def draw(  # noqa: PLR0913 - one parameter an option
    *,
    job: Job,
    decision: Annotated[str, typer.Option("--decision", metavar="LABEL", help="Whose events or buckets.")],
    count: Annotated[int, typer.Option("--count", help="How many.")],
    seed: Annotated[
        str,
        typer.Option(
            "--seed", metavar="TEXT", help="Makes this draw another than the last, such as the week. Same, same draw."
        ),
    ],
    start: Start = None,
    end: End = None,
    filters: Filters = None,
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Draw events, or buckets, of a decision by chance, write that down, and print their ids, one a line."""
    asked = given_of(decision=decision, count=count, seed=seed, **_window(start, end, filters))
    with connected(server, key, data) as trueline:
        body = trueline.audit_draw(job, asked)
    if as_json:
        typer.echo(msgspec.json.encode(body).decode())
        return
    for each in body["drawn"]:
        typer.echo(each["id"])
    typer.echo(_sentence(body), err=True)


@app.command()
def show(  # noqa: PLR0913 - one parameter an option
    *,
    job: Job,
    draw: Annotated[str, typer.Argument(metavar="DRAW", help="The draw's id.")],
    server: Server = None,
    key: Key = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show a draw and what of it is reviewed by now."""
    with connected(server, key, data) as trueline:
        body = trueline.audit_drawn(job, draw)
    if as_json:
        typer.echo(msgspec.json.encode(body).decode())
        return
    typer.echo(_sentence(body))
    shown = table(["id", "consensus"], texts=2)
    for each in body["drawn"]:
        shown.add_row(escape(each["id"]), escape(each["consensus"] or ""))
    console().print(shown)


def _window(start: str | None, end: str | None, filters: list[str] | None) -> dict[str, Any]:
    parsed = [parse_filter_flag(text) for text in filters or ()]
    return given_of(start_datetime=start, end_datetime=end, filters=parsed or None)


def _sentence(body: dict[str, Any]) -> str:
    return (
        f"draw {body['draw_id']}: {body['count']:,} of {body['population']:,} {body['drawn_are']} decided "
        f"{body['decision']}, each with probability {body['probability']:.4g}; reviewed {body['reviewed']:,}, "
        f"undecided {body['undecided']:,}, wrong {body['wrong']:,}"
    )
