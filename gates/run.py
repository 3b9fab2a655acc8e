"""Runs the gates: `python gates/run.py [NAME]... [--share 0.1] [--seed 1]`.

Each prints its promise and its figures. The exit code is 1 where a promise is broken, else 3 where one was not shown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # the oracle
sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))  # servers of one's own

import backed_up
import concealed
import damaged
import defaults
import drained
import full_disk
import fuzzed
import hostile
import injected
import killed
import limited
import mixed
import own_writes
import pressed
import schemes
import versions
from gate import NotRunError

if TYPE_CHECKING:
    from gate import Gate

GATES: Final[tuple[Gate, ...]] = (
    killed.GATE,
    full_disk.GATE,
    damaged.GATE,
    backed_up.GATE,
    drained.GATE,
    versions.GATE,
    own_writes.GATE,
    mixed.GATE,
    pressed.GATE,
    concealed.GATE,
    injected.GATE,
    limited.GATE,
    hostile.GATE,
    fuzzed.GATE,
    schemes.GATE,
    defaults.GATE,
)

KEPT, BROKEN, NOT_RUN = "kept", "broken", "not run"


def main(arguments: list[str] | None = None) -> int:
    """Run those named, or all."""
    parser = argparse.ArgumentParser(description="Run the gates at full count, or a share of it")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a gate; all where none is named")
    parser.add_argument("--share", type=float, default=1.0, help="of the full count, such as 0.1")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    known = {each.name: each for each in GATES}
    if unknown := set(asked.names) - set(known):
        parser.error(f"no gate named {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    came = {each.name: run(each, asked) for each in GATES if each.name in (asked.names or known)}
    for outcome in (BROKEN, NOT_RUN):
        if names := [name for name, what in came.items() if what == outcome]:
            print(f"{outcome}: {', '.join(names)}", flush=True)
    if set(came.values()) == {KEPT}:
        print("every promise was kept", flush=True)
    return 1 if BROKEN in came.values() else 3 if NOT_RUN in came.values() else 0


def run(gate: Gate, asked: argparse.Namespace) -> str:
    """Run one, and print its figures; what came of it."""
    count = max(1, round(gate.full * asked.share))
    print(f"{gate.name}: {gate.promise}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"trueline-gate-{gate.name}-") as folder:
        try:
            figures = gate.run(Path(folder), count, asked.seed)
            outcome = KEPT
        except NotRunError as reason:
            figures, outcome = f"NOT RUN, since {reason}", NOT_RUN
        except Exception:  # noqa: BLE001 - printed in full, and the exit code says it
            traceback.print_exc()
            figures, outcome = "BROKEN, see above", BROKEN
    print(f"  {count} {gate.unit}, {time.monotonic() - began:.0f} s: {figures}", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
