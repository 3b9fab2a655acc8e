"""The documents of a request, read one after the other, faster once it is known what they are like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from trueline.ledger.documents import searchable
from trueline.ledger.layouts import Fitted, layout_for
from trueline.service.lines import read_document

if TYPE_CHECKING:
    from trueline.ledger.documents import Searchable
    from trueline.ledger.layouts import Layout

LEARNED_FROM: Final = 64
"""Documents that a layout is made of; a request of fewer is read without one."""
_FEW: Final = 4
"""Times as many as it does not fit have to fit a layout, or it is made anew."""
_MOST_LAYOUTS: Final = 8
"""Made for one request."""


class ReadDocument(msgspec.Struct, frozen=True, gc=False):
    """A document that was read."""

    made: Searchable | Fitted
    """As it is laid out."""
    said: dict[str, Any] | None
    """What it says; None where a layout told that at once."""

    def at(self, key: str) -> object:
        """What stands at a key of its own: None where nothing or null does, something else than a text at an object."""
        if isinstance(self.made, Fitted):
            return self.made.at(key)
        return None if self.said is None else self.said.get(key)


class DocumentReader:
    """Reads documents; after so many, by the layout that most of them have in common, if they have one."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._layout: Layout | None = None
        self._like: list[dict[str, Any]] = []
        """What the layout is made of."""
        self._fitted = 0
        self._others: list[dict[str, Any]] = []
        """Documents that it did not fit, up to so many, while it fitted the others."""
        self._made = 0

    def read(self, body: bytes) -> ReadDocument:
        """Read a document.

        Raises:
            LineError: it is no JSON object.
            DocumentError: it cannot be kept searchable.
        """
        if self._layout is not None:
            found = self._layout.read(body)
            if found is not None:
                self._fitted += 1
                return ReadDocument(found, None)
        document = read_document(body)
        made = searchable(document, self._max_depth)
        if self._made < _MOST_LAYOUTS:
            self._note(document)
        return ReadDocument(made, document)

    def _note(self, document: dict[str, Any]) -> None:
        self._others.append(document)
        if len(self._others) == LEARNED_FROM:
            if self._fitted < _FEW * LEARNED_FROM:
                self._learn()
            self._fitted, self._others = 0, []

    def _learn(self) -> None:
        """Have a layout of these, too, or of these alone where those before are another kind of documents."""
        self._made += 1
        choices = [[*self._like, *self._others]]
        if self._fitted < LEARNED_FROM:
            choices.append(self._others)
            self._layout = None
        for like in choices:
            layout = layout_for(like, self._max_depth)
            if layout is not None:
                self._layout, self._like = layout, like
                return
