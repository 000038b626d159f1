"""STOP, HELP and START: what a person may always say to a number that writes to them.

Opt-out words: https://docs.aws.amazon.com/sms-voice/latest/userguide/keywords-required.html and Twilio's defaults
(https://help.twilio.com/articles/223134027), with their translations into the catalogue languages. YES and NO are in
neither list, whatever a provider's defaults say: they answer incidents.
"""

from __future__ import annotations

import re
from enum import StrEnum

from service.core import without_latin_accents


class Keyword(StrEnum):
    """What a message asks of us, before anything else is read into it."""

    STOP = "STOP"
    HELP = "HELP"
    START = "START"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLEAR = {
    Keyword.STOP: _words(
        "stop stopall stopp unsubscribe optout revoke arret arreter desabonner baja parar "
        "fermare disiscrivi abmelden abbestellen afmelden"
    ),
    Keyword.HELP: _words("help info aide hilfe ayuda ajuda aiuto hulp"),
    Keyword.START: _words("start unstop optin"),
}
"""Words that mean only this: enough as the first sentence of a message, or with what `_POLITE` and `_ABOUT_US` hold."""

_ALONE = {
    Keyword.STOP: _words("cancel end quit remove td fin ende annuler annulla alto sair cancelar"),
    Keyword.HELP: _words(""),
    Keyword.START: _words("subscribe resume"),
}
"""Words that also begin ordinary sentences ("End of shift at 8"): enough only as the whole message."""

_POLITE = _words("please all it now thanks thank you again me this these bitte danke merci gracias grazie")
"""What may surround a keyword without changing its meaning."""

_ABOUT_US = _words("text texts texting message messages messaging msg msgs sms sending spam spamming contacting")
"""What makes a sentence that begins with STOP one about our messages; "Stop the pump first" is about a pump."""


_EVERYWHERE = _words(
    "stop stopall unsubscribe optout revoke arret cancel end quit remove td "
    "help info start unstop optin subscribe resume"
)
"""The words that count whatever language somebody writes: carriers ask for them. "Fin" is an end in France and fine in
Sweden: such a word counts only in its own language."""


def keyword(text: str, *, in_any_language: bool = True) -> Keyword | None:
    """The keyword that a message is, or begins with in a way that leaves no doubt; None for any other message.

    Where somebody's language is known, its own words are read elsewhere: then not `in_any_language`.

    "Stop. Thank you" stops and "SEND ME the report" does not, although it contains END; "no problem" is no STOP.
    """
    sentences = _sentences(text)
    words = [word for sentence in sentences for word in sentence]
    while words and words[0] in {"please", "bitte"}:
        words.pop(0)
    meanings = (meaning for meaning in Keyword if words and _says(meaning, words, sentences[0], in_any_language))
    return next(meanings, None)


def _says(meaning: Keyword, words: list[str], first_sentence: list[str], in_any_language: bool) -> bool:
    known, alone = _CLEAR[meaning], _ALONE[meaning]
    if not in_any_language:
        known, alone = known & _EVERYWHERE, alone & _EVERYWHERE
    is_the_message = "".join(words) in known | alone
    is_the_first_sentence = "".join(first_sentence) in known
    rest = set(words[1:]) - _POLITE
    begins_it = words[0] in known and (all(map(str.isdigit, rest)) or bool(rest & _ABOUT_US))
    return is_the_message or is_the_first_sentence or begins_it


def _sentences(text: str) -> list[list[str]]:
    """The words of each sentence: in lower case, without accents, hyphens and anything that is no letter or digit."""
    plain = re.sub("['’‐‑-]", "", without_latin_accents(text))
    sentences = [re.findall(r"\w+", sentence) for sentence in re.split(r"[.!?,;:\n]+", plain)]
    return [sentence for sentence in sentences if sentence]
