"""What the page behind a link says: the question in the policy's words, or the state of the incident, each in the
reader's language where reviewed translations of it exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from flask import Response

from service.core import Channel, Clock, Tag, UnknownTag, parse_tag
from service.escalate.incident import Contact, Incident
from service.escalate.items import Outgoing
from service.escalate.links import Answerer, LinkRefused
from service.escalate.policy import Role
from service.escalate.states import Acknowledged, Cancelled, Open, Resolved, Unacknowledged
from service.escalate.wording import Wording
from service.http import Button, PersonPage
from service.language import Translation, Translator
from service.messages import NEUTRAL, AnswerWords, Templates, render

_ENGLISH = Tag("en")


class AnswerPageSentence(StrEnum):
    """What the page says beside the words of the policy: sentences of the catalogues."""

    FOR_YOU = "This link is for you alone: please do not forward it."
    DONE = "You can close this page."
    REFUSED = "This link cannot be used"
    WRONG = "It may have been cut off: open the message again and use the whole link, or ask whoever sent it."
    TOO_OLD = "It is too old: ask whoever sent it."


@dataclass(frozen=True, slots=True)
class AnswerPages:
    """Makes the pages. `translator` knows reviewed texts only; `sender` is whose name stands on them."""

    wording: Wording
    templates: Templates
    translator: Translator
    clock: Clock
    sender: str = ""

    def question(self, incident: Incident, who: Answerer, status: HTTPStatus = HTTPStatus.OK) -> Response:
        """The page that asks, or says how it stands where there is nothing to answer any more."""
        contact = incident.contact(who.contact)
        if contact is None or not isinstance(incident.state, Open | Unacknowledged):
            return self.standing(incident, who)
        words, language = self._words(incident, who, contact)
        return PersonPage(
            language=language,
            title=words.question,
            heading=incident.description,
            top=self._top(contact),
            url=incident.url,
            said=(words.question,),
            buttons=(Button("answer", "yes", words.yes), Button("answer", "no", words.no)),
            foot=self._said(AnswerPageSentence.FOR_YOU, language),
        ).response(status)

    def standing(self, incident: Incident, who: Answerer) -> Response:
        """The page that says how it stands, as a message to the contact would say it."""
        contact = incident.contact(who.contact)
        if contact is None:
            return self.refused(LinkRefused(), ())
        role = _role(incident, contact, who.level)
        outgoing = Outgoing(incident.id, 0, role, contact.number, who.level, Channel.EMAIL)
        words = self.wording.words(incident, outgoing, self.clock.now())
        language, lines = words.rendition.language, render.sms_text(words.rendition, words.variables).splitlines()
        return PersonPage(
            language=language,
            title=lines[0],
            heading=lines[0],
            top=self._top(contact),
            url=incident.url,
            said=(*lines[1:], incident.description),
            foot=self._said(AnswerPageSentence.DONE, language),
        ).response()

    def refused(self, error: LinkRefused, accepted: Iterable[str]) -> Response:
        """The page of a link that cannot be used, in the first of the languages that a browser accepts and we know."""
        sentences = (
            AnswerPageSentence.REFUSED,
            AnswerPageSentence.TOO_OLD if error.too_old else AnswerPageSentence.WRONG,
        )
        language = next(filter(self._is_known, _tags(accepted)), _ENGLISH)
        heading, advice = (self._said(sentence, language) for sentence in sentences)
        page = PersonPage(language=language, title=heading, heading=heading, top=self.sender, said=(advice,))
        return page.response(HTTPStatus.FORBIDDEN)

    def _words(self, incident: Incident, who: Answerer, contact: Contact) -> tuple[AnswerWords, Tag]:
        """The question and its answers as the page's own template says them, all in one language."""
        named = incident.policy.template(Role.PAGE, who.level)
        template = self.templates.get(named) if named in self.templates.names else None
        words = (template.answer if template is not None else None) or NEUTRAL
        source = template.language if template is not None and template.answer is not None else _ENGLISH
        reader = parse_tag(contact.language) if contact.language else source
        answers = [self.translator.translate(text, source, reader) for text in words.texts]
        known = [answer.text for answer in answers if isinstance(answer, Translation)]
        return (AnswerWords(*known), reader) if len(known) == len(answers) else (words, source)

    def _top(self, contact: Contact) -> str:
        return " · ".join(part for part in (self.sender, contact.name) if part)

    def _is_known(self, language: Tag) -> bool:
        return language == _ENGLISH or isinstance(self._answer(AnswerPageSentence.REFUSED, language), Translation)

    def _said(self, sentence: AnswerPageSentence, language: Tag) -> str:
        answer = self._answer(sentence, language)
        return answer.text if isinstance(answer, Translation) else sentence

    def _answer(self, sentence: AnswerPageSentence, language: Tag) -> object:
        return self.translator.translate(sentence, _ENGLISH, language)


def _role(incident: Incident, contact: Contact, level: int) -> Role:
    """The message that says to a contact how the incident stands."""
    match incident.state:
        case Acknowledged(contact=number):
            return Role.THANKS if number == contact.number else Role.ALREADY_ACKNOWLEDGED
        case Resolved():
            return Role.RESOLVED
        case Cancelled(declined=declined):
            return Role.ENDED if declined else Role.CANCELLED
        case Unacknowledged():
            return Role.EXHAUSTED
        case Open(level=asked):
            return Role.DECLINED if asked > level or (level, contact.number) in incident.declined else Role.STATUS


def _tags(accepted: Iterable[str]) -> Iterable[Tag]:
    for text in accepted:
        try:
            yield parse_tag(text)
        except UnknownTag:
            continue
