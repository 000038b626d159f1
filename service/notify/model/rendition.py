"""The texts of a notification in one language, each stamped with where it came from. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.channels import MAX_SPOKEN
from service.core import Tag, parse_tag
from service.language import AUTHOR, CATALOGUE, SOURCE
from service.messages import NO_FOOT, Form, MailFooter, Template, markup, parse_form, render
from service.notify.model.notification import DigestPiece, SourceMessage


@dataclass(frozen=True, slots=True)
class Texts:
    """Every text of a message in one language.

    `said` maps each source text to what is said instead, `provenance` to `source`, `catalogue` or
    `machine:<engine>`, `waiting_for` to the id of the translation that somebody has to supply: until then nothing of
    it is sent. `written_in` is the language the texts are really in: readers of `es-MX` may be given `es`.
    `drafts` are what a machine says of texts that wait for a person.
    """

    notification_id: str
    language: str
    written_in: str
    said: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    waiting_for: Mapping[str, str] = field(default_factory=dict)
    drafts: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> frozenset[str]:
        """Ids of the translations it waits for."""
        return frozenset(self.waiting_for.values())

    @property
    def is_complete(self) -> bool:
        """Whether it can be sent."""
        return not self.waiting_for

    @property
    def stamp(self) -> str:
        """The provenance of the whole message: one text of a machine makes all of it a machine's."""
        stamps = set(self.provenance.values())
        machines = sorted(stamps - {SOURCE, CATALOGUE, AUTHOR})
        return next((stamp for stamp in (*machines, CATALOGUE, AUTHOR) if stamp in stamps), SOURCE)


def texts_id(notification_id: str, language: str) -> str:
    """The id of the texts of a notification in one language."""
    return f"{notification_id}-r-{language}"


def template_of(message: SourceMessage) -> Template:
    """The message as a template in its source language."""
    return Template(
        name=message.template or "",
        language=parse_tag(message.language),
        sms=parse_form(message.sms),
        subject=None if message.subject is None else parse_form(message.subject),
        html=message.html,
        voice=None if message.voice is None else parse_form(message.voice),
    )


def message_of(
    template: Template,
    variables: Mapping[str, object],
    translations: Mapping[str, Mapping[str, str]] | None = None,
    reply_to: str | None = None,
    attachments: tuple[str, ...] = (),
) -> SourceMessage:
    """The texts of a template as they are now, which the notification keeps; the author's own words come first."""
    return SourceMessage(
        language=str(template.language),
        sms=template.sms.source,
        subject=None if template.subject is None else template.subject.source,
        html=template.html,
        voice=None if template.voice is None else template.voice.source,
        template=template.name or None,
        digest=template.digest,
        variables=variables,
        translations=translations or {},
        reply_to=reply_to or template.reply_to,
        attachments=attachments,
    )


def rendition_of(message: SourceMessage, texts: Texts, foot: MailFooter | None = None) -> render.Rendition:
    """The message in the texts' language, for every channel, its slots still open."""
    return render.rendition(template_of(message), parse_tag(texts.written_in), texts.stamp, texts.said, foot)


def gathered_rendition(message: SourceMessage, foot: MailFooter | None = None) -> render.Rendition:
    """A digest for every channel. What people wrote into its pieces is no slot of ours; the foot has one."""
    pieces, language = list(message.gathered.values()), parse_tag(message.language)
    whole = "\n\n".join(piece.text.strip() for piece in pieces)
    foot = foot if message.html is None else None  # HTML of its own says itself how to leave
    document = _letter(language, pieces, foot) if message.html is None else _gathered_in(message.html, pieces)
    heading = _heading(pieces)
    return render.Rendition(
        language,
        SOURCE,
        sms=Form((gathered_text(pieces),)),
        subject=None if heading is None else Form((heading,)),
        html=_with_link_to_leave(document) if foot else Form((document,)),
        plain=_with_link_to_leave(whole + foot.plain) if foot else Form((whole,)),
        voice=Form((gathered_text(pieces, MAX_SPOKEN),)),
    )


def _letter(language: Tag, pieces: Sequence[DigestPiece], foot: MailFooter | None) -> str:
    """All pieces in our own layout, each below its heading."""
    below = foot or NO_FOOT
    body = "\n".join(_section(piece) for piece in pieces)
    return markup.inlined(markup.letter(language, "", body, foot=below.lines, leave=below.leave))


def _gathered_in(document: str, pieces: Sequence[DigestPiece]) -> str:
    """All pieces in the document of their template; one whose HTML had no room is laid out from its text."""
    bodies = (_section(piece) if piece.html is None else piece.html for piece in pieces)
    return markup.with_body(document, "\n<hr>\n".join(bodies))


def _section(piece: DigestPiece) -> str:
    heading = f"<h2>{html.escape(piece.heading, quote=False)}</h2>\n" if piece.heading else ""
    return heading + markup.paragraphs(piece.text)


def _with_link_to_leave(text: str) -> Form:
    """A text whose last mention of the link is its slot."""
    before, slot, after = text.rpartition(markup.UNSUBSCRIBE_SLOT)
    return Form((before, *parse_form(slot).parts, after))


def gathered_text(pieces: Iterable[DigestPiece], limit: int = render.MAX_SMS) -> str:
    """All pieces in one text of at most `limit` characters, each text once; those that no longer fit are counted."""
    texts = list(dict.fromkeys(piece.text.strip() for piece in pieces))
    whole = "\n\n".join(texts)
    if len(whole) <= limit:
        return whole
    room = limit - len("\n\n(+999)")
    fitting = [number for number in range(1, len(texts)) if len("\n\n".join(texts[:number])) <= room]
    shown = max(fitting, default=1)
    left = len(texts) - shown
    text = "\n\n".join(texts[:shown])
    cut = text if len(text) <= room else text[: room - 2] + " …"
    return f"{cut}\n\n(+{left})" if left else cut


def _heading(pieces: Sequence[DigestPiece]) -> str | None:
    headings = [piece.heading for piece in pieces if piece.heading]
    if not headings:
        return None
    return headings[0] if len(pieces) == 1 else f"{headings[0]} (+{len(pieces) - 1})"
