"""What the files of an embedded store are, so that it is noticed when one of them is no longer what was written.

The engine checks each block of values against a checksum as it reads it, and takes all else at its word: the
definitions of tables, what the columns of a part are, how many rows it has. A part that does not load it puts aside and
goes on with less; a definition that is empty it removes. So all files but those of values are held against their
digests, and all against their sizes, before the engine opens.

Files are written once and never changed, but for definitions: while one is, the seal says so, and what it is then is
taken as it is found. After a process was killed, files may be gone that were merged into others, and there may be some
that are in no seal yet: of their parts the engine is told to hold all files against the checksums that it wrote.

What is sealed is on disk, so that a power cut leaves nothing that is other than the seal says. The engine sees to that
but for projections, whose files it never syncs: it does without one that is broken. So those are synced before.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from trueline.ledger.errors import LedgerDamagedError, LedgerTooNewError
from trueline.placing import sync

if TYPE_CHECKING:
    from collections.abc import Iterator

_VALUES: Final = ".bin"
_DEFINITION: Final = ".sql"
_PROJECTION: Final = ".proj"
"""How the folder of a projection within its part ends."""

_BESIDE: Final = "../secret"
"""What keys are hashed with: whoever takes it away makes all keys anew, and whoever damages it opens to nobody."""

_RENEW_EVERY: Final = 10.0
"""Seconds after which what was written since is in the seal too."""
_SOON: Final = 0.2
"""Seconds after which a renewal is tried again that was put off."""

SEALS: Final = (".seal", ".definitions.seal")
"""How the files of a seal end that begin with the name of the folder."""

_NO_SEAL: Final = "it does not say what was written of the ledger"

_PASSING: Final = ("tmp", "delete_tmp", "detached")
"""Folders of the engine's that are not of the store yet, or no more."""

_A_PART: Final = re.compile(r"^(store/[^/]+/[^/]+/[^/]+_\d+_\d+_\d+(?:_\d+)?)/")
_NAME_ASIDE: Final = re.compile(r"all_\d+_\d+_\d+(_\d+)?$")

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


class _Sealed(msgspec.Struct):
    """Of all files but definitions."""

    files: dict[str, tuple[int, str]]
    """The size, and the digest or nothing, by the path in the folder."""
    closed: bool
    """Nobody has the store open: so it is all there is."""
    version: int = 0
    """Of the schema."""
    aside: list[str] | None = None
    """The folders of parts that the engine had put aside; None: never looked at."""


class _Definitions(msgspec.Struct):
    """Of the definitions, which are few and change one by one."""

    files: dict[str, tuple[int, str]]
    changing: bool = False
    """Some were being changed."""


class Seal:
    """The seal of an embedded store, kept beside its folder in two files: see `SEALS`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file, self._definitions_file = (folder.with_name(f"{folder.name}{ending}") for ending in SEALS)
        self._sealed = _Sealed({}, closed=True)
        self._definitions = _Definitions({})
        self._lock = threading.RLock()
        self._changes = 0
        """Changes of definitions under way."""
        self._aside_before: set[str] = set()
        """What was put aside before the engine opened."""
        self.unsealed: frozenset[str] = frozenset()
        """The folders of parts with files in no seal, by their paths: of a store that was not closed, or has none."""
        self._known: dict[Path, tuple[tuple[int, int], tuple[int, str]]] = {}
        """What definitions are that were read, by when they were written last and their size."""
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None

    def open(self, known_version: int) -> None:
        """Hold the files against the seal, and say from now on that the store is open.

        Raises:
            LedgerTooNewError: the store has a schema of a later version; nothing is changed.
            LedgerDamagedError: one of them is not what was written; nothing is changed.
        """
        self._aside_before = set(_aside(self._folder))
        if not self._file.exists():  # as after a restore
            self.unsealed = frozenset(part for name in _files(self._folder) for part in _part(name))
        else:
            self._sealed = _read(self._file, _Sealed)
            if self._sealed.version > known_version:
                raise LedgerTooNewError(self._sealed.version, known_version)
            if self._sealed.aside is not None:
                self._check_aside(self._aside_before, set(self._sealed.aside))
            self._definitions = _read(self._definitions_file, _Definitions)
            for name, sealed in (self._sealed.files | self._definitions.files).items():
                self._check(name, *sealed)
            if not self._sealed.closed:
                known = self._sealed.files
                self.unsealed = frozenset(
                    part for name in _files(self._folder) if name not in known for part in _part(name)
                )
            self._save(closed=False)
            sync(self._folder.parent)  # before anything goes that a closed store must have

    def check_copy(self, copy: Path) -> None:
        """Hold files that have second names in another folder, under the same paths, against the seal; the secret too.

        Those that are in no seal yet pass, and so do values, but for their sizes.

        Raises:
            LedgerDamagedError: one of them is not what was written.
        """
        with self._lock:
            files = self._sealed.files
        for name, (size, digest) in files.items():
            file = (self._folder if name == _BESIDE else copy) / name
            if file.exists():
                self._check_bytes(file, self._folder / name, size, digest)

    def check_opened(self) -> None:
        """Look whether the engine has put parts aside as it opened.

        Raises:
            LedgerDamagedError: it has, and goes on without them.
        """
        self._check_aside(set(_aside(self._folder)), self._aside_before)

    def _check_aside(self, found: set[str], known: set[str]) -> None:
        if aside := sorted(found - known):
            raise LedgerDamagedError(
                str(self._folder / _where_it_was(aside[0])), f"the engine put it aside as broken, as {aside[0]}"
            )

    def keep(self) -> None:
        """Take what is there as it is, and what is written from now on."""
        with self._lock:
            self._take_definitions()
            _write(self._definitions_file, self._definitions)
            self._take(self._synced())
            self._sealed.aside = _aside(self._folder)
            self._save(closed=False)
        self._renewing = threading.Thread(target=self._renew, name="seal", daemon=True)
        self._renewing.start()

    def note_version(self, version: int) -> None:
        """Say which schema the store has."""
        with self._lock:
            if self._sealed.version != version:
                self._sealed.version = version
                self._save(closed=False)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Say that definitions are being changed, and seal what they are then."""
        with self._lock:
            self._changes += 1
        try:
            with self._lock:
                self._definitions.changing = True
                _write(self._definitions_file, self._definitions)
            yield
        finally:
            with self._lock:
                self._changes -= 1
        with self._lock:
            self._take_definitions()
            self._definitions.changing = self._changes > 0
            _write(self._definitions_file, self._definitions)

    def close(self) -> None:
        """Say that nobody has the store open any more: the engine must have let go of it."""
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join()
        with contextlib.suppress(OSError):  # as on a full disk: then the store is as one that was left open
            self._take_definitions()
            self._definitions.changing = False
            _write(self._definitions_file, self._definitions)
            self._take(self._synced())
            self._save(closed=True)

    def _check(self, name: str, size: int, digest: str) -> None:
        file, is_definition = self._folder / name, name.endswith(_DEFINITION)
        changing = self._definitions.changing
        if not file.exists():
            if name == _BESIDE:
                return
            part_is_merged = not file.parent.exists() and not is_definition
            table_is_gone = not file.parent.parent.exists() or (changing and not self._sealed.closed)
            if self._sealed.closed or not (
                part_is_merged or (is_definition and changing) or table_is_gone or _may_go(name)
            ):
                raise LedgerDamagedError(str(file), "it is missing")
            return
        if is_definition and changing:
            return
        self._check_bytes(file, file, size, digest)

    @staticmethod
    def _check_bytes(file: Path, named: Path, size: int, digest: str) -> None:
        found = file.stat().st_size
        if found != size:
            raise LedgerDamagedError(str(named), f"it has {found} bytes instead of {size}")
        if digest and _digest(file.read_bytes()) != digest:
            raise LedgerDamagedError(str(named), "its bytes are not those that were written")

    def _renew(self) -> None:
        wait = _RENEW_EVERY
        while not self._ended.wait(wait):
            with contextlib.suppress(OSError):  # as on a full disk: tried again
                wait = _RENEW_EVERY if self.renew() else _SOON

    def renew(self) -> bool:
        """Seal what is there now; False, and nothing is done, while definitions are changed.

        A table that is being made has files that are not written yet: sealed as they are, they would be taken for
        damaged ever after.
        """
        synced = self._synced()  # which takes its time, and nobody has to wait for it
        with self._lock:
            if self._changes:
                return False
            before = self._sealed.files
            self._take(synced)
            if self._sealed.files != before:
                self._save(closed=False)
            return True

    def _synced(self) -> set[str]:
        """The folders of projections that are on disk from now on, those whose files are sealed already left out."""
        sealed = self._sealed.files
        new = {folder for name in _files(self._folder) if (folder := _projection(name)) and name not in sealed}
        for folder in new:
            with contextlib.suppress(FileNotFoundError):  # merged meanwhile
                for each in (*(self._folder / folder).iterdir(), self._folder / folder):
                    sync(each)
        return new

    def _take(self, synced: set[str]) -> None:
        known, found = self._sealed.files, {}
        for name in _files(self._folder):
            if name.endswith(_DEFINITION):
                continue
            if name in known:
                found[name] = known[name]
                continue
            if (projection := _projection(name)) and projection not in synced:
                continue
            with contextlib.suppress(FileNotFoundError):  # merged meanwhile
                file, values = self._folder / name, name.endswith(_VALUES)
                content = b"" if values else file.read_bytes()
                found[name] = (file.stat().st_size if values else len(content), "" if values else _digest(content))
        self._sealed.files = found

    def _take_definitions(self) -> None:
        known = {}
        for file in _definitions(self._folder):
            with contextlib.suppress(FileNotFoundError):  # dropped meanwhile
                status = file.stat()
                written = (status.st_mtime_ns, status.st_size)
                if file in self._known and self._known[file][0] == written:
                    known[file] = self._known[file]
                else:
                    content = file.read_bytes()
                    known[file] = (written, (len(content), _digest(content)))
        self._known = known
        self._definitions.files = {os.path.relpath(file, self._folder): sealed for file, (_, sealed) in known.items()}

    def _save(self, *, closed: bool) -> None:
        self._sealed.closed = closed
        _write(self._file, self._sealed)


def _read(file: Path, kind: type[_Kind]) -> _Kind:
    try:
        text, digest = file.read_bytes().rsplit(b"\n", 1)
        sealed = msgspec.json.decode(text, type=kind)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise LedgerDamagedError(str(file), _NO_SEAL) from error
    if digest.decode(errors="replace") != _digest(text):
        raise LedgerDamagedError(str(file), _NO_SEAL)
    return sealed


def _write(file: Path, sealed: msgspec.Struct) -> None:
    text = msgspec.json.encode(sealed, order="deterministic")
    draft = file.with_name(f"{file.name}.new")
    with draft.open("wb") as stream:
        stream.write(text + b"\n" + _digest(text).encode())
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def _may_go(name: str) -> bool:
    """Whether a file is of a change that the engine has carried out and forgets in time."""
    return Path(name).name.startswith("mutation_")


def _files(folder: Path) -> Iterator[str]:
    """The regular files of what is of the store, and the secret beside it, by their paths in the folder.

    All are looked at every few seconds, beside everything else: so there is no more to it for each than must be.
    """
    if (folder / _BESIDE).exists():
        yield _BESIDE
    left = ["metadata", "store"]
    while left:
        inside = left.pop()
        try:
            entries = list(os.scandir(folder / inside))
        except FileNotFoundError:  # merged meanwhile
            continue
        for entry in entries:
            name = entry.name
            if name.startswith(_PASSING):
                continue
            if entry.is_dir(follow_symlinks=False):
                left.append(f"{inside}/{name}")
            elif not name.endswith(".tmp") and not entry.is_symlink():
                yield f"{inside}/{name}"


def _projection(name: str) -> str:
    """The folder of the projection that a file is of; empty: of none."""
    folder = name.rpartition("/")[0]
    return folder if folder.endswith(_PROJECTION) else ""


def _part(name: str) -> list[str]:
    """The folder of the part that a file is of, if it is of one."""
    return _A_PART.findall(name)


def _where_it_was(aside: str) -> Path:
    """The folder of a part before it was put aside, under a name that says why: ``…/detached/broken_all_1_1_0``."""
    path = Path(aside)
    named = _NAME_ASIDE.search(path.name)
    return path if named is None else path.parent.parent / named[0]


def _aside(folder: Path) -> list[str]:
    """The parts that the engine has put aside, by their paths in the folder."""
    return sorted(os.path.relpath(part, folder) for part in (folder / "store").glob("*/*/detached/*"))


def _definitions(folder: Path) -> Iterator[Path]:
    """The definitions of databases and of their tables, which lie in a folder of the store by way of a link."""
    metadata = folder / "metadata"
    for inside in {each.resolve() for each in (metadata, *metadata.glob("*/"))}:
        yield from inside.glob(f"*{_DEFINITION}")


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
