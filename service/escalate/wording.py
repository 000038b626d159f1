"""What people read and hear about an incident, in their language where a reviewed translation of it exists.

A page never waits for a translation: a frame that the catalogue does not hold is said in English. What the app wrote,
description and URL, is never translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.channels import Email, Reference, Sms, VoiceCall
from service.channels.carrier import Message as Outbound
from service.channels.phones import PhoneRules
from service.core.language_tags import Tag, parse_tag
from service.escalate.incident import Acknowledged, Cancelled, Contact, Incident, Resolved
from service.escalate.items import Outgoing
from service.escalate.policy import PAGING, Role
from service.language import SOURCE, Translation, Translator
from service.messages import render
from service.messages.forms import parse_form
from service.messages.render import Rendition
from service.messages.templates import Template, Templates

_LINK = "incident-link"


@dataclass(frozen=True, slots=True)
class Text:
    """A message in one language, for each channel."""

    rendition: Rendition
    variables: Mapping[str, object]


class Wording:
    """Fills the templates. `translator` knows reviewed texts only: nobody may be paged in a machine's words."""

    def __init__(self, templates: Templates, translator: Translator, phones: PhoneRules) -> None:
        self._templates = templates
        self._translator = translator
        self._phones = phones
        self._rendition = lru_cache(maxsize=512)(self._made)

    def of_message(
        self, incident: Incident, outgoing: Outgoing, reference: Reference, link: str | None = None
    ) -> Outbound:
        """A message of an incident as its channel takes it. `link` is where the contact may answer on the web."""
        contact = incident.contacts[outgoing.contact - 1]
        template = incident.policy.template(outgoing.role, outgoing.level)
        linked = link is not None and outgoing.role in PAGING and outgoing.role is not Role.LAST_RESORT
        rendition = self._rendition(template, contact.language, linked)
        variables = self._variables(incident, outgoing, contact, rendition.language) | {"link": link or ""}
        return self._outbound(outgoing, contact, Text(rendition, variables), reference)

    def sms(
        self, to: str, language: str | None, template: str, variables: Mapping[str, object], reference: Reference
    ) -> Sms:
        """A text message that is about no incident in particular."""
        rendition = self._rendition(template, language, False)
        said = render.sms_text(rendition, variables)
        return Sms(self._phones.parse(to), said, rendition.language, reference, answerable=True)

    def _outbound(self, outgoing: Outgoing, contact: Contact, text: Text, reference: Reference) -> Outbound:
        language = text.rendition.language
        match outgoing.channel.value:
            case "email":
                said = render.email_text(text.rendition, text.variables)
                to = contact.email or ""
                return Email(to, said.subject, said.html, said.text, language, reference)
            case "voice":
                spoken = render.voice_text(text.rendition, text.variables)
                return VoiceCall(self._phones.parse(contact.phone or ""), spoken, language, reference)
            case _:
                said_briefly = render.sms_text(text.rendition, text.variables)
                to_phone = self._phones.parse(contact.phone or "")
                return Sms(to_phone, said_briefly, language, reference, answerable=True)

    def _variables(self, incident: Incident, outgoing: Outgoing, contact: Contact, language: Tag) -> dict[str, object]:
        page = incident.page(outgoing.level, outgoing.contact) or incident.last_page(outgoing.contact)
        owner, time = self._owner(incident, contact, language)
        code = str(page.code) if page is not None and page.code is not None else incident.id
        return {
            "code": code,
            "description": _with_count(incident, outgoing.role),
            "thing": f"{code} {_first_words(incident.description)}",
            "asked": ", ".join(self._label(each, language) for each in incident.asked_now),
            "next_time": "" if incident.due_at is None else _clock(incident.due_at, contact),
            "url": incident.url or "",
            "owner": owner,
            "time": time,
            "name": contact.name or "",
        }

    def _owner(self, incident: Incident, reader: Contact, language: Tag) -> tuple[str, str]:
        """Who ended it, and when by the reader's clock."""
        match incident.state:
            case (
                Acknowledged(at=at, by=by, contact=number)
                | Resolved(at=at, by=by, contact=number)
                | Cancelled(at=at, by=by, contact=number)
            ):
                owner = by if number is None else self._label(incident.contacts[number - 1], language)
                return owner, _clock(at, reader)
            case _:
                return "", ""

    def _label(self, contact: Contact, language: Tag) -> str:
        """How a contact is spoken of in a language."""
        return contact.label if contact.name else self._said(contact.label, language) or contact.label

    def _made(self, name: str, language: str | None, linked: bool) -> Rendition:
        template = self._templates.get(name)
        if linked:
            template = _with_line(template, self._templates.get(_LINK))
        target = parse_tag(language) if language else template.language
        texts = {text: self._translator.translate(text, template.language, target) for text in template.texts}
        said = {text: answer for text, answer in texts.items() if isinstance(answer, Translation)}
        if target == template.language or len(said) < len(texts):
            return render.rendition(template, template.language, SOURCE, {})
        first = next(iter(said.values()))
        return render.rendition(
            template, first.language, first.provenance, {text: answer.text for text, answer in said.items()}
        )

    def _said(self, phrase: str, language: Tag) -> str | None:
        answer = self._translator.translate(phrase, Tag("en"), language)
        return answer.text if isinstance(answer, Translation) else None


FIRST_WORDS = 40
"""Characters of a description that tell it apart from others, where the whole would make the text a second part."""


def _first_words(description: str) -> str:
    text = " ".join(description.split())
    if len(text) <= FIRST_WORDS:
        return text
    cut = text[: FIRST_WORDS - 3]
    return (cut.rsplit(" ", 1)[0] if " " in cut[FIRST_WORDS // 2 :] else cut).rstrip(" .,:;") + "..."


def _with_count(incident: Incident, role: Role) -> str:
    """The description, in reminders with how often the alert came."""
    if incident.times == 1 or role is not Role.REMINDER:
        return incident.description
    return f"{incident.description} ({incident.times}x)"


def _clock(at: datetime, reader: Contact) -> str:
    """The time on the reader's wall."""
    return at.astimezone(ZoneInfo(reader.timezone or "UTC")).strftime("%H:%M")


def _with_line(template: Template, line: Template) -> Template:
    """The template with another's text as a last line of its own; what is read out stays as it is."""
    spoken = template.voice or template.sms
    return replace(template, sms=parse_form(f"{template.sms.source}\n{line.sms.source}"), voice=spoken)
