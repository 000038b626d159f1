"""Actions: the closed list of verbs, what each becomes, and what is said about a wrong one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from service.decide import language
from service.decide.findings import Flaw
from service.decide.ruleset import (
    Accept,
    Action,
    Adjustment,
    Cap,
    Emit,
    FactPath,
    FlagForReview,
    Notify,
    OpenIncident,
    Percent,
    Place,
    Reject,
    RuleContact,
    SetTo,
    Text,
)
from tests.unit.rule_files import HEAD, action, file_with, sound, the_only

AT = Place(16, 11)


def text(*parts: str | FactPath) -> Text:
    return Text(parts)


NAME = FactPath("driver.name")

SOUND: list[tuple[str, Action]] = [
    ("accept", Accept(AT)),
    ("{set: car.color, to: NO}", SetTo("car.color", "NO", AT)),
    ("{set: car.color, to: 'a {{driver.name}}'}", SetTo("car.color", text("a ", NAME), AT)),
    ("{set: driver.age, to: 20}", SetTo("driver.age", 20, AT)),
    ("{set: driver.married, to: false}", SetTo("driver.married", False, AT)),
    ("{set: driver.since, to: 2026-05-10}", SetTo("driver.since", date(2026, 5, 10), AT)),
    ("{set: policy.premium, to: 5}", SetTo("policy.premium", Decimal("5.00"), AT)),
    ("{increase: policy.premium, by: 20%}", Adjustment("policy.premium", 1, Percent(Decimal(20)), AT)),
    ("{increase: policy.premium, by: 2.5 %}", Adjustment("policy.premium", 1, Percent(Decimal("2.5")), AT)),
    ("{by: 5.00, decrease: policy.premium}", Adjustment("policy.premium", -1, Decimal(5), AT)),
    ("{increase: driver.age, by: 1}", Adjustment("driver.age", 1, Decimal(1), AT)),  # below the minimum, yet sound
    ("{cap: policy.premium, at: 1000}", Cap("policy.premium", Decimal(1000), AT)),
    ('{flag for review: "Look at {{ driver.name }}!"}', FlagForReview(text("Look at ", NAME, "!"), AT)),
    ("{reject: Too young}", Reject(text("Too young"), AT)),
    ("{emit: lead-won}", Emit("lead-won", AT)),
    ("{notify: follow-up, audience: sales}", Notify("follow-up", text("sales"), (), {}, AT)),
    ("{notify: x, recipients: [ui101, '{{ driver.name }}'], variables: {who: '{{ driver.name }}'}}",
     Notify("x", None, (text("ui101"), text(NAME)), {"who": text(NAME)}, AT)),
    ('{open incident: Leak, contacts: ["+447700900123", ui101]}',
     OpenIncident(
         text("Leak"), "default", (RuleContact(phone=text("+447700900123")), RuleContact(text("ui101"))), None, AT)),
    ("{open incident: Leak, contacts: [{roster: pumps}, {roster: '{{ driver.name }}'}]}",
     OpenIncident(
         text("Leak"), "default", (RuleContact(roster=text("pumps")), RuleContact(roster=text(NAME))), None, AT)),
    ("{open incident: Leak, policy: night}", OpenIncident(text("Leak"), "night", (), None, AT)),
    ('{open incident: Leak, policy: approval, url: "https://example.com/{{ driver.age }}", contacts: '
     '[{name: Ann, phone: "+447700900123", language: de, email: a@example.com}, {recipient: "{{ driver.name }}"}]}',
     OpenIncident(text("Leak"), "approval", (
         RuleContact(None, text("Ann"), text("+447700900123"), text("de"), text("a@example.com")),
         RuleContact(text(NAME)),
     ), text("https://example.com/", FactPath("driver.age")), AT)),
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), SOUND, ids=[written for written, _ in SOUND])
def test_an_action_means_what_it_says(written: str, meant: Action) -> None:
    assert action(written) == meant


def test_several_actions_keep_their_order() -> None:
    then = sound(file_with(then="[accept, {emit: a}, {emit: b}]")).rules[0].then
    assert [type(one) for one in then] == [Accept, Emit, Emit]


INCREASE = "write {increase: policy.premium, by: 20%}"
NOBODY = "nobody would be paged by it: correct it, or leave it out"
WRONG = [
    ("{increse: policy.premium, by: 20%}", 12, Flaw.UNKNOWN_VERB, 'unknown verb "increse"', 'did you mean "increase"?'),
    ("acept", 11, Flaw.UNKNOWN_VERB, 'unknown verb "acept"', 'did you mean "accept"?'),
    ("{run: x}", 12, Flaw.UNKNOWN_VERB, 'unknown verb "run"', "known: accept, set, increase, decrease, cap, "
     "flag for review, reject, notify, open incident, emit"),
    ("reject", 11, Flaw.SYNTAX, '"reject" needs to say what it acts on', "write {reject: …}"),
    ("{accept: true}", 12, Flaw.SYNTAX, "accept stands alone", "write then: [accept]"),
    ("{emit: a, reject: b}", 21, Flaw.SYNTAX, 'one action has one verb, here are "emit" and "reject"',
     "begin a new action with - or its own { }"),
    ("{emit: a, with: {b: x, b.c: y}}", 34, Flaw.SYNTAX, '"b.c" is within "b", which is a text: give one of them '
     "another name", None),
    ('{emit: a, with: {"": x}}', 28, Flaw.SYNTAX, '"" cannot be the name of data',
     "write it like amount or order.amount: letters, digits, - and _, and points between"),
    ("{increase: policy.premium, by: 1, bye: 20%}", 45, Flaw.SYNTAX, 'unknown key "bye" in the action "increase"',
     'did you mean "by"?'),
    ("{increase: policy.premium}", 11, Flaw.SYNTAX, 'this action lacks "by"', INCREASE),
    ("{increase: policy.premum, by: 1}", 22, Flaw.UNKNOWN_FACT, 'unknown fact "policy.premum"',
     'did you mean "policy.premium"?'),
    ("{increase: car.color, by: 1}", 11, Flaw.TYPE, "car.color is a text; only a number can be changed by increase",
     None),
    ("{increase: policy.premium, by: 5.001}", 42, Flaw.TYPE,
     "policy.premium: 5.001 has more than 2 digits after the point", None),
    ("{increase: driver.age, by: 0.5}", 38, Flaw.TYPE, "driver.age: 0.5 is not a whole number", None),
    ("{increase: policy.premium, by: -5}", 42, Flaw.TYPE, "-5 would not change anything that way",
     "write a number above 0, with increase or decrease for the direction"),
    ("{increase: policy.premium, by: 0%}", 42, Flaw.TYPE, "0% would not change anything that way",
     "write a number above 0, with increase or decrease for the direction"),
    ("{increase: policy.premium, by: much}", 42, Flaw.TYPE, '"much" is neither a number nor a percentage',
     "write 5.00 or 20%"),
    ("{increase: policy.premium, by: policy.premium}", 42, Flaw.TYPE,
     '"policy.premium" is neither a number nor a percentage', "write 5.00 or 20%"),
    ("{cap: policy.premium, at: -1}", 37, Flaw.OUT_OF_RANGE,
     "policy.premium: -1.00 is outside the range of policy.premium (0.00..)", None),
    ("{set: car.style, to: SPORT}", 32, Flaw.UNKNOWN_VALUE,
     'car.style: "SPORT" is not a value of car.style (SPORTS, SEDAN, NO, OR)', 'did you mean "SPORTS"?'),
    ("{set: car.style, to: '{{ car.color }}'}", 32, Flaw.TYPE,
     "car.style has declared values, so a text that reads facts cannot be checked", "set one of its values"),
    ("{set: driver.age, to: 200}", 33, Flaw.OUT_OF_RANGE,
     "driver.age: 200 is outside the range of driver.age (16..110)", None),
    ("{set: car.color, to: 5}", 32, Flaw.TYPE, 'car.color: 5 is not a text; write it in quotes: "5"', None),
    ("{set: driver.age, to: '20'}", 33, Flaw.TYPE, 'driver.age: "20" is a text, not a whole number',
     "write 20 without quotes"),
    ("{set: today, to: 2026-05-10}", 17, Flaw.TYPE, "today is computed and cannot be changed", None),
    ("{flag for review: 'see {{ driver.nme }}'}", 37, Flaw.UNKNOWN_FACT, 'unknown fact "driver.nme"',
     'did you mean "driver.name"?'),
    ("{flag for review: 'see {{ driver.name'}", 34, Flaw.SYNTAX, '"{{" without its other half',
     "write {{ driver.name }}"),
    ("{flag for review: ''}", 29, Flaw.SYNTAX, "the reason must be a text and not empty", None),
    ("{notify: x}", 11, Flaw.SYNTAX, "notify must name an audience or recipients, and not both",
     "write {notify: follow-up, audience: sales}"),
    ("{notify: x, audience: a, recipients: [b]}", 11, Flaw.SYNTAX,
     "notify must name an audience or recipients, and not both", "write {notify: follow-up, audience: sales}"),
    ("{notify: x, recipients: []}", 35, Flaw.SYNTAX, "recipients must name at least one", None),
    ("{notify: ../x, audience: a}", 20, Flaw.SYNTAX, 'the template\'s name cannot be "../x"',
     "use letters, digits, - and _ (an event's name also blanks and points), and begin with a letter or digit"),
    ("{open incident: '\u200b', contacts: [ui101]}", 27, Flaw.SYNTAX,
     "the description says nothing: write at least one letter, digit or emoji", None),
    ("{open incident: x}", 11, Flaw.SYNTAX, 'this action lacks "contacts"',
     'write {open incident: "text", contacts: [{name: Ann, phone: "+447700900123"}]}'),
    ("{open incident: x, contacts: []}", 40, Flaw.SYNTAX, "contacts must name at least one", None),
    ("{open incident: x, contacts: [{name: Ann}]}", 41, Flaw.SYNTAX,
     "a contact is a recipient (its id), a phone or a roster, and only one of them",
     'write {name: Ann, phone: "+447700900123"}'),
    ('{open incident: x, contacts: [{phone: "07700 900123"}]}', 41, Flaw.TYPE,
     "this phone number is not in international form (E.164)",
     'write + and the country code: "+447700900123"'),
    ("{open incident: x, contacts: [{roster: pumps, name: Ann, phone: '+447700900123'}]}", 41, Flaw.SYNTAX,
     "a contact is a recipient (its id), a phone or a roster, and only one of them",
     'write {name: Ann, phone: "+447700900123"}'),
    ("{open incident: x, contacts: [{roster: the pumps}]}", 41, Flaw.TYPE,
     '"the pumps" is no name of a roster: those are of letters, digits, - and _, 64 at most',
     "nobody would be paged by it: correct it, or leave it out"),
    ('{open incident: x, contacts: [{phone: "+4400000"}]}', 41, Flaw.TYPE,
     "the phone number has too few digits for its country", NOBODY),
    ('{open incident: x, contacts: [{phone: "+447700900123", language: "xx-nowhere-at-all"}]}', 41, Flaw.TYPE,
     "'xx-nowhere-at-all' is not a language tag: write it like de, pt-BR or zh-Hant (BCP 47)", NOBODY),
    ("{open incident: x, contacts: [{recipient: 'a b'}]}", 41, Flaw.TYPE,
     '"a b" is no id of a recipient: those are of letters, digits, - and _, 64 at most', NOBODY),
]  # fmt: skip


def test_a_version_published_with_a_number_that_reaches_nobody_still_decides() -> None:
    parsed = language.parse(file_with(then='{open incident: x, contacts: [{phone: "+4400000"}, ui101]}'))
    assert [finding.message for finding in parsed.findings] == ["the phone number has too few digits for its country"]
    assert parsed.ruleset is not None


@pytest.mark.parametrize(("written", "column", "kind", "message", "hint"), WRONG, ids=[wrong[0] for wrong in WRONG])
def test_a_wrong_action_is_told_where_what_and_how_to_mend_it(
    written: str, column: int, kind: Flaw, message: str, hint: str | None
) -> None:
    found = the_only(language.parse(file_with(then=written)))
    assert (found.at, found.kind, found.message, found.hint) == (Place(16, column), kind, message, hint)
    assert found.rule == "R"


def test_a_computed_sentiment_cannot_be_changed() -> None:
    head = HEAD + "  mood: {sentiment of: car.color}\n"
    text = file_with(then="{set: mood.label, to: Positive}", head=head)
    assert the_only(language.parse(text)).message == "mood.label is computed and cannot be changed"
