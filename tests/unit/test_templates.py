"""Message templates: names and filters, nothing else; every channel in the reader's own way of writing."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from service.core.enums import Lane
from service.core.language_tags import Tag, parse_tag
from service.messages.forms import FormRefused, NotFilled, parse_form
from service.messages.render import Rendition, TooLong, email_text, preview, rendition, sms_text, voice_text
from service.messages.segments import Encoding
from service.messages.templates import NoSuchTemplate, Template, TemplateRefused, announcement, read_templates

SHIPPED = Path(__file__).parents[2] / "templates"
EN, DE, FR = parse_tag("en"), parse_tag("de"), parse_tag("fr")


def said(text: str, variables: dict[str, object], locale: Tag = EN) -> str:
    return parse_form(text).fill(variables, locale)


def of(template: Template, language: Tag = EN, translated: dict[str, str] | None = None) -> Rendition:
    return rendition(template, language, "source", translated or {})


def write(folder: Path, **files: str) -> Path:
    """A templates folder that holds one template, `welcome`."""
    (folder / "welcome").mkdir()
    for name, content in files.items():
        (folder / "welcome" / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("{{ name }}", EN, "Ada"),
        ("{{driver.name}} ({{ driver.age }})", EN, "Grace (36)"),
        ("{{ flat.name }}", EN, "flat"),
        ("{{ due | date }}", EN, "May 10, 2026"),
        ("{{ due | date }}", DE, "10. Mai 2026"),
        ("{{ due|date('short') }}", DE, "10.05.26"),
        ("{{ iso | date }}", FR, "10 mai 2026"),
        ("{{ total | number }}", DE, "1.234,5"),
        ("{{ total | number }}", EN, "1,234.5"),
        ('{{ total | money("EUR") }}', DE, "1.234,50\u00a0€"),
        ("{{ total | money('JPY') }}", EN, "¥1,234"),
        ("{{ total }}", DE, "1234.50"),
        ("a } b }} c", EN, "a } b }} c"),
    ],
)
def test_a_slot_is_filled_in_the_readers_way_of_writing(text: str, locale: Tag, expected: str) -> None:
    variables = {
        "name": "Ada",
        "driver": {"name": "Grace", "age": 36},
        "flat.name": "flat",
        "due": date(2026, 5, 10),
        "iso": "2026-05-10T23:30:00+02:00",
        "total": Decimal("1234.50"),
    }
    assert said(text, variables, locale) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 1000000000 }}",
        "{{ name.__class__() }}",
        "{{ range(9) }}",
        "{% for x in y %}{% endfor %}",
        "{{ name | upper }}",
        "{{ name | date | number }}",
        "{{ name",
        "{{ }}",
        "{{ a[0] }}",
        "{{ total | money }}",
        "{{ total | money('EURO') }}",
        "{{ total | number('x') }}",
        "{{ due | date('sideways') }}",
        "{{ {{ name }} }}",
    ],
)
def test_anything_but_a_name_and_a_filter_is_refused(text: str) -> None:
    with pytest.raises(FormRefused):
        parse_form(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{{ when | default(soon) }}", 'write default("soon")'),
        ("{{ when | default(“soon”) }}", 'write default("soon")'),
        ('{{ when | default "soon" }}', 'write default("soon")'),
        ("{{ when | default: 'soon' }}", 'write default("soon")'),
        ("{{ when | date | default(very soon) }}", 'write default("very soon")'),
        ("{{ total | money(EUR) }}", 'write money("EUR")'),
        ("{{ when | default(soon }}", 'write default("soon")'),
        ("{{ when | default() }}", 'write default("…")'),
        ("{{ when | mony(EUR) }}", "there is no filter 'mony'"),
    ],
)
def test_an_option_without_quotes_is_answered_with_what_to_write(text: str, written: str) -> None:
    with pytest.raises(FormRefused, match=re.escape(written)):
        parse_form(text)


def test_a_refusal_says_where(tmp_path: Path) -> None:
    folder = write(tmp_path, sms__txt="Hello {{ name }},\nyou owe {{ total | mony('EUR') }}.")
    with pytest.raises(TemplateRefused, match=r"sms\.txt:2:9: there is no filter 'mony'"):
        read_templates(folder)


@pytest.mark.parametrize("variables", [{}, {"driver": {}}, {"driver": "Ada"}, {"driver": {"name": None}}])
def test_a_missing_variable_is_named(variables: dict[str, object]) -> None:
    template = announcement("Hello {{ driver.name }}", EN)
    assert template.missing(variables) == {"driver.name"}
    with pytest.raises(NotFilled, match=r"'driver\.name' is missing"):
        sms_text(of(template), variables)


@pytest.mark.parametrize(
    ("text", "value"),
    [("{{ x | date }}", "soon"), ("{{ x | number }}", "many"), ("{{ x | number }}", "NaN"), ("{{ x }}", ["a"])],
)
def test_a_value_that_does_not_fit_its_filter_is_named(text: str, value: object) -> None:
    with pytest.raises(NotFilled, match="'x' is not"):
        said(text, {"x": value})


def test_output_is_bounded() -> None:
    with pytest.raises(NotFilled, match="2,001 characters"):
        said("{{ x }}", {"x": "a" * 2001})
    with pytest.raises(TooLong, match="SMS"):
        sms_text(of(announcement("{{ x }}" * 2, EN)), {"x": "a" * 900})
    with pytest.raises(TooLong, match="voice"):
        voice_text(of(announcement("{{ x }}" * 2, EN)), {"x": "a" * 1600})


def test_a_line_whose_only_slot_is_empty_is_left_out_of_every_channel() -> None:
    what = of(announcement("Pump 1\n{{ url }}\nReply YES.", EN))
    assert sms_text(what, {"url": ""}) == "Pump 1\nReply YES."
    assert sms_text(what, {"url": "https://x.example"}) == "Pump 1\nhttps://x.example\nReply YES."
    assert "Pump 1<br>\nReply YES." in email_text(what, {"url": ""}).html


class TextOf(HTMLParser):
    """What a reader of the HTML sees."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.text, self.tags = "", list[str]()
        self.feed(document)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    @override
    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_whatever_a_name_holds_arrives_as_that_name_and_as_nothing_else(name: str) -> None:
    what = of(announcement("Dear {{ name }}!", EN, "About {{ name }}"))
    email = email_text(what, {"name": name})
    seen, plain = TextOf(email.html), TextOf(email_text(what, {"name": "Ada"}).html)
    assert f"Dear {name}!" in seen.text
    assert seen.tags == plain.tags
    assert email.text.strip() == f"Dear {name}!".strip()
    assert email.subject == f"About {name}"


def test_a_name_that_is_markup_arrives_escaped_in_html_and_as_it_is_elsewhere() -> None:
    shown = preview(of(announcement("Dear {{ name }}", EN)), {"name": "<b>Tom & Co</b>"})
    assert "Dear &lt;b&gt;Tom &amp; Co&lt;/b&gt;" in shown.email.html
    assert "<b>Tom" not in shown.email.html
    assert shown.sms == shown.voice == shown.email.text.strip() == "Dear <b>Tom & Co</b>"


def test_a_number_with_no_break_spaces_does_not_turn_an_sms_into_ucs_2() -> None:
    shown = preview(of(announcement("Total: {{ x | money('EUR') }}", FR), FR), {"x": "1234567.5"})
    assert shown.sms == "Total: 1 234 567,50 €"
    assert shown.segments.encoding is Encoding.GSM_7


EMAIL = """<html><head><style>p { color: red } @media (max-width: 9em) { p { color: blue } }</style>
<title>Hi {{ name }}</title></head>
<body><p>Dear {{ name }}, welcome &amp; enjoy.</p>
<p><a href="{{ url }}">Open</a> it by {{ due | date }}.</p></body></html>"""


def test_styles_are_inlined_once_and_slots_survive_it(tmp_path: Path) -> None:
    template = read_templates(write(tmp_path, sms__txt="Hi {{ name }}", email__html=EMAIL)).get("welcome")
    email = email_text(of(template), {"name": "A<b", "url": "https://x.example/?a=1&b=2", "due": "2026-05-10"})
    assert re.search(r'<p style="color:\s*red;?">Dear A&lt;b, welcome', email.html)
    assert "@media (max-width: 9em)" in email.html
    assert '<a href="https://x.example/?a=1&amp;b=2">Open</a> it by May 10, 2026.' in email.html
    assert email.text == "Dear A<b, welcome & enjoy.\n\nOpen (https://x.example/?a=1&b=2) it by May 10, 2026.\n"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", " javascript:x", "//evil.example"])
def test_a_link_can_not_be_made_to_run_code(url: str, tmp_path: Path) -> None:
    template = read_templates(write(tmp_path, sms__txt="Hi", email__html=EMAIL)).get("welcome")
    with pytest.raises(NotFilled, match="no link"):
        email_text(of(template), {"name": "x", "url": url, "due": "2026-05-10"})


@pytest.mark.parametrize("document", ["<p class={{ x }}>a</p>", "<p {{ x }}>a</p>", "<script>{{ x }}</script>"])
def test_a_slot_where_it_could_become_markup_is_refused(document: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateRefused):
        read_templates(write(tmp_path, sms__txt="Hi", email__html=document))


def test_every_text_of_a_template_is_translated_and_its_slots_stay(tmp_path: Path) -> None:
    files = {"sms__txt": "Hi {{ name }}", "email__subject__txt": "News", "voice__txt": "Hello", "email__html": EMAIL}
    template = read_templates(write(tmp_path, **files)).get("welcome")
    german = {
        "Hi {{ name }}": "Hallo {{ name }}",
        "News": "Neues",
        "Hello": "Guten Tag",
        "Dear {{ name }}, welcome & enjoy.": "Willkommen, {{ name }} & viel Spaß.",
        "<1>Open</1> it by {{ due | date }}.": "Bis {{ due | date }} <1>öffnen</1>.",
    }
    assert template.texts == tuple(german)
    shown = preview(of(template, DE, german), {"name": "Ada", "url": "https://x.example", "due": "2026-05-10"})
    assert (shown.sms, shown.email.subject, shown.voice) == ("Hallo Ada", "Neues", "Guten Tag")
    assert "Willkommen, Ada &amp; viel Spaß." in shown.email.html
    assert 'Bis 10. Mai 2026 <a href="https://x.example">öffnen</a>.' in html.unescape(shown.email.html)
    assert "Dear" not in shown.email.html


def test_a_text_without_a_template_gets_the_layout_and_its_first_words_as_subject() -> None:
    text = "The company is adding a new item to the menu, and this will go live by May 10. Please plan accordingly."
    email = email_text(of(announcement(text, EN)), {})
    assert email.subject == "The company is adding a new item to the menu, and this will go live by May …"
    assert '<html lang="en" dir="ltr"' in email.html
    assert email.text.strip() == text


def test_settings_say_lane_digest_and_language(tmp_path: Path) -> None:
    folder = write(tmp_path, sms__txt="Hi", template__yaml="lane: transactional\ndigest: 5m\nlanguage: pt-BR\n")
    template = read_templates(folder).get("welcome")
    assert (template.lane, template.digest) == (Lane.TRANSACTIONAL, timedelta(minutes=5))
    assert str(template.language) == "pt-BR"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("lane: express", "lane must be one of incident, transactional, bulk"),
        ("digest: soon", "digest must be a duration such as 5m"),
        ("digest: 0s", "is not between 1s and 999d"),
        ("language: klingon", "language: 'klingon'"),
        ("colour: red", "there is no setting 'colour'"),
        ("- a", "must hold lines like"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_setting_that_does_not_fit_is_named_with_its_file(settings: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateRefused, match=message) as refused:
        read_templates(write(tmp_path, sms__txt="Hi", template__yaml=settings))
    assert "template.yaml" in str(refused.value)


@pytest.mark.parametrize("file", ["sms__txt", "voice__txt", "email__subject__txt"])
def test_a_text_that_says_nothing_is_named_with_its_file(file: str, tmp_path: Path) -> None:
    texts = {"sms__txt": "Hi", file: "\u200b…"}
    with pytest.raises(TemplateRefused, match=f"{file.replace('__', '.')}: says nothing"):
        read_templates(write(tmp_path, **texts))


def test_a_misspelt_template_is_answered_with_the_nearest(tmp_path: Path) -> None:
    templates = read_templates(write(tmp_path, sms__txt="Hi"))
    with pytest.raises(NoSuchTemplate, match="did you mean 'welcome'"):
        templates.get("wellcome")


def test_every_shipped_template_can_be_previewed_on_every_channel() -> None:
    templates = read_templates(SHIPPED)
    assert {"follow-up", "unhappy-lead", "incident-page"} <= set(templates.names)
    for name in templates.names:
        template = templates.get(name)
        variables = {variable: "x" for form in template.forms for variable in form.names}
        shown = preview(of(template), variables)
        assert shown.sms
        assert shown.email.subject
        assert shown.segments.encoding is Encoding.GSM_7, name


QUERY = '<a href="https://x.example/find?q={{ name }}&amp;in={{ place }}">Find</a>'


def filled_link(tmp_path: Path, **values: object) -> tuple[str, str]:
    """The address in the HTML of a template, and its plain part."""
    folder = write(tmp_path, sms__txt="Hi", email__html=f"<html><body><p>{QUERY}</p></body></html>")
    template = read_templates(folder).get("welcome")
    email = email_text(of(template), values)
    (address,) = re.findall(r'href="([^"]*)"', email.html)
    return html.unescape(address), email.text


def test_a_value_is_one_parameter_of_a_link(tmp_path: Path) -> None:
    address, plain = filled_link(tmp_path, name="A&bcc=x@y?#%", place="Bad Homburg")
    assert address == "https://x.example/find?q=A%26bcc%3Dx%40y%3F%23%25&in=Bad%20Homburg"
    assert address in plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://x.example/?q={{ name }}&r={{ name }}", "See https://x.example/?q=a%20%26&r=a%20%26"),
        ("Why? {{ name }}", "Why? a &"),
        ("See https://x.example/?q=1 {{ name }}", "See https://x.example/?q=1 a &"),
        ("See {{ url }}", "See https://x.example/?a=1&b=2"),
    ],
)
def test_a_value_in_a_text_is_one_parameter_only_within_an_address(text: str, expected: str) -> None:
    values = {"name": "a &", "url": "https://x.example/?a=1&b=2"}
    assert sms_text(of(announcement(text, EN)), values) == expected
    assert email_text(of(announcement(text, EN)), values).text == expected


def test_an_address_that_a_value_holds_is_a_link_in_a_letter_of_our_own() -> None:
    values = {"url": "https://x.example/?a=1&b=2", "name": "B"}
    letter = email_text(of(announcement("See {{ url }} or {{ name }}", EN)), values)
    (link,) = re.findall(r'<a ([^>]*href="https://x.example/\?a=1&amp;b=2")', letter.html)
    assert "color: " in link, "it looks like the others"


def test_a_template_says_where_answers_go(tmp_path: Path) -> None:
    folder = write(tmp_path, sms__txt="Hi", template__yaml="reply_to: help@example.com")
    assert read_templates(folder).get("welcome").reply_to == "help@example.com"
    (folder / "welcome" / "template.yaml").write_text("reply_to: nobody")
    with pytest.raises(TemplateRefused, match="reply_to is not an email address"):
        read_templates(folder)
