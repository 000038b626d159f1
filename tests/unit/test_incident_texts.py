"""What people get about incidents, in every language of the catalogues, under every shipped policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.channels import Email, Reference
from service.channels.phones import PhoneRules
from service.core.enums import Channel
from service.core.language_tags import Tag, parse_tag
from service.escalate.codeless import without_code
from service.escalate.incident import Contact
from service.escalate.items import Outgoing
from service.escalate.policies import read_policies
from service.escalate.policy import PAGING, EscalationPolicy, Role
from service.escalate.wording import SenderDetails, Wording
from service.language import Translation
from service.language.embedded.catalogue import read_catalogues
from service.messages.forms import parse_form
from service.messages.segments import segments_of
from service.messages.templates import read_templates
from tests.unit import incidents

ROOT = Path(__file__).parents[2]
TEMPLATES = read_templates(ROOT / "templates")
CATALOGUES = read_catalogues(ROOT / "templates" / "catalogues")
POLICIES = read_policies(ROOT / "rules" / "escalation", TEMPLATES.names)
LANGUAGES = ("en", "de", "es", "fr", "it", "pt-BR")
SIXTY = "Pump 3 in the cellar stands under water and nobody is there!"
SENT = {
    "code": "4107",
    "description": SIXTY,
    "about": "Pump 3 in the cellar stands under...",
    "url": "",
    "owner": "Ann Example",
    "next": "Ben Sample",
    "time": "03:12",
    "words": "maybe later",
    "thing": "4107 Pump 3 in the cellar stands under...",
    "asked": "Ben Sample",
    "next_time": "03:40",
    "codes": "41 Disk full db1, 42 Gate open",
    "count": 2,
    "help": "ops@example.com",
    "link": "https://ex.am/a/k7Qm3xWp2a",
    "name": "Ann",
}
BEFORE = "Example Ltd: "


def said(template: str, language: str) -> str:
    """The SMS frame of a template in a language, its slots still open."""
    source = TEMPLATES.get(template).sms.source
    if language == "en":
        return source
    answer = CATALOGUES.translate(source, Tag("en"), parse_tag(language))
    assert isinstance(answer, Translation), (template, answer)
    return answer.text


def worded(roles: frozenset[Role]) -> Iterator[tuple[str, EscalationPolicy, Role, str]]:
    """Every message of a role that a shipped policy can send, by each of its levels."""
    for name in POLICIES.names:
        policy = POLICIES.get(name)
        for role in sorted(roles & policy.roles):
            for template in sorted({policy.template(role, level) for level in range(1, len(policy.levels) + 1)}):
                yield name, policy, role, template


PAGES = sorted({template for _, _, _, template in worded(PAGING)})
ALL = sorted({template for _, _, _, template in worded(frozenset(Role))})
ANSWERS = sorted(name for name in TEMPLATES.names if name.startswith(("ask-", "answer-")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", PAGES)
def test_every_paging_text_names_its_code_beside_the_keyword_and_is_one_part(template: str, language: str) -> None:
    frame = said(template, language)
    yes = {"en": "YES", "de": "JA", "es": "SI", "fr": "OUI", "it": "SI", "pt-BR": "SIM"}[language]
    assert f"{yes} {{{{ code }}}}" in frame
    text = BEFORE + parse_form(frame).fill(SENT, Tag("en")).strip()
    counted = segments_of(text)
    assert (counted.encoding, counted.count) == ("GSM-7", 1), (counted.units, text)


@pytest.mark.parametrize("template", PAGES)
def test_what_is_read_out_names_its_code_too(template: str) -> None:
    voice = TEMPLATES.get(template).voice
    assert voice is not None
    assert "code" in voice.names


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("template", [*ALL, *ANSWERS])
def test_every_text_is_in_every_catalogue(template: str, language: str) -> None:
    for text in TEMPLATES.get(template).texts:
        assert isinstance(CATALOGUES.translate(text, Tag("en"), parse_tag(language)), Translation), text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", [*ALL, *ANSWERS])
def test_no_text_takes_more_than_three_parts(template: str, language: str) -> None:
    text = BEFORE + parse_form(said(template, language)).fill(SENT, Tag("en")).strip()
    assert segments_of(text).count <= 3


def test_every_question_of_a_policy_is_in_its_words() -> None:
    asked = {name: {policy.template(role, 1)} for name, policy, role, _ in worded(frozenset({Role.ASK}))}
    assert asked["approval"] == {"approval-ask"}
    assert asked["medicine"] == {"medicine-ask"}
    for _, _, _, template in worded(frozenset({Role.ASK})):
        assert TEMPLATES.get(template).sms.names >= {"code", "about"}


@pytest.mark.parametrize("name", ["approval", "medicine", "assignment"])
def test_nobody_under_these_policies_reads_of_incidents(name: str) -> None:
    policy = POLICIES.get(name)
    for level in range(1, len(policy.levels) + 1):
        for role in policy.roles:
            template = TEMPLATES.get(policy.template(role, level))
            assert not any("ncident" in text for text in template.texts), (role, template.name)


@pytest.mark.parametrize("template", [*ALL, *ANSWERS])
def test_nothing_is_promised_that_is_not_done_and_nobody_is_blamed(template: str) -> None:
    for text in TEMPLATES.get(template).texts:
        for phrase in ("logged", "review", "have not answered", "REMINDER", "will be escalated"):
            assert phrase not in text


def test_an_sms_begins_with_the_senders_name_unless_the_template_places_it() -> None:
    wording = Wording(
        TEMPLATES, CATALOGUES, PhoneRules(reserved_allowed=True), SenderDetails("Example Ltd", "ops@example.com")
    )
    sms = wording.sms(
        "+447700900123", "en", ("answer-help", "answer-help-contact"), {}, Reference("answer-1", 1, urgent=True)
    )
    assert sms.text == (
        "Example Ltd: This number asks whether you can take an incident. Reply STOP to get no more messages.\n"
        "Help: ops@example.com"
    )


@pytest.mark.parametrize(
    ("house", "contact", "says"),
    [
        (SenderDetails(number="+447418340000"), incidents.ANN, "Text YES 123 or NO 123 to +447418340000."),
        (SenderDetails(number="+447418340000", reads_mail=True), incidents.ANN, "Answer this email with YES or NO."),
        (SenderDetails(), incidents.ANN, "Answers to this email are not read."),
        (
            SenderDetails(number="+447418340000"),
            Contact(1, email="ann@example.com"),
            "Answers to this email are not read.",
        ),
    ],
)
def test_a_mail_that_nobody_reads_the_answer_to_names_the_number_to_text(
    house: SenderDetails, contact: Contact, says: str
) -> None:
    wording = Wording(TEMPLATES, CATALOGUES, PhoneRules(reserved_allowed=True), house)
    incident = incidents.opened([contact], incidents.policy(incidents.level(1, channels=[Channel.EMAIL])))
    page = Outgoing(incident.id, 1, Role.PAGE, 1, 1, Channel.EMAIL)
    mail = wording.of_message(incident, page, Reference("page", 1), incidents.START)
    assert isinstance(mail, Email)
    assert says in mail.text
    assert ("Text YES" in mail.text) == says.startswith("Text")


@pytest.mark.parametrize("role", sorted(PAGING))
@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "To answer, text YES 1, 0 or NO 1, 0."),
        ("de", "Zum Antworten schicken Sie eine SMS mit JA 1, 0 oder NEIN 1, 0."),
    ],
)
def test_a_call_says_what_to_text(role: Role, language: str, says: str) -> None:
    wording = Wording(TEMPLATES, CATALOGUES, PhoneRules(reserved_allowed=True))
    incident = incidents.opened([replace(incidents.ANN, language=language)])
    incident = replace(incident, pages=tuple(replace(page, code=10) for page in incident.pages))
    call = wording.of_message(
        incident, Outgoing(incident.id, 1, role, 1, 1, Channel.VOICE), Reference("call", 1), incidents.START
    )
    assert call is not None
    assert says in call.text


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "it", "pt-BR"])
def test_who_has_no_phone_reads_no_code_and_nothing_to_type(language: str) -> None:
    wording = Wording(TEMPLATES, CATALOGUES, PhoneRules(reserved_allowed=True))
    contacts = [Contact(1, email="ann@example.com", language=language), incidents.BEN]
    for name in ("default", "approval", "medicine", "assignment"):
        policy = POLICIES.get(name)
        incident = replace(incidents.opened(contacts, policy), id="01JX7", description="Disk full db1")
        for role in policy.roles:
            outgoing = Outgoing(incident.id, 1, role, 1, 1, Channel.EMAIL)
            mail = wording.of_message(incident, outgoing, Reference("page", 1), incidents.START)
            assert isinstance(mail, Email)
            assert "Disk full db1" in mail.text + mail.subject, (name, role, mail.text)
            assert "01JX7" not in mail.text + mail.html, (name, role, mail.text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "{{ owner }} has {{ code }} ({{ about }}). You need not do anything.",
            "{{ owner }} has {{ about }}. You need not do anything.",
        ),
        (
            "Nobody has taken {{ code }} ({{ about }}) yet. To take it, reply YES {{ code }}.",
            "Nobody has taken {{ about }} yet.",
        ),
        ("Jetzt wird gefragt: {{ next }} ({{ code }}, {{ about }}).", "Jetzt wird gefragt: {{ next }} ({{ about }})."),
        (
            "{{ code }} ist schon übernommen ({{ owner }}; {{ about }}).",
            "{{ about }} ist schon übernommen ({{ owner }}).",
        ),
        ("{{ next }} is asked now: {{ about }} ({{ code }}).", "{{ next }} is asked now: {{ about }}."),
        ("Reply YES {{ code }} once it is over", "Reply YES {{ code }} once it is over"),
    ],
)
def test_a_sentence_without_its_code(text: str, says: str) -> None:
    assert without_code(text) == says
