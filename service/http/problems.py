"""Refusals as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response
from pydantic import BaseModel, ValidationError

from service.core import TocsinError, exact_json
from service.http import model_errors
from service.http.catalogue import ProblemType

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong: where (`contacts[0].phone`, empty for the whole body) and what."""

    path: str
    message: str


class Problem(TocsinError):
    """A request is refused; raise it anywhere below an endpoint.

    `detail` is for the person who sent the request; `members` are extension members of the document (RFC 9457 §3.2).
    """

    def __init__(
        self,
        type_: ProblemType,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.type = type_
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def document(self) -> Mapping[str, object]:
        """The problem as the JSON object that the caller gets."""
        return {
            "type": self.type.uri,
            "title": self.type.title,
            "status": self.type.status,
            "detail": self.detail,
            "errors": [{"path": error.path, "message": error.message} for error in self.errors],
            **self.members,
        }

    def response(self) -> Response:
        """The problem as an HTTP response."""
        text = exact_json.readable(self.document())
        return Response(text, self.type.status, headers=self.headers, content_type=MEDIA_TYPE)


def not_found(what: str) -> Problem:
    """404 with one sentence: `not_found("There is no ruleset 'premum'.")`."""
    return Problem(ProblemType.NOT_FOUND, what)


def conflict(why: str) -> Problem:
    """409 with one sentence."""
    return Problem(ProblemType.CONFLICT, why)


def invalid(errors: Sequence[FieldError], detail: str | None = None) -> Problem:
    """422 naming every path that does not fit."""
    first = "; ".join(f"{error.path or 'the body'} {error.message}".removesuffix(".") for error in errors[:3])
    more = f", and {len(errors) - 3} more" if len(errors) > 3 else ""
    return Problem(ProblemType.INVALID, detail or f"Does not fit: {first}{more}.", errors=errors)


def invalid_model(error: ValidationError, model: type[BaseModel] | None = None) -> Problem:
    """422 from the errors of pydantic. With `model`, an unknown name gets a "did you mean"."""
    known = [] if model is None else [field.alias or name for name, field in model.model_fields.items()]
    return invalid([FieldError(path, message) for path, message in model_errors.described(error, known)])
