"""What can go wrong while files are imported."""

from __future__ import annotations


class ImporterError(Exception):
    """An import cannot start or go on; the message is one sentence for the person who started it."""


class MappingError(ImporterError):
    """The mapping contradicts itself, the job or the file's columns."""


class SourceError(ImporterError):
    """A file is missing, damaged, or in a format that cannot be told."""


class SinkError(ImporterError):
    """The store or server that takes the rows gave up."""


class RowError(ValueError):
    """One row cannot become an event; the others go on."""
