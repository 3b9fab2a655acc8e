"""Hostile files, one of each format, and what is to become of each of their rows when they are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hostile_documents import CELLS, NO_UTF8, Judged, classics, judged

if TYPE_CHECKING:
    from pathlib import Path

_LARGE: Final = 200_000
"""Characters of a document that is in no file."""

_CSV: Final = (
    b'__proto__,"a.b","quo""te",back\\slash,`tick`,"",\xef\xbb\xbfbom,"new\nline"\n'
    b'1,NaN,1e400,"x\0y",-0,99999999999999999999,2025-01-01,"a ""b"" c"\n'
    b",,,,,,,\n"
    b"\xff\xfe,not,utf8,,,,,\n"
    b"too,few\n"
    b"'; DROP TABLE events_1; --,{v:String},%(v)s,?,$1,\\N,null,true\n"
)
_HEADER: Final = ("__proto__", "a.b", 'quo"te', "back\\slash", "`tick`", "", "\ufeffbom", "new\nline")
_OF_CSV: Final[dict[int, tuple[str, ...] | str]] = {
    3: ("1", "NaN", "1e400", "x\0y", "-0", "99999999999999999999", "2025-01-01", 'a "b" c'),
    4: ("",) * 8,
    5: NO_UTF8,
    6: CELLS,
    7: ("'; DROP TABLE events_1; --", "{v:String}", "%(v)s", "?", "$1", "\\N", "null", "true"),
}
"""The cells of each row, by the line it begins on; or for what it is refused."""
_COLUMNS: Final[dict[str, list[Any]]] = {
    "__proto__": [1, None, 2**62],
    "": ["\0", "", "x"],
    "a.b": [0.5, None, -0.0],
    "a": [{"b": 1}, None, {"b": None}],
    "list": [[1, None], [], None],
    "`'\"\\": ["\u2028", "\U0001f600", "'"],
}


def write_files(folder: Path) -> dict[str, dict[int, Judged]]:
    """Write `hostile.ndjson` and the others; by the name's end and the row's number, what is to become of each row."""
    return {"ndjson": _write_ndjson(folder), "csv": _write_csv(folder), "parquet": _write_parquet(folder)}


def _write_ndjson(folder: Path) -> dict[int, Judged]:
    documents = [each.replace("\n", " ").encode(errors="surrogatepass") for each in classics() if len(each) < _LARGE]
    lines = [document for document in documents if document.strip()]
    (folder / "hostile.ndjson").write_bytes(b"\n".join(lines))
    return {number: judged(line) for number, line in enumerate(lines, 1)}


def _write_csv(folder: Path) -> dict[int, Judged]:
    (folder / "hostile.csv").write_bytes(_CSV)
    return {
        number: Judged(None, frozenset({row}))
        if isinstance(row, str)
        else Judged(dict(zip(_HEADER, row, strict=True)), frozenset())
        for number, row in _OF_CSV.items()
    }


def _write_parquet(folder: Path) -> dict[int, Judged]:
    import pyarrow as pa  # noqa: PLC0415 - only here
    import pyarrow.parquet as pq  # noqa: PLC0415

    pq.write_table(pa.table(_COLUMNS), folder / "hostile.parquet")
    rows = zip(*_COLUMNS.values(), strict=True)
    return {number: Judged(dict(zip(_COLUMNS, row, strict=True)), frozenset()) for number, row in enumerate(rows, 1)}
