"""What every HTTP call of Tocsin shares. A feature's `routes.py` needs nothing of HTTP but this:

def blueprint(incidents: Incidents) -> Blueprint:
    routes = Blueprint("incidents", __name__)

    @endpoint(routes, "POST", "/v1/incidents", summary="Open an incident", scope=Scope.INCIDENTS,
              body=IncidentRequest, answers={201: IncidentShown, 200: IncidentShown}, creates=True)
    def open_incident(body: IncidentRequest, caller: Caller) -> Answer: ...

    return routes
"""

from service.http import lists, person_page, request_ids
from service.http.callbacks import describe_callback
from service.http.caller import Caller
from service.http.catalogue import ProblemType
from service.http.endpoint import Endpoint, EndpointCall, check_scopes, endpoint
from service.http.formats import (
    ANYTHING,
    JSON,
    Answer,
    Content,
    Format,
    Reply,
    Writer,
    encode,
    json_document,
    json_of,
    text_of,
    texts_of,
)
from service.http.idempotency import attempt
from service.http.keys import ApiKey, Keys, UnknownKey
from service.http.model_errors import described
from service.http.models import (
    Body,
    CallerReference,
    Choice,
    Cursor,
    DescribedAs,
    Exact,
    Instant,
    Limit,
    NotBlank,
    OneOfWords,
    Planned,
    Query,
    Shown,
    TextPattern,
    shown_by,
)
from service.http.person_page import Button, PersonPage
from service.http.plumbing import BODY_LIMIT, plumbing
from service.http.problems import FieldError, Problem, conflict, invalid, invalid_model, not_found
from service.http.readiness import Check
from service.http.request_ids import adopt_request_id
from service.http.server import install

__all__ = [
    "ANYTHING",
    "BODY_LIMIT",
    "JSON",
    "Answer",
    "ApiKey",
    "Body",
    "Button",
    "Caller",
    "CallerReference",
    "Check",
    "Choice",
    "Content",
    "Cursor",
    "DescribedAs",
    "Endpoint",
    "EndpointCall",
    "Exact",
    "FieldError",
    "Format",
    "Instant",
    "Keys",
    "Limit",
    "NotBlank",
    "OneOfWords",
    "PersonPage",
    "Planned",
    "Problem",
    "ProblemType",
    "Query",
    "Reply",
    "Shown",
    "TextPattern",
    "UnknownKey",
    "Writer",
    "adopt_request_id",
    "attempt",
    "check_scopes",
    "conflict",
    "describe_callback",
    "described",
    "encode",
    "endpoint",
    "install",
    "invalid",
    "invalid_model",
    "json_document",
    "json_of",
    "lists",
    "not_found",
    "person_page",
    "plumbing",
    "request_ids",
    "shown_by",
    "text_of",
    "texts_of",
]
