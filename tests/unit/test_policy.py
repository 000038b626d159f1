from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.enums import Channel
from service.decide import report
from service.escalate import policy_file
from service.escalate.policy import EscalationPolicy, Level, OnNo, Role
from service.escalate.waits import WaitFor, WaitUntil

SHIPPED = Path(__file__).parents[2] / "rules" / "escalation"


def read(text: str) -> EscalationPolicy:
    parsed = policy_file.parse(text)
    assert parsed.findings == ()
    assert parsed.policy is not None
    return parsed.policy


def complaints(text: str, templates: list[str] | None = None) -> str:
    """What an administrator sees for a refused file."""
    parsed = policy_file.parse(text, templates)
    assert parsed.policy is None
    return report.render(parsed.findings, text, "p.yaml")


@pytest.mark.parametrize("name", ["default", "medicine", "assignment", "approval", "drill"])
def test_the_ready_made_policies_are_without_a_finding(name: str) -> None:
    assert read((SHIPPED / f"{name}.yaml").read_text()).name == name


def test_the_default_policy_is_the_samples_with_its_40_seconds() -> None:
    default = read((SHIPPED / "default.yaml").read_text())
    assert default.levels == (
        Level((1,), (Channel.SMS,), WaitFor(40), 1),
        Level((2,), (Channel.SMS,), WaitFor(40), 1),
    )
    assert default.on_no is OnNo.ESCALATE
    assert default.last_resort == (Channel.EMAIL, Channel.VOICE)
    assert default.template(Role.ALREADY_ACKNOWLEDGED, 1) == "incident-already-acknowledged"


def test_a_no_ends_an_approval() -> None:
    assert read((SHIPPED / "approval.yaml").read_text()).on_no is OnNo.END


def test_a_doctor_reads_another_text_than_the_patient() -> None:
    medicine = read((SHIPPED / "medicine.yaml").read_text())
    assert [medicine.template(Role.PAGE, level) for level in (1, 2)] == ["medicine-page", "medicine-doctor-page"]


@pytest.mark.parametrize("wait", ['until: "08:00"', 'wait: {until: "08:00"}', "until: 08:00"])
def test_a_wait_may_last_until_a_time_of_day(wait: str) -> None:
    policy = read(f"escalation: p\nlevels:\n  - contacts: 1\n    {wait}\n")
    assert policy.levels == (Level((1,), (Channel.SMS,), WaitUntil(8, 0), 1),)


def test_a_level_may_page_who_is_on_call_beside_contacts() -> None:
    first, second = "{contacts: [1, {roster: pumps}], wait: 40s}", "{contacts: {roster: b}, wait: 1m}"
    policy = read(f"escalation: p\nlevels: [{first}, {second}]")
    assert [(level.contacts, level.rosters) for level in policy.levels] == [((1,), ("pumps",)), ((), ("b",))]
    numbered, names = policy.covering(2).numbered(2)
    assert names == ("pumps", "b")
    assert [level.contacts for level in numbered.levels] == [(1, 3), (4,), (2,)]
    assert not any(level.rosters for level in numbered.levels)


@pytest.mark.parametrize(
    ("contacts", "said"),
    [
        ("[{rooster: pumps}]", 'unknown key "rooster" in a contact'),
        ("[{roster: the pumps}]", '"the pumps" is not the name of a roster'),
        ("[{roster: a}, {roster: a}]", "a contact stands twice in this level"),
        ("[{}]", 'the key "roster" is missing'),
    ],
)
def test_a_roster_that_cannot_be_read_is_reported(contacts: str, said: str) -> None:
    assert said in complaints(f"escalation: p\nlevels: [{{contacts: {contacts}, wait: 40s}}]")


FAULTY = """\
escalation: night shift
levels:
  - {contacts: [1], chanels: [sms], wait: 40s}
  - {contacts: [0], channels: [smss], wait: 40 s}
  - {contacts: [2, 2], wait: 99d, reminders: 9}
  - {channels: [sms]}
on_no: escalte
last_resort: {channels: []}
messages: {pages: a, page: incident-pge}
acknowledge_link: yes
on_no: end
"""

COMPLAINTS = """\
p.yaml:1:13: error: "night shift" is not the name of a policy [syntax]
    1 | escalation: night shift
      |             ^
  hint: use letters, digits, - and _, up to 64

p.yaml:3:21: error: unknown key "chanels" in a level [syntax]
    3 |   - {contacts: [1], chanels: [sms], wait: 40s}
      |                     ^
  hint: did you mean "channels"?

p.yaml:4:17: error: a contact must be between 1 and 99, not 0 [out_of_range]
    4 |   - {contacts: [0], channels: [smss], wait: 40 s}
      |                 ^

p.yaml:4:32: error: "smss" is not a channel [unknown_value]
    4 |   - {contacts: [0], channels: [smss], wait: 40 s}
      |                                ^
  hint: did you mean "sms"?

p.yaml:4:45: error: "40 s" is not a duration: write a number and s, m, h or d, such as 40s, 5m, 2h or 1d [type]
    4 |   - {contacts: [0], channels: [smss], wait: 40 s}
      |                                             ^

p.yaml:5:16: error: a contact stands twice in this level [duplicate_key]
    5 |   - {contacts: [2, 2], wait: 99d, reminders: 9}
      |                ^
  hint: keep it once

p.yaml:5:30: error: "99d" is not between 1s and 30d [type]
    5 |   - {contacts: [2, 2], wait: 99d, reminders: 9}
      |                              ^

p.yaml:5:46: error: reminders must be between 0 and 5, not 9 [out_of_range]
    5 |   - {contacts: [2, 2], wait: 99d, reminders: 9}
      |                                              ^

p.yaml:6:5: error: the key "contacts" is missing [syntax]
    6 |   - {channels: [sms]}
      |     ^
  hint: add contacts: [1], counted as the incident lists them

p.yaml:6:5: error: the key "wait" is missing [syntax]
    6 |   - {channels: [sms]}
      |     ^
  hint: write wait: 40s, or until: "08:00" in the contact's time zone

p.yaml:7:8: error: "escalte" is not on_no [unknown_value]
    7 | on_no: escalte
      |        ^
  hint: did you mean "escalate"?

p.yaml:8:25: error: last_resort names no channel [syntax]
    8 | last_resort: {channels: []}
      |                         ^
  hint: write [sms], [sms, email] or the like

p.yaml:9:12: error: unknown key "pages" in messages [syntax]
    9 | messages: {pages: a, page: incident-pge}
      |            ^
  hint: did you mean "page"?

p.yaml:9:28: error: there is no template "incident-pge" [unknown_value]
    9 | messages: {pages: a, page: incident-pge}
      |                            ^
  hint: did you mean "incident-page"?

p.yaml:10:19: error: acknowledge_link must be true or false [syntax]
   10 | acknowledge_link: yes
      |                   ^

p.yaml:11:1: error: the key "on_no" stands here a second time [duplicate_key]
   11 | on_no: end
      | ^
  hint: keep one of them
"""


def test_every_fault_is_shown_at_once_with_its_place_and_a_suggestion() -> None:
    assert complaints(FAULTY, ["incident-page"]) == COMPLAINTS


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file is empty"),
        ("escalation: p", 'the key "levels" is missing'),
        ("escalation: p\nlevels: []", "a policy has 1 to 10 levels, this one 0"),
        ("escalation: p\nlevels: 3", "levels must be a list"),
        ("escalation: p\nlevels: [{contacts: [1], wait: 1s, until: '08:00'}]", 'both "wait" and "until"'),
        ("escalation: p\nlevels: [{contacts: [1], until: '24:00'}]", '"24:00" is not a time of day'),
        ("escalation: p\nlevels: [{contacts: [1], wait: {}}]", 'the key "until" is missing'),
        ("escalation: p\nlevels: [{contacts: [1.5], wait: 1s}]", "a contact must be a whole number"),
        ("escalation: p\nlevels: [{contacts: [1], wait: 0s}]", '"0s" is not between 1s and 30d'),
    ],
)
def test_a_refused_file_says_why(text: str, complaint: str) -> None:
    assert complaint in complaints(text)


def test_a_policy_that_never_pages_the_first_contact_is_a_warning_only() -> None:
    parsed = policy_file.parse("escalation: p\nlevels: [{contacts: [2], wait: 1s}]")
    assert parsed.policy is not None
    assert [finding.severity.value for finding in parsed.findings] == ["warning"]


WORDED = """\
escalation: night
levels:
  - {contacts: [1], wait: 1m}
  - {contacts: [2], wait: 1m, messages: {page: doctor-page, thanks: doctor-thanks}}
messages: {page: own-page, reminder: own-reminder}
"""


def test_a_policy_with_a_page_of_its_own_is_warned_of_every_message_that_is_not_in_its_words() -> None:
    parsed = policy_file.parse(WORDED)
    assert parsed.policy is not None
    assert [(finding.severity.value, finding.at.line) for finding in parsed.findings] == [
        ("warning", 4),
        ("warning", 5),
    ]
    of_level, of_policy = (finding.message for finding in parsed.findings)
    assert of_level.startswith("the page has words of its own, but reminder, declined, noted, escalated, ")
    assert "would come in the words of the policy" in of_level
    assert "thanks, declined, noted" in of_policy
    assert "ended" not in of_policy
    assert "last_resort" not in of_policy


def test_a_policy_that_uses_the_words_of_incidents_is_without_a_warning() -> None:
    text = "escalation: p\nlevels: [{contacts: [1], wait: 1s}]\nmessages: {page: incident-page}"
    assert policy_file.parse(text).findings == ()


@given(st.data())
def test_no_file_whatever_raises_an_error(data: st.DataObject) -> None:
    text = (SHIPPED / "medicine.yaml").read_text()
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 30))
    instead = data.draw(st.text("abc[]{}:,-\"'\n 019&*!|>", max_size=12))
    parsed = policy_file.parse(text[:start] + instead + text[start + length :])
    assert (parsed.policy is None) == any(finding.severity.value == "error" for finding in parsed.findings)
