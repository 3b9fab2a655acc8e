"""Errors as one sentence on stderr and an exit code, in one place for all commands."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import httpx
import typer
from pydantic import ValidationError

from trueline.catalog.errors import CatalogError
from trueline.cli.trueline import NoSuchJob
from trueline.importers.errors import ImporterError, MappingError
from trueline.ledger.errors import LedgerError
from trueline.service.errors import InvalidRequestError, KeyRefused, TruelineError

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class Misuse(Exception):  # noqa: N818 - not an error of the program
    """The command cannot be meant as it was given."""


class Refused(Exception):  # noqa: N818 - the server's answer
    """A running server refused; the message says why."""


class Interrupted(Exception):  # noqa: N818 - not an error of the program
    """Ctrl-C where there is more to say than that; the message says what remains."""


_MISUSES = (Misuse, MappingError, InvalidRequestError, KeyRefused, ValidationError)
_FAILURES = (
    TruelineError,
    ImporterError,
    CatalogError,
    LedgerError,
    NoSuchJob,
    Refused,
    httpx.HTTPError,
    httpx.InvalidURL,
    OSError,
)


class CommandLine(typer.Typer):
    """The commands; what is expected to go wrong becomes a sentence, all else is a fault with its trace."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as typer declares it
        """Run a command."""
        try:
            return super().__call__(*args, **kwargs)
        except Interrupted as interrupted:
            _end(str(interrupted), INTERRUPTED)
        except _MISUSES as error:
            _end(_sentence(error), WRONG_USAGE)
        except _FAILURES as error:
            _end(_sentence(error), FAILED)


def _end(sentence: str, code: int) -> NoReturn:
    typer.echo(f"trueline: {sentence}", err=True)
    sys.exit(code)


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"setting {'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
        )
    if isinstance(error, httpx.HTTPError):
        try:
            address = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
        except RuntimeError:  # it failed before there was a request
            address = "the server"
        return f"{address} cannot be reached: {error or type(error).__name__}"
    return str(error) or type(error).__name__
