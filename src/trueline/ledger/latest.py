"""The latest decision on each subject: of a bucket with many events, the one that stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueline.ledger.population import Asked

HUNDREDTHS: Final = 100
"""Of a percent: confidences are told apart by no less."""

_ROUNDED = f"round(confidence * {HUNDREDTHS})"
# the product may lie beyond a hundredth that the confidence is below; what is divided again is as it was sent
CLAIMED: Final = f"toInt32(ifNull(if({_ROUNDED} / {HUNDREDTHS} > confidence, {_ROUNDED} - 1, {_ROUNDED}), -1))"
"""An event's confidence in hundredths of a percent, cut down; -1 where it has none."""

_CLAIMS = 1 << 14  # more than there are values of `CLAIMED`
_RANKS = 1 << 32
# one number for the order and what is wanted of the last: the engine finds the largest number of each subject many
# times as fast as the last of several columns in an order of several others
_RANKED = f"""
toInt128(toUnixTimestamp64Micro(ts)) * {_RANKS} + indexOf({{labels}}, toString(decision)) * {_CLAIMS} + 1 + {CLAIMED}"""

_LATEST = f"""
SELECT subject_key, {{labels}}[intDiv(rank, {_CLAIMS})] AS outcome_decision, toInt32(rank % {_CLAIMS}) - 1 AS claimed
FROM
(
    SELECT subject_key, toUInt32(bitAnd(max(ranked), {_RANKS - 1})) AS rank
    FROM ({{standing}})
    GROUP BY subject_key
)"""


def latest_decisions(of: Asked, labels: Sequence[str]) -> str:
    """The query of the subjects of decided events, with `outcome_decision` and `claimed` of the latest event of each.

    The latest is by ``@timestamp``; among equals it is that whose label comes last in the job's order, then the one
    with the higher confidence.
    """
    named = of.into.bind(list(labels), "Array(String)")
    standing = of.standing().columns(subject_key="subject_key", ranked=_RANKED.replace("{labels}", named))
    return _LATEST.replace("{standing}", standing).replace("{labels}", named)
