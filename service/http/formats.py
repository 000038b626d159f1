"""How bodies are read and answers written, by media type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MIMEAccept

from service.core import NotJson, exact_json
from service.http.catalogue import ProblemType
from service.http.problems import Problem, invalid_model

JSON = "application/json"
ANYTHING = "*/*"

Content = BaseModel | Mapping[str, object] | Sequence[object] | str | bytes | None
"""What a view answers: a model or a JSON document, or text and bytes of a media type that it names."""


@dataclass(frozen=True, slots=True)
class Format:
    """One media type in which a body may come.

    `read` makes what the view gets as `body`; it raises `Problem` for what it cannot read. `schema`, and those that the
    same call also takes, `also`, are for the description of the API.
    """

    media_type: str
    read: Callable[[bytes], object]
    schema: type[BaseModel] | None = None
    also: tuple[type[BaseModel], ...] = ()

    @property
    def schemas(self) -> tuple[type[BaseModel], ...]:
        """The shapes that a body may have."""
        return () if self.schema is None else (self.schema, *self.also)

    def suits(self, media_type: str) -> bool:
        """Whether a body of this media type (lower case, no parameters) is for this format."""
        wildcard = self.media_type == ANYTHING
        suffixed = self.media_type == JSON and media_type.endswith("+json")
        return wildcard or suffixed or media_type == self.media_type


@dataclass(frozen=True, slots=True)
class Writer:
    """A media type beside JSON in which an answer can be given to callers whose `Accept` asks for it."""

    media_type: str
    write: Callable[[Content], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view answers when there is more to say than a model.

    Without `status` it is the first that the endpoint declares. `media_type` is for text and bytes.
    """

    content: Content = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None


Reply = Answer | Content


def json_document(raw: bytes) -> object:
    """The body as a JSON document with exact numbers, or 400."""
    try:
        return exact_json.loads(raw)
    except NotJson as error:
        raise Problem(ProblemType.MALFORMED_JSON, f"The body cannot be read as JSON: {error}.") from error


def json_of(model: type[BaseModel], *also: type[BaseModel]) -> Format:
    """JSON that fits a model, else 400 or 422. `also` are the shapes that the model itself reads as its own."""

    def read(raw: bytes) -> object:
        try:
            return model.model_validate(json_document(raw))
        except ValidationError as error:
            raise invalid_model(error, model) from error

    return Format(JSON, read, model, also)


def text_of(media_type: str = ANYTHING) -> Format:
    """UTF-8 text, such as a rule file, as `str`, else 400."""

    def read(raw: bytes) -> object:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            detail = f"The body is not UTF-8 text: byte {error.start} does not belong there."
            raise Problem(ProblemType.BAD_REQUEST, detail) from error

    return Format(media_type, read)


def texts_of(*media_types: str) -> tuple[Format, ...]:
    """UTF-8 text, whatever media type its sender names; the description says these."""
    return tuple(text_of(media_type) for media_type in (*media_types, ANYTHING))


def choose_reader(formats: Sequence[Format], media_type: str) -> Format:
    """The format for a body's media type, or 415 with what would do."""
    for accepted_format in formats:
        if accepted_format.suits(media_type):
            return accepted_format
    accepted = " or ".join(accepted_format.media_type for accepted_format in formats)
    sent = f"not {media_type}" if media_type else "the request has no Content-Type"
    raise Problem(
        ProblemType.UNSUPPORTED_MEDIA_TYPE,
        f"This call reads {accepted}; {sent}.",
        headers={"Accept": ", ".join(accepted_format.media_type for accepted_format in formats)},
    )


def choose_writer(writers: Sequence[Writer], accept: MIMEAccept, sent: str) -> Writer | None:
    """The writer to answer with, None for JSON: what `Accept` prefers, else the media type that was sent."""
    if not writers:
        return None
    offered = [JSON, *(writer.media_type for writer in writers)]
    preferred = sorted(offered, key=lambda media_type: media_type != sent)
    chosen = accept.best_match(preferred) if accept.provided else preferred[0]
    if chosen is None:
        raise Problem(ProblemType.NOT_ACCEPTABLE, f"This call answers {' or '.join(offered)}.")
    return next((writer for writer in writers if writer.media_type == chosen), None)


def encode(answer: Answer, writer: Writer | None) -> tuple[str | bytes, str]:
    """An answer's body and media type. Decimals of models are texts with their digits, those of documents numbers."""
    content = answer.content
    if content is None:
        return "", answer.media_type or JSON
    if isinstance(content, str | bytes):
        return content, answer.media_type or "text/plain; charset=utf-8"
    if writer is not None:
        return writer.write(content), writer.media_type
    if isinstance(content, BaseModel):
        return content.__pydantic_serializer__.to_json(content, by_alias=True), JSON
    return exact_json.readable(content), JSON
