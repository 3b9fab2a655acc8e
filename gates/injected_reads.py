"""Payloads wherever a text may stand in what only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gate import BrokenError
from oracle import differences
from plain_values import RefusedError, instant
from wire import part

if TYPE_CHECKING:
    from injection import Injection
    from oracle import Oracle

_NOT_FOUND, _UNREADABLE = 404, 422
_WELL = 200
_SEARCHED_ONE_IN: Final = 4


@dataclass
class Reads:
    """Questions to one job, and the oracle that was told the same."""

    server: Injection
    job: int
    told: Oracle
    events: int

    def filtered(self, text: str, turn: int) -> None:
        """In a filter: the oracle's answer, or its refusal.

        Raises:
            BrokenError: another one.
        """
        asked = self._filters(text)
        question = asked[turn % len(asked)]
        path = f"/api/v2/metrics/job?job_id={self.job}"
        try:
            wanted = self.told.metrics(filters=[question])
        except RefusedError:
            self.server.expect(_UNREADABLE, "POST", path, {"filters": [question]})
            return
        answer = self.server.expect(200, "POST", path, {"filters": [question]}).json
        if wrong := differences(answer, wanted):
            raise BrokenError(f"{question}: {'; '.join(wrong[:3])}")
        self.server.counted["answers as the oracle's"] += 1
        if turn % _SEARCHED_ONE_IN == 0:
            found = self.server.expect(
                200, "POST", "/api/v2/events/query", {"job_ids": self.job, "filters": [question]}
            ).json
            if found["total_count"] != wanted["total_events"]:
                raise BrokenError(f"{question}: {found['total_count']} found instead of {wanted['total_events']}")

    @staticmethod
    def _filters(text: str) -> list[dict[str, Any]]:
        return [
            {"field": "p", "operator": "is", "value": text},
            {"field": text, "operator": "exists"},
            {"field": text, "operator": "is not", "value": text},
            {"field": "p", "operator": "contains", "value": text},
            {"field": "p", "operator": "not starts with", "value": text},
            {"field": "arcanna.original_id", "operator": "is one of", "value": [text, "e2"]},
            {"field": "p", "operator": text, "value": text},
            {"field": "p", "operator": "gte", "value": text},
            {"field": text, "operator": "not contains", "value": "e"},
        ]

    def placed(self, text: str, turn: int) -> None:
        """In one of all other places that read.

        Raises:
            BrokenError: it found what is not there, or not what is there.
        """
        places = (self._dated, self._named, self._named_event, self._told_apart, self._headed)
        places[turn % len(places)](text, turn // len(places))

    def _dated(self, text: str, turn: int) -> None:
        if text == "" or instant(text) is not None or instant(text.strip()) is not None:
            return
        method, path, body = (
            ("POST", f"/api/v2/metrics/job?job_id={self.job}&start_datetime={part(text)}", None),
            ("POST", f"/api/v2/metrics/job?job_id={self.job}&end_datetime={part(text)}", None),
            ("POST", f"/api/v2/metrics/job?job_id={self.job}&truth={part(text)}", None),
            ("POST", f"/api/v2/jobs/{self.job}/report?as_of={part(text)}", None),
            ("POST", f"/api/v2/jobs/{self.job}/report?interval={part(text)}", None),
            ("POST", "/api/v2/events/query", {"job_ids": self.job, "start_date": text}),
            ("POST", "/api/v2/events/query", {"job_ids": self.job, "date_field": text}),
            ("POST", "/api/v2/events/query", {"job_ids": self.job, "sort_order": text}),
        )[turn % 8]
        self.server.expect(_UNREADABLE, method, path, body)

    def _named(self, text: str, turn: int) -> None:
        if text.strip().strip("/.") == "" or text.strip().isdigit():
            return
        method, path, body = (
            ("POST", f"/api/v2/metrics/job?job_id={part(text)}", None),
            ("POST", "/api/v1/jobs/get_by_name", {"job_name": text}),
            ("POST", "/api/v2/events/query", {"job_titles": text}),
            ("POST", "/api/v2/filters/fields_mapping", {"job_ids": text}),
            ("GET", f"/api/v2/metrics/model?job_id={self.job}&model_id={part(text)}", None),
            ("GET", f"/api/v2/jobs/{part(text)}", None),
            ("GET", f"/api/v2/jobs/{self.job}/audit/draws/{part(text)}", None),
            ("GET", f"/api/v2/resources?resource_type=job&title={part(text)}", None),
            ("GET", f"/api/v2/resources?resource_type={part(text)}", None),
        )[turn % 9]
        answer = self.server.ask(method, path, body)
        if answer.status not in {_NOT_FOUND, _UNREADABLE} and answer.body != b"[]":
            raise BrokenError(f"{method} {path} {body!r} answered {answer.status}: {answer.body[:300]!r}")

    def _named_event(self, text: str, turn: int) -> None:
        known = any(sent.event_id == text for sent in self.told.sent)
        if turn % 2:
            answer = self.server.ask("GET", f"/api/v1/events/{self.job}/{part(text)}")
            if known and "/" not in text and answer.json.get("event_id") != text:
                raise BrokenError(f"the event {text!r} was answered {answer.status}: {answer.body[:300]!r}")
            return
        found = self.server.expect(200, "POST", "/api/v2/events/query", {"job_ids": self.job, "event_ids": [text]}).json
        if found["total_count"] != known:
            raise BrokenError(f"{found['total_count']} events {text!r} instead of {int(known)}")

    def _told_apart(self, text: str, turn: int) -> None:
        path = f"/api/v2/jobs/{self.job}/report"
        if turn % 4 == 0:
            grouped = self.server.ask("POST", f"{path}?group_by={part(text)}")
            if grouped.status == _WELL and text:
                total = sum(map(_events_of, _groups(grouped.json["groups"])))
                if total != self.events:
                    raise BrokenError(f"grouped by {text!r} there are {total} events instead of {self.events}")
        elif turn % 4 == 1:
            answer = self.server.ask(
                "POST", "/api/v2/events/query", {"job_ids": self.job, "sort_by_column": text, "size": 3}
            )
            if answer.status == _WELL and answer.json["total_count"] != self.events:
                raise BrokenError(f"sorted by {text!r} there are {answer.json['total_count']} events")
        elif turn % 4 == 2:  # noqa: PLR2004
            self.server.ask("POST", f"{path}?also=models&first_model={part(text)}&second_model=m1")
        else:
            query = f"job_ids={self.job}&aggregation_time_interval={part(text)}"
            self.server.ask("POST", f"/api/v2/metrics/internal_metrics?{query}")

    def _headed(self, text: str, turn: int) -> None:
        names = ("X-Arcanna-Api-Key", "X-Request-Id", "Content-Type", "Accept", "Cookie", "Origin", "Host")
        name = names[turn % len(names)]
        try:
            answer = self.server.ask("GET", "/api/v2/token/scopes", headers={name: text.encode()})
        finally:
            self.server.wire.close()  # what is left of it may look like a request of its own
        if name == "X-Arcanna-Api-Key" and answer.status not in {400, 401}:
            raise BrokenError(f"the key {text!r} was answered {answer.status}")


def _groups(groups: dict[str, Any]) -> list[dict[str, Any]]:
    return [*groups["values"], groups["other_values"], groups["without_value"]]


def _events_of(group: dict[str, Any]) -> int:
    return int(group["policies"]["reviewed"]["overall"]["total"]["events"])
