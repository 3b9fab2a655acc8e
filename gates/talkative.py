"""A server whose stores fail now and then, and say on that all that they know: `python gates/talkative.py DATA`.

While the file `fail` lies beside the data folder, statements of either store fail by chance, with errors of their
drivers that quote the statement, its values and its rows. All else is the server as it is.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clickhouse_connect.driver.exceptions import DatabaseError
from sqlalchemy import Engine as Database
from sqlalchemy import event

from trueline.api.server import serve
from trueline.ledger import engine
from trueline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

_LEDGER_FAILS, _CATALOG_FAILS = 0.3, 0.05


def main(data: str) -> None:
    """Serve a data folder."""
    sign = Path(data).parent / "fail"
    chance = random.Random(1)  # noqa: S311 - test data
    for name in ("rows", "table", "insert", "command"):
        setattr(engine.Engine, name, _failing(getattr(engine.Engine, name), sign, chance))

    def fail(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:  # noqa: ANN401 - as declared there
        if sign.exists() and chance.random() < _CATALOG_FAILS:
            raise sqlite3.OperationalError(f"near {statement}: failing row contains {values!r}")

    event.listen(Database, "before_cursor_execute", fail)
    serve(Settings(data=Path(data), port=0))


def _failing(do: Callable[..., Any], sign: Path, chance: random.Random) -> Callable[..., Any]:
    def failing(self: engine.Engine, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - those of any statement
        if sign.exists() and chance.random() < _LEDGER_FAILS:
            rows = [each.to_pylist() if hasattr(each, "to_pylist") else each for each in (*given, *named.values())]
            with self._statement():
                raise DatabaseError(f"Code: 457. DB::Exception: {rows} cannot be parsed. (BAD_QUERY_PARAMETER)")
        return do(self, *given, **named)

    return failing


if __name__ == "__main__":
    main(sys.argv[1])
