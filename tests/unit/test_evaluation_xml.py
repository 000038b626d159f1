"""XML requests of the ancestor's callers."""

from __future__ import annotations

from contextlib import suppress
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.evaluations import xml

BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<InsuranceRequest><driver><name>&b;</name></driver></InsuranceRequest>"""
EXTERNAL = b"""<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><InsuranceRequest><a>&x;</a></InsuranceRequest>"""


def test_elements_become_nested_members_and_texts() -> None:
    text = b"<InsuranceRequest>\n <driver><age> 18 </age><name>Bj\xc3\xb6rn</name></driver></InsuranceRequest>"
    assert xml.loads(text) == {"driver": {"age": "18", "name": "Björn"}}


def test_an_empty_element_is_null_and_namespaces_carry_nothing() -> None:
    assert xml.loads(b'<r xmlns="urn:x"><driver><name/></driver></r>') == {"driver": {"name": None}}


@pytest.mark.parametrize(
    "text",
    [
        BILLION_LAUGHS,
        EXTERNAL,
        b"<!DOCTYPE r><r><a>1</a></r>",
        b"",
        b"<r><a></r>",
        b"<r>text</r>",
        b"<r/>",
        b"<r><a>1</a><a>2</a></r>",
        b'<?xml version="1.0" encoding="klingon"?><r><a>1</a></r>',
        b"<r><a>\xff</a></r>",
        b"<a>" * 5000 + b"</a>" * 5000,
    ],
    ids=["bomb", "external", "dtd", "nothing", "unclosed", "text", "empty", "twice", "encoding", "bytes", "deep"],
)
def test_what_cannot_be_read_alike_by_everybody_is_refused(text: bytes) -> None:
    with pytest.raises(xml.NotXml):
        xml.loads(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with suppress(xml.NotXml):
        assert xml.loads(text)


@given(st.text(max_size=50))
def test_every_answer_is_well_formed_and_markup_in_it_stays_text(value: str) -> None:
    answered = fromstring(xml.dumps("policy", {"id": value, "none": None}))
    kept = "".join(letter for letter in value if letter.isprintable())
    assert set(kept) <= set(answered.findtext("id") or "") | {" "}
    assert answered.findtext("none") == ""
