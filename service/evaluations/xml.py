"""XML in and out for the callers of the ancestor's two calls, which take it beside JSON.

An element with children is an object, one without is a text, an empty one is null. Namespaces and attributes carry
nothing here. DTDs and entities are refused, whatever they say (https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from service.core import MAX_JSON_DEPTH, TocsinError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_UNREPRESENTABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


class NotXml(TocsinError):
    """The text is not XML that can be read as a request."""


def loads(text: bytes) -> Mapping[str, object]:
    """The members of the document's root element; `NotXml` says what is wrong."""
    try:
        root = fromstring(text, forbid_dtd=True)
    except ParseError as error:
        raise NotXml(f"not well-formed: {error}") from error
    except DefusedXmlException as error:
        raise NotXml("a DTD or an entity is declared: send the document without") from error
    except (ValueError, LookupError) as error:
        raise NotXml(f"the encoding cannot be read: {error}") from error
    members = _value(root, MAX_JSON_DEPTH)
    if not isinstance(members, dict):
        raise NotXml(f"<{_name(root)}> holds no elements")
    return members


def dumps(root: str, members: Mapping[str, object]) -> str:
    """A document of one element with a child for each member; null is an empty element."""
    children = "".join(_element(name, value) for name, value in members.items())
    return f"{DECLARATION}<{root}>{children}</{root}>"


def _value(element: Element, left: int) -> dict[str, object] | str | None:
    if left == 0:
        raise NotXml(f"nested deeper than {MAX_JSON_DEPTH} levels")
    if not len(element):
        return (element.text or "").strip() or None
    members: dict[str, object] = {}
    for child in element:
        if _name(child) in members:
            raise NotXml(f"<{_name(child)}> stands twice in <{_name(element)}>")
        members[_name(child)] = _value(child, left - 1)
    return members


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _element(name: str, value: object) -> str:
    return f"<{name}/>" if value is None else f"<{name}>{escape(_representable(str(value)))}</{name}>"


def _representable(text: str) -> str:
    """XML 1.0 has no control characters, escaped or not (https://www.w3.org/TR/xml/#charsets)."""
    return _UNREPRESENTABLE.sub("\ufffd", text)
