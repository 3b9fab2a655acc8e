"""Runs the gates: `python gates/run.py [NAME]... [--share 0.1] [--seed 1]`.

Each prints its promise and its figures. The exit code is 1 where a promise is broken.
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

import fuzzed
import hostile
import killed
import limited
import schemes

if TYPE_CHECKING:
    from gate import Gate

GATES: Final[tuple[Gate, ...]] = (killed.GATE, limited.GATE, hostile.GATE, fuzzed.GATE, schemes.GATE)


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
    broken = [each.name for each in GATES if each.name in (asked.names or known) and not kept(each, asked)]
    print(f"broken: {', '.join(broken)}" if broken else "every promise was kept", flush=True)
    return 1 if broken else 0


def kept(gate: Gate, asked: argparse.Namespace) -> bool:
    """Run one, and print its figures."""
    count = max(1, round(gate.full * asked.share))
    print(f"{gate.name}: {gate.promise}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"trueline-gate-{gate.name}-") as folder:
        try:
            figures = gate.run(Path(folder), count, asked.seed)
        except Exception:  # noqa: BLE001 - printed in full, and the exit code says it
            traceback.print_exc()
            figures = "BROKEN, see above"
            broken = True
        else:
            broken = False
    print(f"  {count} {gate.unit}, {time.monotonic() - began:.0f} s: {figures}", flush=True)
    return not broken


if __name__ == "__main__":
    sys.exit(main())
