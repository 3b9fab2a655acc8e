"""What can go wrong with the ledger's store."""


class LedgerError(Exception):
    """Something is wrong with the ledger's store."""


class LedgerInUseError(LedgerError):
    """Another process has the data folder open."""


class LedgerDamagedError(LedgerError):
    """A file of the store is not what was written."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(f"{file} is damaged: {what}; restore a backup with `trueline restore`")
        self.file = file


class LedgerTooNewError(LedgerError):
    """The store was written by a newer version of Trueline."""

    def __init__(self, stored: int, known: int) -> None:
        super().__init__(
            f"the ledger has schema version {stored}, this Trueline knows versions up to {known}: "
            "it was written by a newer Trueline, and is left as it is; install that version to open it"
        )


class QueryTimeoutError(LedgerError):
    """A query went over its time budget and was stopped in the engine."""


class QueryGivenUpError(LedgerError):
    """A query was stopped in the engine since nobody waits for it any more."""

    def __init__(self) -> None:
        super().__init__("the query was given up, as nobody waited for it any more")


class JobGoneError(LedgerError):
    """The job was deleted while something was asked about it."""


class LedgerBusyError(LedgerError):
    """The engine lacks the memory to answer now, or the system memory, threads or open files."""


class LedgerAwayError(LedgerError):
    """The server that the ledger is on does not answer; what it was sent may or may not be written."""

    def __init__(self) -> None:
        super().__init__("the ledger's ClickHouse server does not answer")


class LedgerFullError(LedgerError):
    """The disk that the ledger is on has no room left: nothing of this write is acknowledged."""

    def __init__(self, free: int | None = None, kept_free: int | None = None) -> None:
        """Both in bytes, where it was noticed beforehand."""
        left = "" if free is None else f": {free >> 20} MiB are free, and {(kept_free or 0) >> 20} MiB are kept so"
        super().__init__(f"the disk that the ledger is on is full{left}")


class LedgerFullOfFilesError(LedgerFullError):
    """There is room for bytes, and none for files, of which a disk may have only so many."""

    def __init__(self, free: int, kept_free: int) -> None:
        """How many more there may be, and how many of these are kept so."""
        LedgerError.__init__(
            self, f"the disk that the ledger is on is full: it takes {free:,} more files, and {kept_free:,} are kept so"
        )
