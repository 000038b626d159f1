"""What people read and hear about an incident, in their language where a reviewed translation of it exists.

A page never waits for a translation: a frame that the catalogue does not hold is said in English. What the app wrote,
description and URL, is never translated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from service.channels import (
    CHANNELS,
    MAX_SPOKEN,
    Circumstances,
    Message,
    OwnAddresses,
    Phone,
    PhoneRules,
    Reference,
    Sms,
    own_addresses,
)
from service.core import Channel, Tag, parse_tag
from service.escalate.codeless import without_code
from service.escalate.incident import Contact, Incident
from service.escalate.items import Outgoing
from service.escalate.local_times import local_time
from service.escalate.mailed_pages import MailAnswerOptions, mail_document
from service.escalate.policy import PAGING, Role
from service.escalate.states import Acknowledged, Cancelled, Resolved
from service.language import SOURCE, Translation, Translator
from service.messages import (
    NEUTRAL,
    FilledText,
    Rendition,
    Template,
    Templates,
    parse_form,
    render,
    shorten,
    speech,
    surplus,
)

_LINK = "incident-link"
_BY_TEXT = "incident-by-text"
_KEYS = "To answer now, press 1 for yes or 2 for no."
_MORE, _MORE_COUNT = "and {{ more }} more", "{{ more }}"


HELP_CONTACT = "answer-help-contact"
"""The line of the answer to HELP that names where people find help; it is left out where nobody said."""

ABOUT = 40
"""Characters of a description that stand for it in a sentence."""

LEAST_DESCRIPTION = 25
"""Characters that a description keeps: where that is too many for one part, it stands in full."""


@dataclass(frozen=True, slots=True)
class SenderDetails:
    """Who writes: the name that an SMS begins with, and where people find help; empty where nobody said.

    `sms_plain` replaces what costs and says nothing in an SMS. Answers by mail are read where `reads_mail`, answers by
    SMS go to `number`.
    """

    sender: str = ""
    help: str = ""
    sms_plain: bool = True
    reads_mail: bool = False
    number: str = ""


@dataclass(frozen=True, slots=True)
class PagedReader(OwnAddresses):
    """A contact as channels see it."""

    phone: Phone | None
    email: str | None
    voice_locale: str | None = None

    def contact(self, field: str) -> str | None:
        """The phone or address that a profile's field of this name would hold."""
        phone = self.phone.e164 if self.phone else None
        return {"phone": phone, "email": self.email, **own_addresses(self)}.get(field)


class PagedText(FilledText):
    """A text of an incident. An SMS begins with who sends it, and leaves out what a link shows anyway."""

    def __init__(
        self, rendition: Rendition, variables: Mapping[str, object], house: SenderDetails, *, as_letter: bool = False
    ) -> None:
        """One written `as_letter` asks for an answer by its link, in words of its own for that."""
        super().__init__(rendition, variables, sms_plain=house.sms_plain)
        self._sender = house.sender
        self._as_letter = as_letter

    def note(self) -> str:
        """The plain text of the letter, or of the SMS."""
        return self.letter().text.strip() if self._as_letter else super().note()

    def spoken(self) -> str:
        """What is read out, twice: a call wakes people up."""
        return speech.twice(super().spoken(), MAX_SPOKEN)

    def brief(self) -> str:
        """The SMS. Where a link leads to the whole description, what does not fit one part of it is left out."""
        text = from_sender(self._sender, self.rendition, super().brief())
        description, over = str(self.variables["description"]), surplus(text)
        room = len(description) - over
        if not over or room < LEAST_DESCRIPTION or not self.variables.get("link"):
            return text
        cut = {**self.variables, "description": shorten(description, room)}
        return from_sender(self._sender, self.rendition, render.sms_text(self.rendition, cut, cheap=self.sms_plain))


def from_sender(sender: str, rendition: Rendition, text: str) -> str:
    """The text with the sender's name before it, unless the template says where that stands."""
    return text if not sender or "sender" in rendition.sms.names else f"{sender}: {text}"


class Wording:
    """Fills the templates. `translator` knows reviewed texts only: nobody may be paged in a machine's words."""

    def __init__(
        self, templates: Templates, translator: Translator, phones: PhoneRules, house: SenderDetails | None = None
    ) -> None:
        self._templates = templates
        self._translator = translator
        self._phones = phones
        self._house = house or SenderDetails()
        self._rendition = lru_cache(maxsize=512)(self._made)
        self._mail = lru_cache(maxsize=512)(self._mailed)

    def of_message(
        self,
        incident: Incident,
        outgoing: Outgoing,
        reference: Reference,
        now: datetime,
        link: str | None = None,
    ) -> Message | None:
        """A message of an incident as its channel takes it; None where the channel does not lead to the contact.

        `link` is where the contact may answer on the web.
        """
        words = self.words(incident, outgoing, now, link)
        reader = self._reader(incident.contacts[outgoing.contact - 1])
        is_asking = outgoing.role in PAGING and outgoing.channel is Channel.VOICE
        keys = self._keys(words.language) if is_asking else ""
        how = Circumstances(reference, answerable=True, keys=keys)
        return CHANNELS[outgoing.channel].compose(words, reader, how)

    def words(self, incident: Incident, outgoing: Outgoing, now: datetime, link: str | None = None) -> PagedText:
        """What a message of an incident says, whatever carries it."""
        contact = incident.contacts[outgoing.contact - 1]
        template = incident.policy.template(_role(incident, outgoing), outgoing.level)
        linked = link is not None and outgoing.role in PAGING
        lines = ((_LINK,) if linked else ()) + ((_BY_TEXT,) if _is_call_that_asks(incident, outgoing) else ())
        has_code = contact.phone is not None
        rendition = self._rendition((template, *lines), contact.language, has_code)
        as_letter = CHANNELS[outgoing.channel].always_linked and outgoing.role in PAGING
        if as_letter:
            page = incident.policy.template(Role.PAGE, outgoing.level)
            asked = MailAnswerOptions(
                page,
                has_link=linked,
                has_url=bool(incident.url),
                has_next=bool(incident.asked_after(outgoing.level)),
                is_read=self._house.reads_mail,
                has_number=bool(self._house.number and contact.phone),
                has_code=has_code,
            )
            asked = asked if outgoing.channel is Channel.EMAIL else replace(asked, is_mail=False)
            rendition = self._mail(template, contact.language, asked)
        variables = self._variables(incident, outgoing, rendition.language, now)
        if linked:  # the page behind the link shows the description in full, and the address
            variables |= {"link": link or "", "url": "" if outgoing.channel is Channel.SMS else variables["url"]}
        return PagedText(rendition, variables, self._house, as_letter=as_letter)

    def notice(self, to: str, template: str, variables: Mapping[str, object], reference: Reference) -> Message | None:
        """A message to an email address or a phone that belongs to no contact."""
        words = PagedText(self._rendition((template,), None), {"description": "", **variables}, self._house)
        is_mail = "@" in to
        reader = PagedReader(None if is_mail else self._phones.parse(to), to if is_mail else None)
        channel = Channel.EMAIL if is_mail else Channel.SMS
        return CHANNELS[channel].compose(words, reader, Circumstances(reference, answerable=True))

    def sms(
        self,
        to: str,
        language: str | None,
        templates: Sequence[str],
        variables: Mapping[str, object],
        reference: Reference,
    ) -> Sms:
        """A text message that is about no incident in particular: a template, or several, each on lines of its own."""
        named = tuple(name for name in templates if name != HELP_CONTACT or self._house.help)
        rendition = self._rendition(named, language)
        following = variables.get("next")
        listed = self._listed(variables, rendition.language)
        known = {**listed, "sender": self._house.sender, "help": self._house.help}
        if isinstance(following, str):
            known["next"] = self._said(following, rendition.language) or following
        text = render.sms_text(rendition, known, cheap=self._house.sms_plain)
        signed = from_sender(self._house.sender, rendition, text)
        return Sms(self._phones.parse(to), signed, rendition.language, reference, answerable=True)

    def _reader(self, contact: Contact) -> PagedReader:
        phone = None if contact.phone is None else self._phones.parse(contact.phone)
        return PagedReader(phone, contact.email, **own_addresses(contact))

    def of_many(
        self,
        channel: Channel,
        contact: Contact,
        template: str,
        variables: Mapping[str, object],
        reference: Reference,
    ) -> Message | None:
        """A message about many incidents; None where the channel does not lead to the contact."""
        rendition = self._rendition((template,), contact.language)
        known = {**self._listed(variables, rendition.language), "description": "", "sender": self._house.sender}
        words = PagedText(rendition, known, self._house)
        return CHANNELS[channel].compose(words, self._reader(contact), Circumstances(reference, answerable=True))

    def _listed(self, variables: Mapping[str, object], language: Tag) -> Mapping[str, object]:
        """The variables, a list among them ending with how many more there are than it had room for."""
        if not variables.get("more"):
            return variables
        more = self._said(_MORE, language) or _MORE
        return {**variables, "codes": f"{variables['codes']} {more.replace(_MORE_COUNT, str(variables['more']))}"}

    def _variables(self, incident: Incident, outgoing: Outgoing, language: Tag, now: datetime) -> dict[str, object]:
        contact = incident.contacts[outgoing.contact - 1]
        page = incident.page(outgoing.level, outgoing.contact) or incident.last_page(outgoing.contact)
        owner, time = self._owner(incident, contact, language, now)
        due_at = incident.due_at
        about = shorten(incident.description, ABOUT)
        code = str(page.code) if page is not None and page.code is not None else incident.id
        thing = about if contact.phone is None else f"{code} {about}"
        return {
            "code": code,
            "description": _with_count(incident, outgoing.role),
            "about": about,
            "thing": thing,
            "asked": ", ".join(self._label(each, language) for each in incident.asked_now),
            "opened": local_time(incident.opened_at, contact.timezone, language, now),
            "next_time": "" if due_at is None else local_time(due_at, contact.timezone, language, now),
            "url": incident.url or "",
            "owner": owner,
            "time": time,
            "name": contact.name or "",
            "next": self._names(incident.asked_after(outgoing.level), language),
            "sender": self._house.sender,
            "help": self._house.help,
            "number": self._house.number,
        }

    def _names(self, contacts: Sequence[Contact], language: Tag) -> str:
        """The name of the first, and how many more there are."""
        unknown = "the next contact"
        name = self._label(contacts[0], language) if contacts else self._said(unknown, language) or unknown
        return name if len(contacts) < 2 else f"{name} (+{len(contacts) - 1})"

    def _owner(self, incident: Incident, reader: Contact, language: Tag, now: datetime) -> tuple[str, str]:
        """Who ended it, and when by the reader's clock."""
        match incident.state:
            case (
                Acknowledged(at=at, by=by, contact=number)
                | Resolved(at=at, by=by, contact=number)
                | Cancelled(at=at, by=by, contact=number)
            ):
                owner = by if number is None else self._label(incident.contacts[number - 1], language)
                return owner, local_time(at, reader.timezone, language, now)
            case _:
                return "", ""

    def _label(self, contact: Contact, language: Tag) -> str:
        """How a contact is spoken of in a language."""
        return contact.label if contact.name else self._said(contact.label, language) or contact.label

    def _mailed(self, name: str, language: str | None, asked: MailAnswerOptions) -> Rendition:
        """A page as a mail: what it says, the question, and a button instead of words to send back."""
        template = self._templates.get(name)
        if template.html is None:
            words = self._templates.get(asked.page).answer if asked.page in self._templates.names else None
            template = replace(template, html=mail_document(template, words or NEUTRAL, asked))
        return self._said_in(template, language, asked.has_code)

    def _made(self, names: tuple[str, ...], language: str | None, has_code: bool = True) -> Rendition:
        first, *lines = map(self._templates.get, names)
        template = first
        for line in lines:
            template = _with_line(template, line)
        return self._said_in(template, language, has_code)

    def _said_in(self, template: Template, language: str | None, has_code: bool) -> Rendition:
        target = parse_tag(language) if language else template.language
        texts = {text: self._translator.translate(text, template.language, target) for text in template.texts}
        translated = {text: answer for text, answer in texts.items() if isinstance(answer, Translation)}
        spoken, provenance, words = template.language, SOURCE, dict[str, str]()
        if target != template.language and len(translated) == len(texts):
            first_said = next(iter(translated.values()))
            spoken, provenance = first_said.language, first_said.provenance
            words = {text: answer.text for text, answer in translated.items()}
        if not has_code:
            words = {text: without_code(words.get(text, text)) for text in texts}
        return render.rendition(template, spoken, provenance, words)

    def _keys(self, language: Tag) -> str:
        """Which keys answer a call; nothing in a language that nobody wrote it in, for its voice would misread it."""
        return self._said(_KEYS, language) or (_KEYS if language.language == "en" else "")

    def _said(self, phrase: str, language: Tag) -> str | None:
        answer = self._translator.translate(phrase, Tag("en"), language)
        return answer.text if isinstance(answer, Translation) else None


def _role(incident: Incident, outgoing: Outgoing) -> Role:
    """What the message is for: nobody is told who is asked next while others of their own level still are."""
    waits = outgoing.role is Role.DECLINED and not incident.asked_after(outgoing.level)
    return Role.NOTED if waits else outgoing.role


def _is_call_that_asks(incident: Incident, outgoing: Outgoing) -> bool:
    """Whether it is a call whose reader has a code: it says how to answer by a text."""
    page = incident.page(outgoing.level, outgoing.contact) or incident.last_page(outgoing.contact)
    coded = page is not None and page.code is not None
    return coded and outgoing.channel is Channel.VOICE and outgoing.role in PAGING


def _with_count(incident: Incident, role: Role) -> str:
    """The description, in reminders with how often the alert came."""
    if incident.times == 1 or role is not Role.REMINDER:
        return incident.description
    return f"{incident.description} ({incident.times}x)"


def _with_line(template: Template, line: Template) -> Template:
    """The template with another's text as a last line of its own, and what that has to say in a call."""
    spoken = template.voice or template.sms
    voice = spoken if line.voice is None else parse_form(f"{spoken.source}\n{line.voice.source}")
    return replace(template, sms=parse_form(f"{template.sms.source}\n{line.sms.source}"), voice=voice)
