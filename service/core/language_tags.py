"""Language tags (BCP 47, RFC 5646): which text may be given to which reader.

The likely script and region of a tag are CLDR's (`Babel`): `zh` is Simplified Chinese as in China, `zh-TW` is
Traditional, `pt` is Portuguese as in Brazil. That is also how Amazon Translate reads these tags
(https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global, parse_locale

from service.core.errors import TocsinError

_WRITTEN_DIFFERENTLY = {"pt"}
"""Languages whose regions share a script but not a written standard: Portugal is not served with Brazil's text."""


class UnknownTag(TocsinError):
    """The text is not a language tag of a language that CLDR knows."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A language with the script and region that were said: `de`, `pt-BR`, `zh-Hant`. `str()` writes it canonically."""

    language: str
    script: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        return "-".join(filter(None, (self.language, self.script, self.region)))

    @property
    def locale(self) -> Locale:
        """Babel's locale of this tag, for dates and numbers; the bare language's where CLDR has no such region."""
        return _locale(self)


@lru_cache(maxsize=1024)
def parse_tag(text: str) -> Tag:
    """The tag that `text` writes, in any case and with `-` or `_`; `UnknownTag` for anything else.

    Extensions and variants (`de-DE-1996`, `en-u-ca-buddhist`) are refused: no catalogue or voice knows them.
    """
    try:
        language, region, script, *more = parse_locale(_only_subtags(text), sep="-")
    except ValueError:
        raise UnknownTag(f"{text!r} is not a language tag: write it like de, pt-BR or zh-Hant (BCP 47)") from None
    names = Locale("en")
    if language not in names.languages:
        raise UnknownTag(f"{text!r} names no language: {language!r} is not an ISO 639 code such as de, fr or pt")
    if any(more) or (region and region not in names.territories) or (script and script not in names.scripts):
        raise UnknownTag(f"{text!r} is not language, script and region alone: write it like de, pt-BR or zh-Hant")
    return Tag(language, script, region)


def _only_subtags(text: str) -> str:
    subtags = text.strip().replace("_", "-")
    if not subtags.isascii() or not subtags.replace("-", "").isalnum():  # Babel would drop `.UTF-8` and `@euro` unsaid
        raise ValueError(text)
    return subtags


def serves(text: Tag, reader: Tag) -> bool:
    """Whether a text in the language `text` may be given to a `reader` as it is.

    True for the same language in the same script (`es` for `es-MX`, `de` for `de-AT`); never `zh` for `zh-TW`,
    nor Brazil's Portuguese for Portugal's readers.
    """
    written, wanted = likely(text), likely(reader)
    if written.language in _WRITTEN_DIFFERENTLY:
        return written == wanted
    return (written.language, written.script) == (wanted.language, wanted.script)


def best_match(reader: Tag, offered: Iterable[Tag]) -> Tag | None:
    """The offered tag whose text a reader is given: the same tag, else the same in full, else the bare language."""
    tags = tuple(offered)
    if reader in tags:
        return reader
    same = [tag for tag in tags if likely(tag) == likely(reader)]
    parents = [tag for tag in tags if tag.region is None and serves(tag, reader)]
    return next(iter(same + parents), None)


@lru_cache(maxsize=1024)
def likely(tag: Tag) -> Tag:
    """The tag with CLDR's likely script and region filled in: `zh-TW` → `zh-Hant-TW`, `pt` → `pt-Latn-BR`.

    Tags that are alike in full name the same language.
    """
    likely = get_global("likely_subtags")
    parts = [part for part in (tag.language, tag.script, tag.region) if part]
    keys = ("_".join(parts), "_".join([tag.language, tag.region or tag.language]), tag.language)
    entry = next((likely[key] for key in keys if key in likely), None)
    if entry is None:
        return tag
    language, script, region = entry.split("_")[:3]
    return Tag(language, tag.script or script, tag.region or region)


@lru_cache(maxsize=1024)
def _locale(tag: Tag) -> Locale:
    try:
        return Locale.parse(str(tag), sep="-")
    except UnknownLocaleError:
        return Locale.parse(tag.language)
