"""Backups: both stores and the secret of the keys, as they are at one moment, while all goes on."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Self

from trueline import __version__
from trueline.instants import format_instant, from_micros
from trueline.ledger.frozen import freeze, thaw, thaw_left
from trueline.ledger.migrations import stored_version
from trueline.service import archive
from trueline.service.errors import ConflictError, PartMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from trueline.catalog.store import Catalog
    from trueline.ledger.store import Ledger
    from trueline.service.stillness import Stillness
    from trueline.settings import Settings


class Backup:
    """A backup to be read, once; what it is made from is kept until it is closed."""

    def __init__(self, manifest: archive.Manifest, files: Mapping[str, Path], end: Callable[[], None]) -> None:
        self.manifest = manifest
        self.size = archive.size_of(manifest)
        """In bytes."""
        self._files = files
        self._end = end

    def chunks(self) -> Iterator[bytes]:
        """All of it, piece by piece; closed before whoever reads it has the last.

        Raises:
            OSError: a file cannot be read.
        """
        chunks = archive.chunks_of(self.manifest, self._files)
        before = next(chunks)
        for chunk in chunks:
            yield before
            before = chunk
        self.close()
        yield before

    def close(self) -> None:
        """Let go of what it is made from; done again it changes nothing."""
        end, self._end = self._end, _nothing
        end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Backups:
    """Makes backups, one at a time."""

    def __init__(self, settings: Settings, ledger: Ledger, catalog: Catalog, stillness: Stillness) -> None:
        self._settings = settings
        self._ledger = ledger
        self._catalog = catalog
        self._stillness = stillness
        self._one = threading.Lock()

    def clear_left(self) -> None:
        """At start: take away what a backup left that was cut short."""
        thaw_left(self._settings.data / archive.LEDGER)

    def take(self) -> Backup:
        """Catch both stores at a moment; writes wait until that is done, reading the backup holds nobody up.

        Raises:
            PartMissingError: a store is not in the data folder.
            ConflictError: another backup is not closed yet.
            LedgerDamagedError: a file of the ledger is not what was written.
            NotStillError: a write took so long that no moment came without one under way.
        """
        settings = self._settings
        if settings.ledger_dsn or settings.catalog_dsn:
            raise PartMissingError(
                "only stores in the data folder are backed up; a ClickHouse or PostgreSQL server has tools of its own: "
                "BACKUP DATABASE, pg_dump"
            )
        if not self._one.acquire(blocking=False):
            raise ConflictError("another backup is being made")
        folder = settings.data / archive.LEDGER
        frozen: list[Path] = []

        def end() -> None:
            try:
                for each in frozen:
                    thaw(each)
            finally:
                self._one.release()

        try:
            thaw_left(folder)
            began = time.perf_counter()
            with self._stillness.held():
                moment = self._ledger.clock.next()
                frozen.append(freeze(self._ledger.engine, folder, secrets.token_hex(8)))
                # beside the ledger's files, so that it goes with them
                self._catalog.copy_to(frozen[0] / archive.CATALOG)
            held = time.perf_counter() - began
            self._ledger.engine.check_copy(frozen[0])
            files = _files(frozen[0])
            if not settings.secret.get_secret_value():
                files[archive.SECRET] = settings.data / archive.SECRET
            manifest = archive.Manifest(
                format=archive.FORMAT,
                trueline=__version__,
                engine=self._ledger.engine.version(),
                ledger_schema=stored_version(self._ledger.engine),
                ledger_database=settings.ledger_database,
                catalog_schema=self._catalog.schema,
                moment=format_instant(from_micros(moment)),
                secret=archive.SECRET in files,
                writes_held_seconds=round(held, 6),
                files=[archive.FileRecord(path, file.stat().st_size) for path, file in sorted(files.items())],
            )
            return Backup(manifest, files, end)
        except BaseException:
            end()
            raise


def _files(frozen: Path) -> dict[str, Path]:
    """The files of a copy by their paths in a data folder."""
    found = {file.relative_to(frozen).as_posix(): file for file in frozen.rglob("*") if file.is_file()}
    return {path if path == archive.CATALOG else f"{archive.LEDGER}/{path}": file for path, file in found.items()}


def _nothing() -> None:
    pass
