"""Every error that the HTTP API can answer, in one place; docs/errors.md lists the same ones (a test compares them)."""

from __future__ import annotations

from enum import Enum


class ProblemType(Enum):
    """A kind of problem (RFC 9457 §3.1.1): HTTP status, title, and what the caller should do.

    Its `type` is `/problems/<name>`, which never changes and shows the advice when it is opened.
    """

    MALFORMED_JSON = (400, "The body is not JSON", "Send one JSON document (RFC 8259) in UTF-8; no name twice, no NaN.")
    MALFORMED_XML = (400, "The body is not XML", "Send one well-formed XML document without a DTD or entities.")
    BAD_REQUEST = (400, "The request cannot be read", "Correct what `detail` names; repeating it unchanged is useless.")
    UNAUTHENTICATED = (
        401,
        "No valid API key",
        "Send `Authorization: Bearer <key>`. `tocsin keys create` makes a key; a revoked one never works again.",
    )
    MISSING_SCOPE = (403, "The key lacks a scope", "Use a key that has the scope which `detail` names.")
    FORBIDDEN = (403, "Not allowed", "The detail says which setting or sender would allow it.")
    NOT_FOUND = (404, "Not found", "Check the path and the id; `/docs` lists every call.")
    METHOD_NOT_ALLOWED = (405, "Method not allowed", "Use one of the methods in the `Allow` header.")
    NOT_ACCEPTABLE = (406, "No such representation", "Accept one of the media types that `/docs` lists for this call.")
    REQUEST_TIMEOUT = (408, "The request took too long to arrive", "Send it again, all of it within 20 seconds.")
    CONFLICT = (409, "It is not in a state for this", "Read it again, and decide again with what it is now.")
    IN_PROGRESS = (
        409,
        "The first request with this key is still in progress",
        "Wait for `Retry-After` seconds and send the same request with the same `Idempotency-Key`.",
    )
    SAME_PERSON = (
        409,
        "Somebody else has to approve it",
        "Ask somebody whose key is another one; you may still reject what you proposed.",
    )
    PRECONDITION_FAILED = (412, "Somebody else changed it first", "Look at the other change, then send yours again.")
    TOO_LARGE = (413, "The body is too large", "Send less at a time; the limit is in `detail`.")
    ADDRESS_TOO_LONG = (
        414,
        "The address is too long",
        "Send less in the query; a request line has at most 8,190 bytes.",
    )
    UNSUPPORTED_MEDIA_TYPE = (415, "Unsupported media type", "Set `Content-Type` to one of those that `detail` lists.")
    INVALID = (422, "The request does not fit", "Correct each path in `errors`.")
    KEY_REUSED = (
        422,
        "The idempotency key belongs to another request",
        "Use a new `Idempotency-Key` for every new request; keep it only when you repeat the very same one.",
    )
    PRECONDITION_REQUIRED = (428, "`If-Match` is required", 'Send `If-Match: "<sha256 of the version you edited>"`.')
    TOO_MANY_REQUESTS = (429, "Too many requests", "Wait for `Retry-After` seconds.")
    HEADERS_TOO_LARGE = (
        431,
        "The header fields are too large",
        "Send at most 60 header fields, each of at most 8,190 bytes, and 64 KiB together.",
    )
    INTERNAL_ERROR = (
        500,
        "Something went wrong here",
        "Repeat it with the same `Idempotency-Key`; if it stays, report the request id, under which it is logged.",
    )
    UNAVAILABLE = (
        503,
        "A part that is needed does not answer",
        "Wait for `Retry-After` seconds and repeat it, with the same `Idempotency-Key` if it creates.",
    )

    def __init__(self, status: int, title: str, advice: str) -> None:
        self.status = status
        self.title = title
        self.advice = advice

    @property
    def slug(self) -> str:
        """The name in the `type`: `missing-scope`."""
        return self.name.lower().replace("_", "-")

    @property
    def uri(self) -> str:
        """The `type` member: a path on this server."""
        return f"/problems/{self.slug}"
