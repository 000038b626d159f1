"""From a template and translations to renditions, one for each language, and from those to what each person gets."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property, lru_cache

from service.channels import MAX_SPOKEN, SIGNATURE_MARK, text_above_signature
from service.core import Tag, TocsinError, with_plain_blanks
from service.messages import html_texts, markup, speech
from service.messages.forms import Form, parse_form
from service.messages.plain_sms import plain
from service.messages.segments import Segments, segments_of
from service.messages.templates import Template

MAX_SMS = 1_600
"""Characters of one SMS text
(https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html)."""

MAX_HTML = 512 * 1024
"""Characters of one email's HTML."""

_PREHEADER = 140
"""Characters that lists of mails show behind a subject; a longer line is left to the mail program."""

_SUBJECT_FROM_TEXT = 78
"""Characters of a subject that is made from the text: what RFC 5322 advises for a line."""


class TooLong(TocsinError):
    """A filled text over what its channel carries."""


@dataclass(frozen=True)
class Rendition:
    """A message in one language, for every channel, its slots still open; `provenance` says who wrote the words."""

    language: Tag
    provenance: str
    sms: Form
    subject: Form | None
    html: Form
    plain: Form
    voice: Form
    in_frame: bool = False
    """Whether its HTML is laid out by us, and not by a template's author."""

    @cached_property
    def names(self) -> frozenset[str]:
        """The variables that any channel's form of it reads."""
        forms = (self.sms, self.subject, self.html, self.plain, self.voice)
        return frozenset[str]().union(*(form.names for form in forms if form is not None))


@dataclass(frozen=True, slots=True)
class MailFooter:
    """What stands below a bulk mail that we lay out: who sends it, and what the link is called that ends it."""

    sender: str
    leave: str

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands above the link."""
        return (self.sender,) if self.sender else ()

    @property
    def plain(self) -> str:
        """As plain text, below a signature mark."""
        lines = (*self.lines, f"{self.leave}: {markup.UNSUBSCRIBE_SLOT}")
        return "\n".join(("\n", SIGNATURE_MARK, *lines, ""))


NO_FOOT = MailFooter("", "")


@dataclass(frozen=True, slots=True)
class EmailText:
    """What an email says."""

    subject: str
    html: str
    text: str


class FilledText:
    """A rendition with the values of one reader, as channels ask for it (`service.channels.channel_type.Words`)."""

    def __init__(
        self,
        rendition: Rendition,
        variables: Mapping[str, object],
        zone: tzinfo | None = None,
        *,
        sms_plain: bool = True,
    ) -> None:
        self.rendition = rendition
        self.variables = variables
        self.zone = zone
        self.sms_plain = sms_plain

    @property
    def language(self) -> Tag:
        """The language that it is written in."""
        return self.rendition.language

    def brief(self) -> str:
        """As an SMS; `NotFilled` or `TooLong`."""
        return sms_text(self.rendition, self.variables, self.zone, cheap=self.sms_plain)

    def note(self) -> str:
        """As plain text; `NotFilled` or `TooLong`."""
        return sms_text(self.rendition, self.variables)

    def letter(self) -> EmailText:
        """As an email; `NotFilled` or `TooLong`."""
        return email_text(self.rendition, self.variables, self.zone)

    def spoken(self) -> str:
        """As it is read out; `NotFilled` or `TooLong`."""
        return voice_text(self.rendition, self.variables, self.zone)


@dataclass(frozen=True, slots=True)
class TemplatePreview:
    """Everything a person would get, for the author to look at."""

    language: Tag
    sms: str
    segments: Segments
    email: EmailText
    voice: str


def rendition(
    template: Template, language: Tag, provenance: str, translated: Mapping[str, str], foot: MailFooter | None = None
) -> Rendition:
    """The template in `language`; `translated` maps each of `template.texts` to its translation.

    `foot` stands below a letter of our own layout; a template's own HTML says `{{ unsubscribe_url }}` where it likes.

    The work of a rendition (styles, plain text) is done once for a language, not once for a person.
    """

    def said(form: Form) -> Form:
        return parse_form(translated.get(form.source, form.source), "translation")

    sms = said(template.sms)
    subject = said(template.subject) if template.subject is not None else None
    in_frame = template.html is None
    document = markup.inlined(_document(template, language, sms, subject, translated, foot))
    plain = sms.source + (foot.plain if foot is not None else "") if in_frame else markup.plain_text(document)
    voice = said(template.voice) if template.voice is not None else sms
    return Rendition(language, provenance, sms, subject, parse_form(document), parse_form(plain), voice, in_frame)


def sms_text(
    what: Rendition, variables: Mapping[str, object], zone: tzinfo | None = None, *, cheap: bool = True
) -> str:
    """The SMS; `NotFilled`, or `TooLong` over `MAX_SMS` characters.

    `zone` is where the reader lives; `cheap` replaces what costs and says nothing (TOCSIN_SMS_PLAIN).
    """
    filled = what.sms.fill(variables, what.language, markup.written_plainly, zone)
    text = (plain(filled) if cheap else with_plain_blanks(filled)).strip()
    return _at_most(MAX_SMS, text, "SMS")


def email_text(what: Rendition, variables: Mapping[str, object], zone: tzinfo | None = None) -> EmailText:
    """The email, values escaped in its HTML; `NotFilled` or `TooLong`."""
    written = markup.written_in_frame if what.in_frame else markup.written_safely
    document = what.html.fill(variables, what.language, written, zone)
    plain_part = what.plain.fill(variables, what.language, markup.written_plainly, zone)
    subject = (
        what.subject.fill(variables, what.language, zone=zone)
        if what.subject is not None
        else _first_words(text_above_signature(plain_part))
    )
    return EmailText(subject, _at_most(MAX_HTML, document, "email"), _at_most(MAX_HTML, plain_part, "email"))


def voice_text(what: Rendition, variables: Mapping[str, object], zone: tzinfo | None = None) -> str:
    """The text that is read out, plain: an adapter that needs SSML escapes it. `NotFilled` or `TooLong`."""
    return _at_most(MAX_SPOKEN, speech.spoken(what.voice.fill(variables, what.language, zone=zone)), "voice message")


def preview(what: Rendition, variables: Mapping[str, object]) -> TemplatePreview:
    """All channels at once."""
    sms = sms_text(what, variables)
    return TemplatePreview(
        what.language, sms, segments_of(sms), email_text(what, variables), voice_text(what, variables)
    )


def _document(
    template: Template,
    language: Tag,
    sms: Form,
    subject: Form | None,
    translated: Mapping[str, str],
    foot: MailFooter | None,
) -> str:
    if template.html is not None:
        return markup.in_language(html_texts.with_texts(template.html, translated), language)
    below = foot or NO_FOOT
    if subject is None:
        return markup.letter(language, "", markup.paragraphs(sms.source), foot=below.lines, leave=below.leave)
    heading = f"<h1>{html.escape(subject.source, quote=False)}</h1>\n"
    first = sms.source.partition("\n")[0].strip()
    preheader = first if len(first) <= _PREHEADER and first != subject.source else ""
    body = heading + markup.paragraphs(sms.source)
    return markup.letter(language, subject.source, body, preheader=preheader, foot=below.lines, leave=below.leave)


@lru_cache(maxsize=64)
def _first_words(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= _SUBJECT_FROM_TEXT:
        return line
    return line[:_SUBJECT_FROM_TEXT].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def _at_most(limit: int, text: str, what: str) -> str:
    if len(text) > limit:
        raise TooLong(
            f"the {what} has {len(text):,} characters and may have {limit:,}: shorten the text or its variables"
        )
    return text
