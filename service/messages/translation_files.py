"""What waits for a translation as files that translators work with: gettext's PO, and XLIFF 2.0.

https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
https://docs.oasis-open.org/xliff/xliff-core/v2.0/os/xliff-core-v2.0-os.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring

import polib
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from service.core import TocsinError
from service.messages.translations import WantedTranslation

TranslationFormat = Literal["po", "xliff"]

MAX_BYTES = 32 * 1024 * 1024
"""Size of a file that is read."""

MAX_TAGS = 200_000
"""Of an XLIFF file; a text of ours has about ten, and a parser takes some 7 µs for each."""

MAX_FIELD = 100_000
"""Characters of a text in a PO file; polib takes quadratic time over its lines, as it does over comments."""

NEAR = 0.75
"""How alike two texts are, from 0 to 1, for one to help with the translation of the other."""

MAX_COMPARED = 2_000
"""Characters of a text up to which similar ones are looked for."""

_XLIFF = "urn:oasis:names:tc:xliff:document:2.0"
_XML = "http://www.w3.org/XML/1998/namespace"
_OTHER_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_COMMENTS = re.compile(r"^[ \t]*+#(?![,~]).*$", re.MULTILINE)
"""Lines of a PO file that say nothing about a translation; its flags (`#,`) and what it has given up (`#~`) do."""

_FIELD = re.compile(r"^[ \t]*+(?:#~[ \t]*+)?msg", re.MULTILINE)
_NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotReadable(TocsinError):
    """A file that holds no translations which can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class ExportedText:
    """A text that waits, with its id, and a similar one that a person translated, if there is one."""

    id: str
    text: WantedTranslation
    near: WantedTranslation | None = None


@dataclass(frozen=True, slots=True)
class ReturnedText:
    """A translation in a file: of which text, by id, and what the file has as its source.

    One `in_doubt` is marked as not looked at.
    """

    id: str
    source_text: str
    text: str
    in_doubt: bool


def nearest_translation(text: str, known: Sequence[WantedTranslation]) -> WantedTranslation | None:
    """The most similar text among those that people translated, if one is `NEAR`."""
    from rapidfuzz import fuzz, process

    if len(text) > MAX_COMPARED:
        return None
    others = [other.source_text[:MAX_COMPARED] for other in known]
    best = process.extractOne(text, others, scorer=fuzz.ratio, score_cutoff=100 * NEAR)
    return None if best is None else known[best[2]]


def written_translations(wanted: Sequence[ExportedText], source: str, target: str, form: TranslationFormat) -> str:
    """The texts as a file, from one language into one other."""
    return _po(wanted, target) if form == "po" else _xliff(wanted, source, target)


def read_translations(content: bytes) -> Sequence[ReturnedText]:
    """The translations of a file; `NotReadable`."""
    if len(content) > MAX_BYTES:
        raise NotReadable(f"the file has more than {MAX_BYTES // 1024 // 1024} MB: send it in parts")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotReadable(f"not UTF-8 from byte {error.start}: save it as UTF-8") from error
    return tuple(_of_xliff(text) if text.lstrip().startswith("<") else _of_po(text))


def _po(wanted: Sequence[ExportedText], target: str) -> str:
    file = polib.POFile(wrapwidth=0)
    file.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Language": target}
    file.extend(_entry(each) for each in wanted)
    return f"{file}\n"


def _entry(wanted: ExportedText) -> polib.POEntry:
    text, near = wanted.text, wanted.near
    suggested = text.text or text.draft or (near.text if near is not None else None) or ""
    is_sure = text.text is not None or not suggested
    return polib.POEntry(
        msgctxt=wanted.id,
        msgid=_on_lines(text.source_text),
        msgstr=_on_lines(suggested),
        comment=text.reason,
        flags=[] if is_sure else ["fuzzy"],
        previous_msgid=_on_lines(near.source_text) if near is not None and text.draft is None and not is_sure else None,
    )


def _on_lines(text: str) -> str:
    """The text without what ends lines to Python and polib, and to nobody else."""
    return _OTHER_LINE_ENDS.sub(" ", text)


def _of_po(text: str) -> Iterator[ReturnedText]:
    plain = _COMMENTS.sub("", text)
    if max(map(len, _FIELD.split(plain))) > MAX_FIELD:
        raise NotReadable(f"a text in it has more than {MAX_FIELD:,} characters: leave it out")
    try:
        file = polib.pofile(f"{plain}\n")  # without a line's end it could be the name of a file
    except (OSError, ValueError) as error:
        raise NotReadable(f"it is neither gettext (.po) nor XLIFF: {error}") from error
    for entry in file:
        if not entry.obsolete and entry.msgstr:
            yield ReturnedText(entry.msgctxt or "", entry.msgid, entry.msgstr, in_doubt=entry.fuzzy)


def _xliff(wanted: Sequence[ExportedText], source: str, target: str) -> str:
    root = Element("xliff", {"xmlns": _XLIFF, "version": "2.0", "srcLang": source, "trgLang": target})
    file = SubElement(root, "file", {"id": "tocsin"})
    for each in wanted:
        _add_unit(file, each)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add_unit(file: Element, wanted: ExportedText) -> None:
    text, near = wanted.text, wanted.near
    unit = SubElement(file, "unit", {"id": wanted.id, f"{{{_XML}}}space": "preserve"})
    notes = SubElement(unit, "notes")
    SubElement(notes, "note").text = _in_xml(text.reason)
    if near is not None:
        SubElement(notes, "note").text = _in_xml(f"Similar: {near.source_text} → {near.text}")
    segment = SubElement(unit, "segment", {"state": "initial" if text.text is None else "translated"})
    SubElement(segment, "source").text = _in_xml(text.source_text)
    if suggested := text.text or text.draft:
        SubElement(segment, "target").text = _in_xml(suggested)


def _of_xliff(text: str) -> Iterator[ReturnedText]:
    if (tags := text.count("<")) > MAX_TAGS:
        raise NotReadable(f"the file has {tags:,} tags, more than {MAX_TAGS:,}: send it in parts")
    try:
        root = fromstring(text, forbid_dtd=True)
    except DefusedXmlException as error:
        raise NotReadable("a DTD or an entity is declared: save it without") from error
    except (ParseError, ValueError) as error:
        raise NotReadable(f"it is not well-formed XML: {error}") from error
    if root.tag != f"{{{_XLIFF}}}xliff":
        raise NotReadable("it is no XLIFF 2.0: export it from your tool as XLIFF 2.0, or as .po")
    for unit in root.iter(f"{{{_XLIFF}}}unit"):
        parts = list(unit.iter(f"{{{_XLIFF}}}segment"))
        source, target = ("".join(_content(part, name) for part in parts) for name in ("source", "target"))
        if target:
            in_doubt = any(part.get("state", "initial") == "initial" for part in parts)
            yield ReturnedText(unit.get("id", ""), source, target, in_doubt)


def _content(segment: Element, name: str) -> str:
    element = segment.find(f"{{{_XLIFF}}}{name}")
    return "" if element is None else "".join(element.itertext())


def _in_xml(text: str) -> str:
    return _NOT_IN_XML.sub("", text)
