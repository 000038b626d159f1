"""The ancestor's own two calls: JSON or XML in, the policy alone out, its premium as a number.

https://github.com/aws-samples/aws-step-functions-business-rules-orchestration
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel, ValidationError

from service.core import exact_json
from service.evaluations import xml
from service.evaluations.flow import EvaluatedCall
from service.evaluations.schemas import EvaluationRequest
from service.http import (
    JSON,
    Content,
    FieldError,
    Format,
    Problem,
    ProblemType,
    Writer,
    invalid,
    invalid_model,
    json_document,
)

RULESET = "premium"
XML = "application/xml"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as it was read, and the JSON that the audit keeps of it."""

    asked: EvaluationRequest
    raw_data: str


Shape = Callable[[Mapping[str, object]], EvaluationRequest]
"""Makes the request of a document's members; raises ValidationError."""


def wrapped(members: Mapping[str, object]) -> EvaluationRequest:
    """`{"context": …, "request": …}`."""
    return EvaluationRequest.model_validate(members)


def bare(members: Mapping[str, object]) -> EvaluationRequest:
    """The facts alone, as the ancestor's rule service takes them."""
    return EvaluationRequest(request=members)


def either(members: Mapping[str, object]) -> EvaluationRequest:
    """An `<InsuranceRequest>` by itself, or one inside of `<request>` beside a `<context>`."""
    return wrapped(members) if "request" in members else bare(members)


def formats(json_shape: Shape, xml_shape: Shape, described_as: type[BaseModel]) -> tuple[Format, ...]:
    """The media types that the two calls read."""

    def read_json(raw: bytes) -> ReceivedRequest:
        return ReceivedRequest(_shaped(json_document(raw), json_shape), raw.decode("utf-8", "replace"))

    def read_xml(raw: bytes) -> ReceivedRequest:
        members = _xml_document(raw)
        return ReceivedRequest(_shaped(members, xml_shape), exact_json.dumps(members))

    return (
        Format(JSON, read_json, described_as),
        Format(XML, read_xml),
        Format("text/xml", read_xml),
    )


def writers() -> tuple[Writer, ...]:
    """The media types beside JSON that they answer in."""
    return (Writer(XML, _as_xml), Writer("text/xml", _as_xml))


def policy(evaluated: EvaluatedCall) -> Mapping[str, object]:
    """What the ancestor answers: the policy's id and premium."""
    answer = evaluated.result.get("policy")
    members = answer if isinstance(answer, Mapping) else {}
    return {"id": members.get("id"), "premium": as_double(str(members.get("premium", "0")))}


def as_double(text: str) -> Decimal:
    """A decimal with the digits that Java prints of a double: `360.0`, `330.25`."""
    whole, _, fraction = f"{Decimal(text):f}".partition(".")
    return Decimal(f"{whole}.{fraction.rstrip('0') or '0'}")


def _shaped(document: object, shape: Shape) -> EvaluationRequest:
    if not isinstance(document, dict):
        raise invalid([FieldError("", "must be an object")])
    try:
        return shape(document)
    except ValidationError as error:
        raise invalid_model(error) from error


def _xml_document(raw: bytes) -> Mapping[str, object]:
    try:
        return xml.loads(raw)
    except xml.NotXml as error:
        raise Problem(ProblemType.MALFORMED_XML, f"The body cannot be read as XML: {error}.") from error


def _as_xml(content: Content) -> str:
    assert isinstance(content, Mapping), "only the policy is answered in XML"
    return xml.dumps("policy", content)
