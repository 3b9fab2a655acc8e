"""Payloads wherever a text may stand in what is written: what comes back is what was sent, to the letter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError
from injection import AT, ENGINES_WORDS, LABELS
from oracle import differences
from wire import part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from injection import Injection
    from settled import Settled

_MOST_ID: Final = 512


@dataclass
class Writes:
    """Two jobs that are written to, and an oracle of the one by bucket."""

    server: Injection
    by_event: int
    by_bucket: int
    told_in_buckets: Settled
    kept: int = 0
    """Events of the job by event."""

    def written(self, texts: Sequence[str]) -> None:
        """As events' ids, buckets, keys and values of documents, and in what is said of them.

        Raises:
            BrokenError: one came back otherwise.
        """
        sent = {
            text: {
                "event_id": text,
                "raw_body": {"p": text, text: [text, {text: text}], "@timestamp": AT},
                "decision": {"label": "Drop", "decided_at": AT, "model_id": text},
                "votes": [{"analyst": text, "label": "Drop", "at": AT, "note": text}],
            }
            for text in texts
        }
        path = f"/api/v2/jobs/{self.by_event}/events/bulk"
        taken = self.server.expect(200, "POST", path, bulk_lines(sent.values())).json
        refused = {texts[number] for number in self._refused(taken, texts)}
        kept = [text for text in texts if text not in refused]
        asked = {"job_ids": self.by_event, "event_ids": kept, "size": len(kept)}
        found = self.server.expect(200, "POST", "/api/v2/events/query", asked).json["events"] if kept else []
        came_back = {each["event_id"]: each["raw_event"] for each in found}
        for text in kept:
            if came_back.get(text) != sent[text]["raw_body"]:
                raise BrokenError(f"{sent[text]} came back as {came_back.get(text)}")
        self.server.counted["documents as they were sent"] += len(kept)
        self.server.counted["lines refused"] += len(refused)
        self.kept += len(kept)
        self._in_buckets(texts)
        text = texts[0]
        alone = {"job_id": self.by_bucket, "raw_body": {text: text}, "title": text, "severity": text}
        self.server.ask("POST", f"/api/v1/events/{part(text)}", alone)
        self.server.ask("PUT", f"/api/v1/events/{self.by_event}/e1/feedback", {"feedback": text, "closing_notes": text})

    @staticmethod
    def _refused(taken: dict[str, Any], texts: Sequence[str]) -> set[int]:
        """The numbers of lines that were refused, from 0, each of which has one of the texts.

        Raises:
            BrokenError: one was refused in words of an engine that are not the text's.
        """
        refused = {each["line"] - 1: each["error"] for each in taken["rejected"]}
        for number, error in refused.items():
            for word in ENGINES_WORDS.finditer(error.encode()):
                if word[0].decode() not in texts[number]:
                    raise BrokenError(f"a line with {texts[number]!r} was refused in an engine's words: {error!r}")
        return set(refused)

    @staticmethod
    def _only_unusable(refused: set[str]) -> None:
        """These texts were refused as names.

        Raises:
            BrokenError: one could be a name.
        """
        if usable := sorted(filter(is_usable, refused)):
            raise BrokenError(f"{usable} were refused, and could be names")

    def _in_buckets(self, texts: Sequence[str]) -> None:
        self.server.counted["batches"] += 1
        decision = {"label": LABELS[self.server.counted["batches"] % 3], "decided_at": AT}
        lines = [
            {
                "event_id": f"{self.server.counted['batches']}-{number}",
                "timestamp": AT,
                "raw_body": {"p": text},
                "bucket_id": text,
                "decision": decision,
            }
            for number, text in enumerate(texts)
        ]
        taken = self.server.expect(200, "POST", f"/api/v2/jobs/{self.by_bucket}/events/bulk", bulk_lines(lines)).json
        refused = self._refused(taken, texts)
        self._only_unusable({texts[number] for number in refused})
        told = self.told_in_buckets
        for line in (line for number, line in enumerate(lines) if number not in refused):
            name = str(line["event_id"])
            told.event(name, {"p": line["bucket_id"]}, arrived_at=1, timestamp=AT, bucket_id=str(line["bucket_id"]))
            told.decide(name, decision["label"], arrived_at=1, decided_at=AT)
        votes = [
            {"bucket_id": text, "analyst": text, "label": text if number % 3 == 0 else LABELS[number % 2], "at": AT}
            for number, text in enumerate(texts)
        ]
        taken = self.server.expect(200, "POST", f"/api/v2/jobs/{self.by_bucket}/votes/bulk", bulk_lines(votes)).json
        refused = self._refused(taken, texts)
        unknown = {number for number, vote in enumerate(votes) if vote["label"] not in LABELS}
        if taken_as_label := unknown - refused:
            raise BrokenError(f"votes for {[texts[number] for number in taken_as_label]} were taken")
        self._only_unusable({texts[number] for number in refused - unknown})
        for vote in (vote for number, vote in enumerate(votes) if number not in refused):
            told.vote(vote["analyst"], vote["label"], arrived_at=1, bucket_id=vote["bucket_id"], at=AT)
        self.server.counted["votes on buckets"] += len(votes) - len(refused)

    def compared(self) -> None:
        """Hold what was written against what was taken, and against a recount.

        Raises:
            BrokenError: it is not the same.
        """
        whole = self.server.expect(200, "POST", f"/api/v2/metrics/job?job_id={self.by_event}").json
        if whole["total_events"] != self.kept:
            raise BrokenError(f"{self.kept} events were taken and {whole['total_events']} are counted")
        self.told_in_buckets.settle()
        in_buckets = self.server.expect(200, "POST", f"/api/v2/metrics/job?job_id={self.by_bucket}").json
        if wrong := differences(in_buckets, self.told_in_buckets.metrics()):
            raise BrokenError(f"in buckets: {'; '.join(wrong[:3])}")
        for job in (self.by_event, self.by_bucket):
            self.server.recount(job)

    def made(self, text: str) -> None:
        """As a job's title, labels and decision points, and as a model's id."""
        terms = {"title": text, "labels": [text, text + "2"], "decision_points": [text], "description": text}
        answer = self.server.ask("POST", "/api/v2/jobs", terms)
        if answer.status == 201:  # noqa: PLR2004
            job = answer.json
            if {name: job[name] for name in terms} != terms:
                raise BrokenError(f"{terms} came back as {job}")
            decision = {"label": text, "decided_at": AT}
            line = {"event_id": "a", "raw_body": {"p": text}, "decision": decision}
            path = f"/api/v2/jobs/{job['job_id']}"
            self.server.expect(200, "POST", f"{path}/events/bulk", json.dumps(line).encode())
            matrix = self.server.expect(200, "POST", f"/api/v2/metrics/job?job_id={part(text)}").json[
                "confusion_matrix"
            ]
            if matrix != [[1, 0], [0, 0]]:
                raise BrokenError(f"with the label {text!r} the matrix is {matrix}")
            model = self.server.ask("POST", f"{path}/models", {"model_id": text, "trained_at": AT})
            if model.status == 201 and model.json["model_id"] != text:  # noqa: PLR2004
                raise BrokenError(f"the model {text!r} came back as {model.json}")
            self.server.expect(200, "DELETE", f"/api/v2/resources?resource_type=job&id={job['job_id']}")
            self.server.counted["jobs made"] += 1
        resource = {"type": "job", "properties": {"title": text, "category": text}}
        self.server.ask("POST", f"/api/v2/resources?overwrite={part(text)}", {"resources": {text: resource}})


def is_usable(text: str) -> bool:
    """Whether an event or a bucket may be named so."""
    return 0 < len(text) <= _MOST_ID and bool(text.strip()) and "\0" not in text


def bulk_lines(lines: Iterable[object]) -> bytes:
    return "\n".join(map(json.dumps, lines)).encode()
