"""A file of a store is cut short, or a byte of it flipped: what it tells is right, or refused; never silently wrong.

Three stores are made: one that was closed, one whose process was killed, and one whose process was killed before what
it wrote was sealed. A round copies one of them, damages one file, opens it and asks. What is answered must be what the
store answered before; what is refused must name the file that was damaged, or the part it is of, and say what to do.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError, Gate, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ADVICE: Final = "trueline restore"
_OF_THE_CATALOG: Final = 0.2
"""Of the damage: it is two files among hundreds."""

MADE: Final = ("closed", "killed", "killed at once")

_MAKE: Final = """
import json, os, sys, time
from pathlib import Path
from trueline.ledger import seal
from trueline.service.workspace import Workspace
from trueline.settings import Settings

seal._RENEW_EVERY = 3600 if sys.argv[2] == "killed at once" else 0.2
with Workspace.open(Settings(data=Path(sys.argv[1]), bulk_readers=0)) as opened:
    print(opened.first_key(), flush=True)
    for grouping in ("event", "bucket"):
        job = opened.jobs.create(title=grouping, labels=["A", "B", "C"], grouping=grouping)
        for batch in range(4):
            lines = [
                {
                    "event_id": f"e{batch}-{number}",
                    "timestamp": f"2025-01-0{1 + batch}T00:{number % 60:02}:00Z",
                    "bucket_id": f"b{number % 17}",
                    "raw_body": {"n": number, "host": {"name": f"x{number}"}, "seen": [f"{batch}", number / 7]},
                    "decision": {"label": "ABC"[number % 3], "confidence": number, "model_id": "m"},
                    "votes": [{"analyst": "ana", "label": "ABC"[number % 2]}],
                }
                for number in range(100)
            ]
            if grouping == "event":
                for line in lines:
                    del line["bucket_id"]
            opened.ingest.bulk(job, [json.dumps(line).encode() for line in lines])
            if batch == 1:
                opened.training.register(job, model_id="m")
        again = lines[7] | {"raw_body": {"n": 7, "host": {"name": "x7"}, "again": True}}
        del again["decision"], again["votes"]
        opened.ingest.bulk(job, [json.dumps(again).encode()])
        votes = [{"event_id": f"e{each}", "analyst": "bob", "label": "C"} for each in ("0-1", "2-5")]
        opened.feedback.bulk(job, [json.dumps(vote).encode() for vote in votes])
    if sys.argv[2] == "killed":
        time.sleep(2)  # merges end, and the seal has all there is
    if sys.argv[2] != "closed":
        os._exit(9)
"""


@dataclass
class Damages:
    """What came of the rounds."""

    right: Counter[str] = field(default_factory=Counter)
    """Stores that opened and answered as before, by what was done to them."""
    refused: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """The figures."""
        kinds = sorted({*self.right, *self.refused})
        told = "; ".join(f"{kind}: {self.right[kind]} right, {self.refused[kind]} refused by name" for kind in kinds)
        return f"{told}; none silently wrong"


class Probe:
    """Opens folders, one after the other, in processes of their own."""

    def __init__(self, key: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, str(Path(__file__).with_name("damage_probe.py")), key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, folder: Path) -> dict[str, Any]:
        """What a data folder answers."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the probe has no pipes")
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=60)


@dataclass
class Store:
    """One that copies are made of, and what it answers."""

    how: str
    folder: Path
    probe: Probe
    good: dict[str, Any]

    @classmethod
    @contextlib.contextmanager
    def made(cls, folder: Path, how: str) -> Iterator[Store]:
        """Make one of `MADE` in a new folder.

        Raises:
            BrokenError: it does not answer, as it is.
        """
        probe = Probe(make(folder, how))
        try:
            store = cls(how, folder, probe, {})
            with store.copied(folder.with_name(f"{folder.name} as it is")) as copy:
                store.good |= probe.ask(copy)
            check_whole(store.good, f"the store that was {how}")
            yield store
        finally:
            probe.close()

    @contextlib.contextmanager
    def copied(self, folder: Path) -> Iterator[Path]:
        """A copy, while the block runs."""
        shutil.copytree(self.folder, folder, symlinks=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def damage_and_compare(stores: Sequence[Store], folder: Path, rounds: int, seed: int) -> Damages:
    """Damage so many copies of stores, each in a folder below this one.

    Raises:
        BrokenError: one of them answered otherwise, or was refused without a word of what to do.
    """
    choose = random.Random(seed)  # noqa: S311 - test data
    came = Damages()
    for number in counted(rounds):
        store = choose.choice(stores)
        with store.copied(folder / f"copy {number}") as copy:
            file = _chosen(copy, choose)
            kind, what = damage(file, choose)
            said = store.probe.ask(copy)
            name = f"{store.how}, {what} {file.relative_to(copy)}"
            (came.refused if is_refused(said, store.good, file, copy, name) else came.right)[kind] += 1
    return came


def damage(file: Path, choose: random.Random) -> tuple[str, str]:
    """Cut a file short, or flip bits of one of its bytes; gives the kind, and what was done."""
    content = bytearray(file.read_bytes())
    place = choose.randrange(len(content))
    if choose.random() < 0.5:  # noqa: PLR2004
        file.write_bytes(content[:place])
        return "cut short", f"cut short to {place} bytes:"
    content[place] ^= choose.randrange(1, 256)
    file.write_bytes(content)
    return "flipped", f"flipped byte {place} of"


def make(folder: Path, how: str) -> str:
    """Make a store; gives its key."""
    script = [sys.executable, "-c", _MAKE, str(folder), how]
    done = subprocess.run(script, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode not in {0, 9}:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def check_whole(said: dict[str, Any], store: str) -> None:
    """Check that a store that nobody damaged answers every question: else all others are held against nothing.

    Raises:
        BrokenError: it does not open, or refuses one.
    """
    if {"refused", "raised"} & said.keys() or not said["key"]:
        raise BrokenError(f"{store} does not open: {said}")
    if refused := [name for name, answer in said.items() if _refusal(answer) is not None]:
        raise BrokenError(f"{store} does not answer: {refused[0]}: {said[refused[0]]}")


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.stat().st_size:
            yield file


def _chosen(folder: Path, choose: random.Random) -> Path:
    files = list(_files(folder))
    if choose.random() < _OF_THE_CATALOG:
        files = [file for file in files if file.name.startswith("catalog")]
    return choose.choice(files)


def is_refused(said: dict[str, Any], good: dict[str, Any], file: Path, folder: Path, name: str) -> bool:
    """Whether any of it was refused; the rest must be right.

    Raises:
        BrokenError: it is not, or it was refused without the name or the advice.
    """
    if "raised" in said:
        raise BrokenError(f"{name}: {said['raised']}")
    if "refused" in said:
        _check_refusal(said["refused"], file, folder, name)
        return True
    refused = False
    for question, answer in good.items():
        found = said.get(question)
        if (refusal := _refusal(found)) is not None:
            _check_refusal(refusal, file, folder, name)
            refused = True
        elif found != answer:
            raise BrokenError(f"{name}: SILENTLY WRONG: {question}: {difference(found, answer)}")
    return refused


def _refusal(answer: object) -> str | None:
    """Why a question was not answered; None: it was."""
    return answer.get("refused") if isinstance(answer, dict) else None


def difference(found: object, good: object) -> str:
    """What an answer says instead of the right one; of a long list, the first of its members that is another."""
    if isinstance(found, list) and isinstance(good, list) and len(found) == len(good):
        found, good = next((pair for pair in zip(found, good, strict=True) if pair[0] != pair[1]), (found, good))
    return f"{found} instead of {good}"


def _check_refusal(said: str, file: Path, folder: Path, name: str) -> None:
    """The refusal has to name the file, or the part that it is of, and say what to do."""
    path = file.relative_to(folder)
    named = str(path) in said or any(str(parent) in said for parent in path.parents if parent.name.startswith("all_"))
    if not named or _ADVICE not in said:
        raise BrokenError(f"{name}: the refusal does not name the file or what to do: {said}")


def _run(folder: Path, count: int, seed: int) -> str:
    with contextlib.ExitStack() as stack:
        stores = [stack.enter_context(Store.made(folder / how, how)) for how in MADE]
        return str(damage_and_compare(stores, folder, count, seed))


GATE: Final = Gate(
    name="damaged",
    promise="a damaged store tells what it told before, or refuses with the file's name and what to do",
    full=500,
    unit="damages",
    run=_run,
)
