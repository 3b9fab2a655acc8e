"""What can go wrong in the catalog, one error for each."""

# ruff: noqa: N818 - the names are sentences: "title taken" needs no "error"

from __future__ import annotations


class CatalogError(Exception):
    """Any refusal of the catalog. Nothing was written, unless the store ceased to answer as it was told to."""


class TitleTaken(CatalogError):
    """Another job has this title."""

    def __init__(self, title: str) -> None:
        super().__init__(f"there is a job titled {title!r} already")
        self.title = title


class JobIdTaken(CatalogError):
    """Another job has this id."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"there is a job {job_id} already")
        self.job_id = job_id


class JobIdDeleted(CatalogError):
    """A job of this id was deleted, and its id is never given again: a new job must see nothing of an old one."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"there was a job {job_id}, which was deleted: its id is not given again")
        self.job_id = job_id


class NoSuchJob(CatalogError):
    """No job has this id."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"there is no job {job_id}")
        self.job_id = job_id


class ModelIdTaken(CatalogError):
    """The job has a model of this id already."""

    def __init__(self, job_id: int, model_id: str) -> None:
        super().__init__(f"job {job_id} has a model {model_id!r} already")
        self.job_id = job_id
        self.model_id = model_id


class NoSuchModel(CatalogError):
    """The job has no model of this id."""

    def __init__(self, job_id: int, model_id: str) -> None:
        super().__init__(f"job {job_id} has no model {model_id!r}")
        self.job_id = job_id
        self.model_id = model_id


class KeyIdTaken(CatalogError):
    """There is a key of this id already."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"there is a key {key_id!r} already")
        self.key_id = key_id


class UnsupportedStore(CatalogError, ValueError):
    """The address names a kind of database, or an option of one, that the catalog cannot be kept in."""


class StoreUnavailable(CatalogError):
    """The database does not answer, or takes no writes."""

    def __init__(self, store: str) -> None:
        super().__init__(f"the catalog in {store} does not answer or cannot be written")
        self.store = store


class StoreDamaged(StoreUnavailable):
    """The file of the database does not say what was written to it. It was left as it was found."""

    def __init__(self, store: str) -> None:
        super().__init__(store)
        self.args = (f"{store} is damaged or no catalog: restore a backup with `trueline restore`",)


class StoreFull(CatalogError):
    """The disk that the database is on has no room left."""

    def __init__(self) -> None:
        super().__init__("the disk that the catalog is on is full")


class StoreTooNew(CatalogError):
    """The database was written by a later version. It was left as it was found."""

    def __init__(self, store: str, found: str, newest_known: str) -> None:
        super().__init__(
            f"the catalog in {store} is at schema {found}, which this version does not know: "
            f"it knows schemas up to {newest_known}. Run the version that wrote it, or a later one"
        )
        self.store = store
        self.found = found
        self.newest_known = newest_known
