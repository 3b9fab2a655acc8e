"""Looks the locked packages up in an index of advisories: `python requirements/audit.py PIP_AUDIT`.

Exit code 0: none of them has a known fault. 1: some have. 2: some or all were not looked up, and that is said plainly.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

LOCKED: Final = ("run.txt", "dev.txt")
CLEAN, FOUND, NOT_AUDITED = 0, 1, 2
_SECONDS: Final = 600


def main(pip_audit: str) -> int:
    """Look up each lock file; the worst that came of it."""
    return max(audited(pip_audit, Path(__file__).parent / name) for name in LOCKED)


def audited(pip_audit: str, lock: Path) -> int:
    """Look up one lock file and print what came of it."""
    command = [pip_audit, "--requirement", str(lock), "--disable-pip", "--require-hashes", "--format", "json"]
    try:
        done = subprocess.run(  # noqa: S603 - what was installed for it
            [*command, "--progress-spinner", "off"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        looked_up: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        print(f"{lock.name}: NOT AUDITED: no answer from an index of advisories ({type(error).__name__})")
        return NOT_AUDITED
    faulty = [each for each in looked_up if each.get("vulns")]
    skipped = [each["name"] for each in looked_up if "skip_reason" in each]
    for each in faulty:
        for fault in each["vulns"]:
            better = ", ".join(fault["fix_versions"]) or "no version yet"
            print(f"{lock.name}: {each['name']} {each['version']}: {fault['id']}, mended in {better}")
    print(f"{lock.name}: {len(looked_up) - len(skipped)} packages looked up, {len(faulty)} with known faults")
    if skipped or not looked_up:
        print(f"{lock.name}: NOT AUDITED: {', '.join(skipped) or 'all'}: the index that answered does not know them")
    if faulty:
        return FOUND
    return NOT_AUDITED if skipped or not looked_up else CLEAN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
