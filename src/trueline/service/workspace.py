"""One Trueline, opened: its stores and all that can be done with them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self, TypeVar

from trueline.catalog.errors import CatalogError
from trueline.filters.request import FilterLimits
from trueline.ledger import budget, migrations
from trueline.ledger.errors import LedgerError
from trueline.ledger.store import Ledger, open_engine
from trueline.service.activity import Activities
from trueline.service.as_of import AsOf
from trueline.service.audits import Audits
from trueline.service.backups import Backups
from trueline.service.beside import ReadBeside
from trueline.service.data_folder import make_data_folder
from trueline.service.errors import StartError
from trueline.service.events import Events
from trueline.service.feedback import Feedback
from trueline.service.fields import Fields
from trueline.service.ingest import Ingest
from trueline.service.internal_metrics import InternalMetrics
from trueline.service.jobs import Jobs
from trueline.service.keys import KNOWN_SCOPES, KeyRing, load_secret
from trueline.service.metrics import JobMetrics
from trueline.service.model_metrics import ModelsMetrics
from trueline.service.readers import Readers
from trueline.service.report import Reports
from trueline.service.resources import Resources
from trueline.service.restoring import refuse_unfinished
from trueline.service.search import EventSearch
from trueline.service.stores import open_catalog, refuse_catalog
from trueline.service.training import Training
from trueline.service.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from trueline.catalog.records import Job
    from trueline.catalog.store import Catalog
    from trueline.ledger.budget import Asker
    from trueline.ledger.column_reading import Reading
    from trueline.ledger.known_keys import KeyReading
    from trueline.settings import Settings

_Answer = TypeVar("_Answer")

_A_FEW = 10


class Workspace:
    """The stores of one Trueline and its use cases."""

    def __init__(self, settings: Settings, ledger: Ledger, catalog: Catalog, secret: bytes) -> None:
        self.settings = settings
        self._ledger = ledger
        self._catalog = catalog
        self._writing = Writing(ledger, catalog)
        self._filtering = ReadBeside("documents", ledger.kept.columns, self._begin_filtering, self._writing)
        self._knowing = ReadBeside("event keys", ledger.known_keys, self._begin_knowing, self._writing)
        limits = FilterLimits(settings.max_filters, settings.max_list_members, settings.max_filter_text_bytes)
        self.jobs = Jobs(catalog, self._writing)
        readers = Readers(settings.bulk_readers, max_depth=settings.max_json_depth)
        self.ingest = Ingest(
            ledger,
            self._writing,
            readers,
            most_waiting_bytes=settings.max_waiting_bytes // 2,
            max_depth=settings.max_json_depth,
        )
        self.events = Events(ledger, catalog, self.ingest)
        self.feedback = Feedback(ledger, self._writing)
        self.training = Training(ledger, catalog, self._writing)
        self.activity = Activities(ledger, self._writing)
        self.resources = Resources(self.jobs)
        self.metrics = JobMetrics(ledger, catalog, self.jobs, self._writing, limits=limits)
        self.model_metrics = ModelsMetrics(ledger, catalog, self._writing)
        self.internal_metrics = InternalMetrics(
            ledger, catalog, self._writing, limits=limits, seconds=settings.query_seconds
        )
        self.as_of = AsOf(ledger, catalog, self._writing)
        self.reports = Reports(ledger, self._writing, self.as_of, limits=limits, seconds=settings.query_seconds)
        self.search = EventSearch(ledger, catalog, self._writing, limits=limits)
        self.audits = Audits(ledger, catalog, self._writing, limits=limits)
        self.fields = Fields(ledger)
        self.access = KeyRing(catalog, secret)
        self.backups = Backups(settings, ledger, catalog, self._writing.stillness)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the stores, bring them to the newest schema, finish what was cut short.

        Raises:
            StartError: a store is in use, was written by a newer version, or does not open.
        """
        make_data_folder(settings)
        refuse_unfinished(settings)
        with contextlib.ExitStack() as opened, budget.without():
            try:
                refuse_catalog(settings)  # before the engine opens, which tidies its folder up
                engine = open_engine(
                    settings.ledger_dsn,
                    settings.data / "ledger",
                    settings.ledger_database,
                    query_seconds=settings.query_seconds,
                    query_memory_bytes=settings.engine_memory_bytes,
                    cache_bytes=settings.engine_cache_bytes,
                    keep_free_bytes=settings.keep_free_bytes,
                )
                opened.callback(engine.close)
                migrations.check(engine)  # before the catalog, so that neither is changed when one is refused
                catalog = open_catalog(settings)
                opened.callback(catalog.close)
                ledger = Ledger(
                    engine,
                    max_job_paths=settings.max_job_paths,
                    filter_memory_bytes=settings.filter_memory_bytes,
                    key_memory_bytes=settings.key_memory_bytes,
                )
                _refuse_another_catalog(ledger, catalog)
                workspace = cls(settings, ledger, catalog, load_secret(settings))
                workspace.recover()
                workspace.model_metrics.resume()
            except (LedgerError, CatalogError, ValueError, OSError) as error:
                raise StartError(str(error)) from error
            opened.pop_all()
        return workspace

    def recover(self) -> None:
        """Finish what a crash may have cut short; nothing to do, nothing changed."""
        self.backups.clear_left()
        self._writing.finish_deletions()
        self._writing.finish_last_requests()
        self.training.forget_cut_short(self._catalog.jobs())

    def within_budget(self, question: Callable[[], _Answer], asker: Asker | None = None) -> _Answer:
        """Ask, and have the engine stop whatever of it is not answered within the time that a query may take.

        Raises:
            QueryTimeoutError: it was stopped.
            QueryGivenUpError: likewise, by `give_up`.
        """
        with budget.within(self.settings.query_seconds, asker):
            return question()

    def _begin_filtering(self, job: Job) -> Reading | None:
        return self._ledger.kept.begin_columns(job.id, self._ledger.clock.last, by_bucket=job.grouping == "bucket")

    def _begin_knowing(self, job: Job) -> KeyReading | None:
        return self._ledger.known_keys.begin(job.id)

    def wait_for_filters(self) -> None:
        """Wait until what filters asked for until now is kept, so that they are answered from memory the next time."""
        self._filtering.wait()

    def give_up(self, asker: Asker) -> None:
        """Stop what is asked for somebody who has left."""
        self._ledger.engine.give_up(asker)

    def first_key(self) -> str | None:
        """Make a key with every scope if there has never been a key, and return it; it cannot be shown again."""
        if self._catalog.keys():
            return None
        return self.access.create("first key", sorted(KNOWN_SCOPES))

    def ping(self) -> None:
        """Check that both stores answer and can be written.

        Raises:
            LedgerError: the ledger does not.
            CatalogError: the catalog does not.
        """
        self._ledger.ping()
        self._catalog.ping()

    def close(self) -> None:
        """Let go of the stores, once what waits to be written is."""
        self.model_metrics.close()
        self._filtering.close()
        self._knowing.close()
        self.ingest.close()
        self._ledger.close()
        self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refuse_another_catalog(ledger: Ledger, catalog: Catalog) -> None:
    """Refuse a catalog of another ledger, and one that knows nothing of jobs that the ledger has.

    With it a new job would get what another one has, and trainings would be taken for such as were cut short.
    """
    mend = (
        "put the right one in its place, or name it with TRUELINE_CATALOG_DSN, see docs/backups.md; "
        "nothing was removed from either"
    )
    if unknown := sorted(ledger.jobs() - catalog.job_ids()):
        first = ", ".join(map(str, unknown[:_A_FEW])) + (", ..." if len(unknown) > _A_FEW else "")
        jobs = "job" if len(unknown) == 1 else "jobs"
        raise StartError(
            f"the ledger has events, votes or trainings of {len(unknown)} {jobs} that the catalog never had ({first}): "
            f"it is another catalog, an older one, or none was there: {mend}"
        )
    if not catalog.belongs_to(ledger.keys.identity):
        raise StartError(f"the catalog belongs to another ledger: {mend}")
