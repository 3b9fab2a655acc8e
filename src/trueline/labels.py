"""The labels of a job: the decisions that may be made on its alerts, in their order."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

UNDECIDED = "Undecided"
"""Shown as the consensus of a subject that has votes but no winning label; so no job may use it as a label."""

MAX_LABELS = 200
MAX_LABEL_LENGTH = 200


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels as a tuple if a job may have them.

    Raises:
        ValueError: fewer than two, too many, a repeated, empty, overlong or reserved label.
    """
    if len(labels) < 2:  # noqa: PLR2004 - a decision between fewer than two labels is none
        raise ValueError("a job needs at least two labels")
    if len(labels) > MAX_LABELS:
        raise ValueError(f"a job has at most {MAX_LABELS} labels, not {len(labels)}")
    seen: set[str] = set()
    for label in labels:
        if not label or label != label.strip():
            raise ValueError(f"label {label!r} is empty or begins or ends with white space")
        if len(label) > MAX_LABEL_LENGTH:
            raise ValueError(f"label {label[:20]!r}… is longer than {MAX_LABEL_LENGTH} characters")
        if any(unicodedata.category(letter) == "Cc" for letter in label):
            raise ValueError(f"label {label!r} has control characters")
        if label == UNDECIDED:
            raise ValueError(f"{UNDECIDED!r} is no label: it names a subject whose votes have no winner")
        if label in seen:
            raise ValueError(f"label {label!r} is named twice")
        seen.add(label)
    return tuple(labels)
