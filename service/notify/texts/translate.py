"""A notification's texts in one more language: translated once, whoever and however many read them."""

from __future__ import annotations

from collections.abc import Mapping

from service.core import Tag, parse_tag, serves
from service.language import AUTHOR, SOURCE, Translation
from service.messages import MissingTranslation, Translations
from service.notify.model import Notification, SourceMessage, Texts, template_of


def translated(notification: Notification, language: str, translations: Translations) -> Texts:
    """The texts for readers of `language`; what nobody can translate waits for a person. Raises `Unavailable`."""
    if (as_written := in_source_language(notification, language)) is not None:
        return as_written
    notification_id, message = notification.id, notification.message
    source, target = parse_tag(message.language), parse_tag(language)
    authors = authors_words(message, target)
    answers = {
        text: authors.get(text) or translations.translate(text, source, target, notification.lane)
        for text in template_of(message).texts
    }
    by_text = {text: answer for text, answer in answers.items() if isinstance(answer, Translation)}
    return Texts(
        notification_id,
        language,
        str(_written_in(by_text, target)),
        {text: answer.text for text, answer in by_text.items()},
        {text: answer.provenance for text, answer in by_text.items()},
        {text: answer.id for text, answer in answers.items() if isinstance(answer, MissingTranslation)},
        {
            text: answer.draft
            for text, answer in answers.items()
            if isinstance(answer, MissingTranslation) and answer.draft
        },
    )


def in_source_language(notification: Notification, language: str) -> Texts | None:
    """The texts as they were written, for readers of that language; None for all others.

    Where the author says it in the reader's very own variety, such as `en-GB` beside an English text, that comes first.
    """
    message, target = notification.message, parse_tag(language)
    source = parse_tag(message.language)
    if not serves(source, target):
        return None
    own = next((words for name, words in message.translations.items() if parse_tag(name) == target != source), {})
    provenance = {text: AUTHOR if text in own else SOURCE for text in (message.sms, *own)}
    return Texts(notification.id, language, str(target if own else source), own, provenance)


def authors_words(message: SourceMessage, target: Tag) -> Mapping[str, Translation]:
    """The author's own translations for readers of a language: in that very one, or else in one that serves them."""
    tags = {parse_tag(name): words for name, words in message.translations.items()}
    serving = sorted((tag for tag in tags if serves(tag, target)), key=lambda tag: tag != target)
    return (
        {text: Translation(translation, serving[0], AUTHOR) for text, translation in tags[serving[0]].items()}
        if serving
        else {}
    )


def _written_in(translations: dict[str, Translation], target: Tag) -> Tag:
    """The reader's own tag, unless every text comes from a catalogue of the bare language."""
    languages = {answer.language for answer in translations.values() if answer.provenance != SOURCE}
    return languages.pop() if len(languages) == 1 else target
