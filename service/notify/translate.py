"""A notification's texts in one more language: translated once, whoever and however many read them."""

from __future__ import annotations

from service.core.language_tags import Tag, parse_tag, serves
from service.language import SOURCE, Translation
from service.messages.translations import Missing, Translations
from service.notify.notification import Message
from service.notify.rendition import Texts, template_of


def translated(notification_id: str, message: Message, language: str, translations: Translations) -> Texts:
    """The texts for readers of `language`; what nobody can translate waits for a person. Raises `Unavailable`."""
    source, target = parse_tag(message.language), parse_tag(language)
    if serves(source, target):
        return Texts(notification_id, language, str(source), provenance={message.sms: SOURCE})
    answers = {text: translations.translate(text, source, target) for text in template_of(message).texts}
    found = {text: answer for text, answer in answers.items() if isinstance(answer, Translation)}
    return Texts(
        notification_id,
        language,
        str(_written_in(found, target)),
        {text: answer.text for text, answer in found.items()},
        {text: answer.provenance for text, answer in found.items()},
        {text: answer.id for text, answer in answers.items() if isinstance(answer, Missing)},
    )


def _written_in(found: dict[str, Translation], target: Tag) -> Tag:
    """The reader's own tag, unless every text comes from a catalogue of the bare language."""
    languages = {answer.language for answer in found.values() if answer.provenance != SOURCE}
    return languages.pop() if len(languages) == 1 else target
