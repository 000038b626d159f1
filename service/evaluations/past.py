"""Evaluations of the past: what the audit and the outcomes' items say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.audit import EntryType
from service.core import exact_json
from service.decide import ActionRefused, FactsRefused, NotUnique, explain
from service.escalate import incident_id, record_of
from service.evaluations.outcomes import REVIEWS
from service.evaluations.schemas import OutcomeState, PastEvaluation, RulesetNamed, ShownOutcome
from service.http import not_found
from service.notify import notification_of
from service.rulesets import (
    ActiveVersions,
    Reader,
    RecordedRequest,
    UnknownRuleset,
    UnknownVersion,
    VersionDoesNotCompile,
    computed_facts,
    facts_of,
    recorded_request,
)
from service.storage import AuditEntry, AuditQuery, AuditText, Item, Store
from service.work import INDEX as DEAD

MOST_OUTCOMES = 99
"""Outcomes that are looked up of one evaluation."""


class PastEvaluations:
    """Reads evaluations that were answered."""

    def __init__(self, live: ActiveVersions, store: Store) -> None:
        self._live = live
        self._store = store

    def read(self, evaluation_id: str, *, explain: bool) -> PastEvaluation:
        """An evaluation by its id; 404 for one that was never answered."""
        answer = self._store.audit_entry(f"{evaluation_id}-2")
        asked = None if answer is None else self._asked(answer)
        if answer is None or asked is None:
            raise not_found(f"There is no evaluation {evaluation_id!r} that was answered.")
        return PastEvaluation(
            evaluation_id=evaluation_id,
            request_id=answer.request_id,
            app=answer.app,
            via=str(answer.detail.get("via", "")),
            asked_at=asked.at,
            answered_at=answer.at,
            ruleset=RulesetNamed.model_validate({key: answer.detail[key] for key in ("name", "version", "sha256")}),
            fired=_texts(answer.detail.get("fired")),
            request=_document(asked.raw_data),
            answer=_document(answer.raw_data),
            outcomes=tuple(self._outcomes(evaluation_id)),
            explanation=self._explained(asked, answer) if explain else None,
        )

    def _asked(self, answer: AuditEntry) -> AuditEntry | None:
        """The request's own entry: several requests may have come under one request id."""
        query = AuditQuery(request_id=answer.request_id, entry_type=EntryType.REQUEST, newest_first=True)
        evaluation_id = answer.detail.get("evaluation_id")
        page = self._store.audit_entries(query)
        while True:
            for entry in page.items:
                if entry.detail.get("evaluation_id") == evaluation_id:
                    return entry
            if page.cursor is None:
                return None
            page = self._store.audit_entries(query, cursor=page.cursor)

    def _outcomes(self, evaluation_id: str) -> Iterator[ShownOutcome]:
        wanted = [f"{evaluation_id}-{number}" for number in range(1, MOST_OUTCOMES + 1)]
        stored = self._store.get_many(wanted)
        items = [stored[item_id] for item_id in wanted if item_id in stored]
        made = [name for item in items if (name := _made_by(item)) is not None]
        became = self._store.get_many(made) if made else {}
        for item in items:
            outcome = item.state.get("outcome")
            shown = outcome if isinstance(outcome, Mapping) else {}
            yield ShownOutcome(id=item.id, outcome=shown, state=_state(item), **self._became(item, became))

    def _became(self, item: Item, became: Mapping[str, Item]) -> Mapping[str, Any]:
        """What an outcome has become, as members of `ShownOutcome`."""
        match item.kind:
            case "outcome-review":
                review = item.state.get("review")
                return {"review": review, "status": review["decision"]} if isinstance(review, Mapping) else {}
            case "outcome-notify":
                sent = became.get(f"{item.id}-n")
                return {} if sent is None else {"notification_id": sent.id, "status": notification_of(sent).status}
            case "outcome-incident":
                opened = became.get(incident_id(item.id))
                state = None if opened is None else record_of(opened).incident.state.name
                return {} if state is None else {"incident_id": item.id, "status": state}
            case _:
                members = [
                    name for name in ("emitted", "not_emitted") if name in item.state or f"{name}_at" in item.state
                ]
                return {"status": members[0]} if members else {}

    def _explained(self, asked: AuditEntry, answer: AuditEntry) -> Mapping[str, object] | None:
        """Why, by the version that decided; None if it is gone, or the request cannot be read by it any more."""
        request = recorded_request(_text_of(asked), computed_facts(answer))
        number = answer.detail.get("version")
        if request is None or answer.ruleset is None or not isinstance(number, int):
            return None
        try:
            return self._explanation(answer.ruleset, number, request)
        except (UnknownRuleset, UnknownVersion, VersionDoesNotCompile, FactsRefused, ActionRefused, NotUnique):
            return None

    def _explanation(self, ruleset: str, number: int, request: RecordedRequest) -> Mapping[str, object]:
        serving = self._live.version(ruleset, number)
        given = facts_of(serving.ruleset, Reader(serving.ruleset), request)
        return explain.explain(serving.ruleset, given, serving.compiled.decide(given)).as_json()


def _made_by(item: Item) -> str | None:
    """The id of the notification or the incident that an outcome leads to."""
    match item.kind:
        case "outcome-notify":
            return f"{item.id}-n"
        case "outcome-incident":
            return incident_id(item.id)
        case _:
            return None


def _state(item: Item) -> OutcomeState:
    if DEAD in item.keys:
        return OutcomeState.DEAD
    if REVIEWS.items() <= item.keys.items():
        return OutcomeState.WAITS_FOR_REVIEW
    return OutcomeState.DONE if item.due_at is None else OutcomeState.WAITS


def _document(raw: str) -> object:
    """A recorded body as JSON; XML and what cannot be read as the text it was."""
    try:
        return exact_json.stored(raw)
    except (ValueError, ArithmeticError, RecursionError):
        return raw


def _text_of(entry: AuditEntry) -> AuditText:
    detail = exact_json.dumps(entry.detail)
    return AuditText(entry.audit_id, entry.request_id, int(entry.at.timestamp() * 1_000_000), entry.raw_data, detail)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
