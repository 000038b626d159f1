"""Machine translation by Amazon Translate.

https://docs.aws.amazon.com/translate/latest/APIReference/API_TranslateText.html
https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from service.aws import Clients, OverLimit, check_limits
from service.core import Tag, best_match, parse_tag
from service.language.aws.asking import asked
from service.language.protocols import LanguageServiceRefused

if TYPE_CHECKING:
    from mypy_boto3_translate.type_defs import TranslateTextRequestTypeDef

MAX_BYTES = 10_000
"""UTF-8 bytes of one text; the service model's figure counts characters."""

# fmt: off
CODES = (
    "af", "sq", "am", "ar", "hy", "az", "bn", "bs", "bg", "ca", "zh", "zh-TW", "hr", "cs", "da", "fa-AF", "nl",
    "en", "et", "fa", "fi", "fr", "fr-CA", "ka", "de", "el", "gu", "ht", "ha", "he", "hi", "hu", "is", "id", "ga",
    "it", "ja", "kn", "kk", "ko", "lv", "lt", "mk", "ms", "ml", "mt", "mr", "mn", "no", "ps", "pl", "pt", "pt-PT",
    "pa", "ro", "ru", "sr", "si", "sk", "sl", "so", "es", "es-MX", "sw", "sv", "ta", "te", "th", "tl", "tr", "uk",
    "ur", "uz", "vi", "cy",
)
# fmt: on
LANGUAGES = tuple(map(parse_tag, CODES))

Formality = Literal["FORMAL", "INFORMAL"]


class AmazonTranslate:
    """`Engine` by TranslateText; with `detect_source` Translate finds out the source language itself (`auto`)."""

    def __init__(
        self,
        clients: Clients,
        *,
        terminology: str | None = None,
        formality: Formality | None = None,
        detect_source: bool = False,
    ) -> None:
        self._client = clients.get("translate")
        self._terminology = terminology
        self._formality = formality
        self._detect_source = detect_source

    @property
    def name(self) -> str:
        return "amazon-translate"

    def produces(self, source: Tag, target: Tag, /) -> Tag | None:
        """The language in which Translate would answer a reader of `target`."""
        if best_match(source, LANGUAGES) is None:
            return None
        return best_match(target, LANGUAGES)

    def translate(self, text: str, source: Tag, target: Tag, /) -> str:
        """Translate one text of at most `MAX_BYTES`."""
        request = self._request(text, source, target)
        return asked("Translate", lambda: self._client.translate_text(**request)["TranslatedText"])

    def _request(self, text: str, source: Tag, target: Tag) -> TranslateTextRequestTypeDef:
        request: TranslateTextRequestTypeDef = {
            "Text": text,
            "SourceLanguageCode": "auto" if self._detect_source else str(best_match(source, LANGUAGES)),
            "TargetLanguageCode": str(best_match(target, LANGUAGES)),
        }
        if self._terminology:
            request["TerminologyNames"] = [self._terminology]
        if self._formality:
            request["Settings"] = {"Formality": self._formality}
        size = len(text.encode())
        if size > MAX_BYTES:
            raise LanguageServiceRefused(
                f"the text has {size:,} bytes and Translate takes {MAX_BYTES:,}: send it in parts"
            )
        try:
            check_limits(self._client, "TranslateText", request)
        except OverLimit as error:
            raise LanguageServiceRefused(f"Translate would refuse the text: {error}") from error
        return request
