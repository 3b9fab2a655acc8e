"""A server that payloads are sent to: no fault, no word of an engine, no header of theirs comes back."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError

if TYPE_CHECKING:
    from wire import Answer, Wire

LABELS: Final = ("Drop", "Investigate", "Escalate")
AT: Final = "2025-01-01T10:00:00Z"
ENGINES_WORDS: Final = re.compile(
    rb"DB::|Code: \d|sqlite3|SQLAlchemy|sqlalchemy|Traceback|clickhouse|chdb|pg8000|site-packages|\.py\b|"
    rb"SELECT .* FROM (events|votes|consensus)"
)
_FIRST_FAULT: Final = 500


@dataclass
class Injection:
    """The server, and what was counted of what it was asked."""

    wire: Wire
    counted: Counter[str] = field(default_factory=Counter)

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:  # noqa: ANN401 - see `Wire.ask`
        """Send a request.

        Raises:
            BrokenError: a fault, or a word of an engine.
        """
        answer = self.wire.ask(method, path, body, **more)
        self.counted["requests"] += 1
        if answer.status >= _FIRST_FAULT:
            raise BrokenError(f"{method} {path} {body!r} answered {answer.status}: {answer.body[:300]!r}")
        # where something went well, documents and titles are in the answer
        if answer.status >= 400 and (found := ENGINES_WORDS.search(answer.body)):  # noqa: PLR2004
            raise BrokenError(f"{method} {path} {body!r} answered with {found[0]!r}: {answer.body[:300]!r}")
        if any(name.lower() == "x-injected" for name, _ in answer.headers):
            raise BrokenError(f"{method} {path} {body!r}: a header was put into the answer")
        return answer

    def expect(self, status: int, method: str, path: str, body: object = None, **more: Any) -> Answer:  # noqa: ANN401
        """Send a request that has to be answered so.

        Raises:
            BrokenError: it was not.
        """
        answer = self.ask(method, path, body, **more)
        if answer.status != status:
            raise BrokenError(
                f"{method} {path} {body!r} answered {answer.status} instead of {status}: {answer.body[:300]!r}"
            )
        return answer

    def recount(self, job: int) -> None:
        """Have what is kept beside a job's events counted anew.

        Raises:
            BrokenError: it differed.
        """
        rebuilt = self.expect(200, "POST", f"/api/v2/jobs/{job}/rebuild").json
        if rebuilt["corrected"]:
            raise BrokenError(f"a recount of job {job} differs: {rebuilt}")
