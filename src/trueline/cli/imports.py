"""``trueline import``: alerts, decisions and votes out of files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trueline import garbage
from trueline.cli.connection import connected
from trueline.cli.jobs import given_of
from trueline.cli.options import Data, Key, Server, members
from trueline.cli.progress import shown_progress
from trueline.cli.sentences import FAILED, Interrupted, Misuse
from trueline.cli.trueline import JobRecord, NoSuchJob, Trueline
from trueline.importers.errors import MappingError, SourceError
from trueline.importers.mapping import ColumnMapping, load_mapping, parse_label_map, with_flags
from trueline.importers.pipeline import Sink
from trueline.importers.rejected import RejectedFile
from trueline.importers.run import Tally, Watcher, check_row_names, import_files
from trueline.importers.sources import Source, find_sources


def _column(flag: str, text: str) -> Any:  # noqa: ANN401 - as typer declares it
    return typer.Option(flag, metavar="COLUMN", help=text)


def import_(  # noqa: PLR0913 - one parameter an option
    *,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="CSV, TSV, NDJSON or Parquet, also .gz; x.zip or 'x.zip:MEMBER*'."),
    ],
    job: Annotated[str, typer.Option("--job", metavar="REF", help="The job's id or exact title.")],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", metavar="FILE.toml", help="Says which column is what; flags go first."),
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, tsv, ndjson or parquet; else told by the name.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option("--delimiter", help="Between the cells of CSV.")] = None,
    header: Annotated[
        str | None,
        typer.Option("--header", metavar="A,B,...", help="Columns of a CSV or TSV without a header line."),
    ] = None,
    bulk: Annotated[bool, typer.Option("--bulk", help="NDJSON in the form of the bulk route goes through.")] = False,
    time: Annotated[str | None, _column("--time", "When the alert happened; else @timestamp.")] = None,
    time_unit: Annotated[
        str | None, typer.Option("--time-unit", help="Of all times: iso (default), s, ms or us since 1970.")
    ] = None,
    id_: Annotated[str | None, _column("--id", "Names the event; else file and line do.")] = None,
    bucket: Annotated[str | None, _column("--bucket", "Names the bucket.")] = None,
    decision: Annotated[str | None, _column("--decision", "What was decided.")] = None,
    decision_map: Annotated[
        str | None, typer.Option("--decision-map", metavar="VALUE=LABEL,...", help="* for all other values.")
    ] = None,
    decided_at: Annotated[str | None, _column("--decided-at", "When; else the event's time.")] = None,
    confidence: Annotated[str | None, _column("--confidence", "Of the decision, 0 to 100 percent.")] = None,
    model: Annotated[str | None, _column("--model", "The model that decided.")] = None,
    truth: Annotated[str | None, _column("--truth", "What an analyst found: becomes a vote.")] = None,
    truth_map: Annotated[
        str | None, typer.Option("--truth-map", metavar="VALUE=LABEL,...", help="* for all other values.")
    ] = None,
    truth_at: Annotated[str | None, _column("--truth-at", "When; else the event's time.")] = None,
    analyst: Annotated[str | None, _column("--analyst", "Who found it.")] = None,
    analyst_name: Annotated[
        str | None,
        typer.Option("--analyst-name", metavar="NAME", help="Who, where no column says; else: import."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="A,B,...", help="The only ones to keep in the document."),
    ] = None,
    drop: Annotated[
        str | None, typer.Option("--drop", metavar="A,B,...", help="Those to leave out of the document.")
    ] = None,
    infer_numbers: Annotated[
        bool,
        typer.Option("--infer-numbers", help="Numbers in CSV and TSV become numbers; else they stay text."),
    ] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the job if there is none; needs --labels.")] = False,
    labels: Annotated[str | None, typer.Option("--labels", metavar="A,B,...", help="Of the new job.")] = None,
    grouping: Annotated[str | None, typer.Option("--grouping", help="Of the new job: event or bucket.")] = None,
    decision_points: Annotated[
        str | None, typer.Option("--decision-points", metavar="PATH,...", help="Of the new job.")
    ] = None,
    minutes_per_alert: Annotated[float | None, typer.Option("--minutes-per-alert", help="Of the new job.")] = None,
    rejected: Annotated[
        Path | None,
        typer.Option("--rejected", metavar="FILE", help="For rejected rows; else <first file>.rejected.ndjson here."),
    ] = None,
    server: Server = None,
    key: Key = None,
    data: Data = None,
) -> None:
    """Import files into a job; running it again changes nothing.

    Exit code 0 when every row went in, 1 when some were rejected or the import broke off, 2 for wrong usage.
    """
    flags = {
        "format": format_,
        "delimiter": _delimiter(delimiter),
        "header": members(header),
        "bulk": bulk or None,
        "time": time,
        "time_unit": time_unit,
        "id": id_,
        "bucket": bucket,
        "decision": decision,
        "decision_map": _label_map(decision_map),
        "decided_at": decided_at,
        "confidence": confidence,
        "model": model,
        "truth": truth,
        "truth_map": _label_map(truth_map),
        "truth_at": truth_at,
        "analyst": analyst,
        "analyst_name": analyst_name,
        "columns": members(columns),
        "drop": members(drop),
        "infer_numbers": infer_numbers or None,
    }
    meant = with_flags(ColumnMapping() if mapping is None else load_mapping(mapping), flags)
    meant.check()
    sources = _sources(files, meant)
    rejections = RejectedFile(_rejected_path(rejected, sources))
    new_job = given_of(
        labels=members(labels) or meant.job.labels,
        grouping=grouping or meant.job.grouping,
        decision_points=members(decision_points) or meant.job.decision_points,
        minutes_per_alert=meant.job.minutes_per_alert if minutes_per_alert is None else minutes_per_alert,
    )
    garbage.look_seldom()
    with connected(server, key, data) as trueline:
        target = _job(trueline, job, new_job if create else None, meant)
        sink = trueline.sink(target)
        with shown_progress(sum(source.size for source in sources)) as watcher:
            tally = _imported(sources, meant, sink, rejections, watcher)
    _summarise(tally, rejections.path)
    if tally.rejected:
        raise typer.Exit(FAILED)


def _imported(
    sources: list[Source], meant: ColumnMapping, sink: Sink[Any], rejections: RejectedFile, watcher: Watcher
) -> Tally:
    try:
        return import_files(sources, meant, sink, rejections, watcher)
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted; what was stored stays, importing again takes the rest") from error


def _sources(files: list[str], meant: ColumnMapping) -> list[Source]:
    try:
        sources = find_sources(files, "ndjson" if meant.bulk else meant.format)
    except SourceError as error:
        raise Misuse(str(error)) from error
    check_row_names(sources, meant)
    return sources


def _job(trueline: Trueline, reference: str, new: dict[str, Any] | None, meant: ColumnMapping) -> JobRecord:
    try:
        job = trueline.job(reference)
    except NoSuchJob as error:
        if new is None:
            raise Misuse(f"{error}: give --create with --labels to make it") from error
        if "labels" not in new:
            raise Misuse("--create needs the labels of the new job: give --labels A,B") from error
        meant.check(new["labels"])
        given = {name: value for name, value in new.items() if name != "labels"}
        return trueline.create_job(reference, new["labels"], given)
    meant.check(job.labels)
    return job


def _label_map(text: str | None) -> dict[str, str] | None:
    return None if text is None else parse_label_map(text)


def _delimiter(text: str | None) -> str | None:
    return "\t" if text == "\\t" else text


def _rejected_path(given: Path | None, sources: list[Source]) -> Path:
    path = Path(f"{sources[0].path.name}.rejected.ndjson") if given is None else given
    if any(path.resolve() == source.path.resolve() for source in sources):
        raise MappingError(f"the rejected rows would replace {path}, which is to be imported")
    return path


def _summarise(tally: Tally, rejected: Path) -> None:
    for each in tally.first_rejections:
        typer.echo(f"{each.file}, line {each.line}: {each.error}", err=True)
    if tally.rejected:
        more = tally.rejected - len(tally.first_rejections)
        typer.echo(f"{f'and {more:,} more; ' if more else ''}all rejected rows are in {rejected}", err=True)
    typer.echo(
        f"rows read {tally.read:,}, accepted {tally.accepted:,}, replaced {tally.replaced:,}, "
        f"rejected {tally.rejected:,}; {tally.seconds:.1f} s, {tally.rate:,.0f} rows a second"
    )
