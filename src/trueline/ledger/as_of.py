"""A job as it was known at a moment, put into words of the engine: see docs/decisions/0015-as-of.md.

Known at a moment is what had arrived until then, that moment included: events, as they had last been sent; decisions;
votes, and the consensus that follows from them by the job's rule as it is now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from trueline.ledger.events import DECISIONS, STORED
from trueline.ledger.other_paths import OTHER_PATHS
from trueline.metrics.consensus import Vote, consensus

if TYPE_CHECKING:
    from trueline.ledger.engine import Engine
    from trueline.ledger.job_tables import JobTable
    from trueline.ledger.parameters import Parameters
    from trueline.metrics.consensus import Consensus

THEN: Final = "fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')"
"""The moment bound as ``as_of``."""

_NEVER = "fromUnixTimestamp64Micro(0, 'UTC')"

_OUTCOME = "toLowCardinality(concat(decision, '\\0', consensus))"

_STILL_AS_SENT = f" AND event_key NOT IN (SELECT event_key FROM {{replaced}} WHERE replaced_at > {THEN})"
_REPLACED_NEXT = f""" AND (event_key, replaced_at) IN
(SELECT event_key, min(replaced_at) FROM {{replaced}} WHERE replaced_at > {THEN} GROUP BY event_key)"""
"""Of the versions that were replaced later, the one that was next: should a write have been cut short before the event
was replaced in the end, then its version is kept twice."""

_KNOWN = f"""
SELECT {{unchanged}},
       arrayFilter(place -> other_recorded_at[place] <= {THEN}, arrayEnumerate(other_recorded_at)) AS known,
       decision_recorded_at <= {THEN} AS in_force,
       if(in_force, known, arrayPopBack(known)) AS others,
       {{decisions}},
       if(in_force, known[-1], known[-2]) AS previous_place,
       other_label[previous_place] AS previous_then,
       consensus_computed_at <= {THEN} AS weighed,
       if(weighed, toString(consensus), '') AS consensus_then,
       if(weighed, consensus_changed_at, {_NEVER}) AS changed_then,
       if(weighed, consensus_computed_at, {_NEVER}) AS computed_then,
       if(in_force AND weighed, {{outcome}},
          toLowCardinality(concat(decision_then, '\\0', consensus_then))) AS outcome_then
FROM {{table}} WHERE arrived_at <= {THEN}{{where}}"""

_RENAMED: Final = {
    "previous_decision": "previous_then",
    "consensus": "consensus_then",
    "consensus_changed_at": "changed_then",
    "consensus_computed_at": "computed_then",
    "outcome": "outcome_then",
}
_IN_FORCE: Final = {"label": "decision", "recorded_at": "decision_recorded_at"}
"""The columns of the decision in force that are not named as its parts are."""


def events_then(table: JobTable) -> str:
    """The table of a job's events as they were known at the moment bound as ``as_of``, in its columns."""
    documents = [f"`{name}`" for name in sorted(table.columns)]
    renamed = dict(_RENAMED)
    decisions = []
    for name in DECISIONS:
        column = _IN_FORCE.get(name, name)
        decisions.append(f"if(in_force, {column}, other_{name}[known[-1]]) AS {column}_then")
        decisions.append(f"arrayMap(place -> other_{name}[place], others) AS other_{name}_then")
        renamed |= {each: f"{each}_then" for each in (column, f"other_{name}")}
    unchanged = [*(name for name in STORED if name not in renamed), OTHER_PATHS, *documents]
    known = _KNOWN.replace("{unchanged}", ", ".join(unchanged)).replace("{decisions}", ",\n       ".join(decisions))
    sources = [(table.name, "outcome", "")]
    if table.replaced is not None:
        sources = [(table.name, "outcome", _STILL_AS_SENT), (table.replaced, _OUTCOME, _REPLACED_NEXT)]
    arms = [
        known.replace("{table}", source)
        .replace("{outcome}", outcome)
        .replace("{where}", where.replace("{replaced}", table.replaced or ""))
        for source, outcome, where in sources
    ]
    told = ", ".join([*unchanged, *(f"{then} AS {name}" for name, then in renamed.items())])
    return "(" + "\nUNION ALL\n".join(f"SELECT {told} FROM ({arm})" for arm in arms) + ")"


VOTES_THEN: Final = f"(SELECT * FROM votes WHERE job_id = {{job:UInt64}} AND recorded_at <= {THEN})"
"""The votes on a job's subjects that were known at the moment bound as ``as_of``."""

DRAWS_THEN: Final = f"(SELECT * FROM audit_draws WHERE job_id = {{job:UInt64}} AND drawn_at <= {THEN})"
"""The subjects of a job that had been drawn for audits by then."""

# whose consensus as it is kept has later votes in it: it is in their row, or came with their event in a request of
# which that moment is in the middle
_VOTED_SINCE = f"""
SELECT subject_key FROM consensus FINAL WHERE job_id = {{job:UInt64}} AND computed_at > {THEN}
UNION ALL
SELECT subject_key FROM votes
WHERE job_id = {{job:UInt64}} AND toInt64(request) <= {{as_of:Int64}} AND recorded_at > {THEN}"""

_PATTERNS = f"""
SELECT subject_key, arraySort(groupArray((at, recorded_at, toString(analyst), toString(label), override))) AS given,
       arrayDistinct(given.3) AS analysts,
       toJSONString(arrayMap(vote -> (toUInt32(indexOf(analysts, vote.3)), vote.4, vote.5), given)) AS pattern
FROM votes
WHERE job_id = {{job:UInt64}} AND recorded_at <= {THEN} AND subject_key IN ({_VOTED_SINCE})
GROUP BY subject_key"""

_WEIGHED = f"""
SELECT subject_key, 1, transform(pattern, {{patterns:Array(String)}}, {{labels:Array(String)}}, ''),
       fromUnixTimestamp64Micro(if(place = 0, 0, toUnixTimestamp64Micro(given[place].1)), 'UTC'),
       arrayMax(given.2), 0, '', false
FROM (SELECT *, transform(pattern, {{patterns:Array(String)}}, {{places:Array(UInt32)}}, 0) AS place
      FROM ({_PATTERNS}))"""

_KEPT = f"""
SELECT subject_key, 1 AS voted, toString(consensus) AS later_consensus, changed_at AS later_changed_at,
       computed_at AS later_computed_at, 0 AS trained, '' AS trained_label, false AS from_consensus
FROM consensus FINAL WHERE job_id = {{job:UInt64}} AND computed_at <= {THEN}"""


@dataclass(frozen=True, slots=True)
class VotedThen:
    """The subjects with a consensus of their own at a moment, apart from what came with events."""

    states: str
    """The query of their states."""
    keys: str
    """The query of their keys; it may have others as well."""


def voted_then(engine: Engine, min_votes: int, into: Parameters) -> VotedThen:
    """Weigh the votes known at the moment bound as ``as_of`` where those that came later changed what is kept.

    What votes come to depends on who gave which label in which order, and not on when: each such pattern is weighed
    once.
    """
    patterns = [row[0] for row in engine.rows(f"SELECT DISTINCT pattern FROM ({_PATTERNS})", into.values)]
    if not patterns:
        return VotedThen(_KEPT, "SELECT subject_key FROM consensus WHERE job_id = {job:UInt64}")
    weighed = [_weigh(pattern, min_votes) for pattern in patterns]
    into.values["patterns"] = patterns
    into.values["labels"] = [each.label or "" for each in weighed]
    into.values["places"] = [each.changed_at for each in weighed]
    return VotedThen(
        f"{_KEPT}\nUNION ALL {_WEIGHED}",
        f"SELECT subject_key FROM consensus WHERE job_id = {{job:UInt64}} UNION ALL {_VOTED_SINCE}",
    )


def _weigh(pattern: str, min_votes: int) -> Consensus:
    """The consensus of votes in the order that counts, their places from 1 on in the stead of moments."""
    given = msgspec.json.decode(pattern, type=list[tuple[int, str, bool]])
    return consensus(
        [
            Vote(str(analyst), label or None, place, place, override)
            for place, (analyst, label, override) in enumerate(given, 1)
        ],
        min_votes,
    )
