"""What can go wrong with the ledger's store."""


class LedgerError(Exception):
    """Something is wrong with the ledger's store."""


class LedgerInUseError(LedgerError):
    """Another process has the data folder open."""


class LedgerTooNewError(LedgerError):
    """The store was written by a newer version of Trueline."""


class QueryTimeoutError(LedgerError):
    """A query went over its time budget and was stopped in the engine."""


class JobGoneError(LedgerError):
    """The job was deleted while something was asked about it."""


class LedgerBusyError(LedgerError):
    """The engine lacks the memory or the room to answer now."""
