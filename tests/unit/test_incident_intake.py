import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.phones import PhoneRules
from service.core import exact_json
from service.escalate.intake import GivenContact, IntakeRules, NewIncident, read
from service.http.problems import Problem

RULES = IntakeRules(PhoneRules(reserved_allowed=True), test_domains=True)

DESCRIPTION = "Error 111, unit 1 malfunctioned. Urgent assistance is required."
URL = "https://example.com/incident/111/overview"
SAMPLE = {
    "incident_id": "123",
    "incident_stat": "not_acknowledged",
    "double_escalation": "no",
    "description": DESCRIPTION,
    "url": URL,
    "first_contact": "+447700900123",
    "second_contact": "+447700900456",
}
OWN = {
    "incident_id": "123",
    "description": DESCRIPTION,
    "url": URL,
    "contacts": [{"phone": "+44 7700 900123"}, {"phone": "+447700900456"}],
}


def typed(item: dict[str, str]) -> dict[str, object]:
    return {name: {"S": value} for name, value in item.items()}


def faults(document: object) -> dict[str, str]:
    with pytest.raises(Problem) as refused:
        read(document, RULES)
    return {error.path: error.message for error in refused.value.errors}


def test_the_samples_item_is_read_plain_typed_and_in_our_own_shape_alike() -> None:
    expected = NewIncident(
        "123", DESCRIPTION, (GivenContact(phone="+447700900123"), GivenContact(phone="+447700900456")), URL
    )
    for document in (SAMPLE, typed(SAMPLE), OWN):
        assert read(document, RULES) == expected
    assert len({read(document, RULES).sha256 for document in (SAMPLE, typed(SAMPLE), OWN)}) == 1


def test_the_published_sample_file_is_read() -> None:
    event = Path(__file__).parents[1] / "events" / "incident_item.json"
    assert read(exact_json.loads(event.read_text()), RULES).id == "123"


def test_no_url_means_none() -> None:
    assert read({**SAMPLE, "url": "no url"}, RULES).url is None
    without = {name: value for name, value in SAMPLE.items() if name not in ("url", "second_contact")}
    assert read(without, RULES).contacts == (GivenContact(phone="+447700900123"),)


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Other"},
        {"url": None},
        {"policy": "medicine"},
        {"contacts": [{"phone": "+447700900123"}]},
        {"contacts": [{"phone": "+447700900123", "name": "Ann"}, {"phone": "+447700900456"}]},
        {"callback_url": "https://example.com/hook"},
        {"open_at": "2026-05-10T09:00:00Z"},
    ],
)
def test_other_content_has_another_hash(change: dict[str, object]) -> None:
    assert read({**OWN, **change}, RULES).sha256 != read(OWN, RULES).sha256


@pytest.mark.parametrize(
    "beside",
    [
        {"reference": "ticket-7"},
        {"policy": "medicine"},
        {"callback_url": "https://example.com/hook"},
        {"dedup_key": "pump-4"},
        {"open_at": "2026-05-10T09:00:00Z"},
    ],
)
def test_what_stands_beside_the_samples_members_is_taken(beside: dict[str, str]) -> None:
    expected = read({**OWN, **beside}, RULES)
    assert read({**SAMPLE, **beside}, RULES) == expected
    assert read({**SAMPLE, **typed(beside)}, RULES) == expected


def test_people_are_named_in_one_way() -> None:
    said = faults({**SAMPLE, "contacts": OWN["contacts"]})
    assert said == {"contacts": "Name people by first_contact and second_contact, or by contacts, not both"}


def test_the_id_is_no_part_of_the_content() -> None:
    assert read({**OWN, "incident_id": "124"}, RULES).sha256 == read(OWN, RULES).sha256


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"incident_stat": "acknowledged"}, "incident_stat"),
        ({"double_escalation": "yes"}, "double_escalation"),
        ({"first_contact": "+4479083---"}, "first_contact"),
        ({"second_contact": "07700900456"}, "second_contact"),
        ({"description": {"N": "5"}}, "description"),
        ({"description": " "}, "description"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"incident_id": "a b"}, "incident_id"),
        ({"severity": "high"}, "severity"),
    ],
)
def test_an_item_that_does_not_fit_names_the_field(change: dict[str, object], path: str) -> None:
    assert list(faults({**SAMPLE, **change})) == [path]


@pytest.mark.parametrize(
    "url",
    [
        "http://a..b/",
        f"http://{'a' * 300}/",
        f"http://{'a.' * 150}example/",
        "http://user:pw@h/",
        "http://user@h/",
        "http://@h/",
        "http://xn--/",
        "http://1.2.3.4.5/",
        "http://[fe80::1%25eth0]/",
        "http://h:0/",
        "http://h:65536/",
        "https:example.com",
        "https:///overview",
        "https://example.com/a b",
        "ftp://example.com/",
    ],
)
def test_an_address_that_nobody_could_open_is_refused_in_every_shape(url: str) -> None:
    for document in (OWN, SAMPLE):
        ((path, message),) = faults({**document, "url": url}).items()
        assert path == "url"
        assert "https://" in message or "user or password" in message or "%20" in message


@pytest.mark.parametrize(
    "url", ["http://pump1/", "https://münchen.example/ü?x=y#z", "http://10.0.0.7:8080", "http://[::1]/"]
)
def test_an_address_is_kept_as_it_came(url: str) -> None:
    assert read({**OWN, "url": url}, RULES).url == url


def test_every_fault_is_named_at_once() -> None:
    contacts = [{"name": "Ann"}, {"phone": "+44123", "language": "tlh-xx", "email": "ann@", "timezone": "Mars/Base"}]
    found = faults({**OWN, "contacts": contacts, "url": "example.com"})
    assert found.keys() == {
        "contacts[0]", "contacts[1].phone", "contacts[1].language", "contacts[1].email", "contacts[1].timezone", "url",
    }  # fmt: skip
    assert all("+44123" not in message for message in found.values()), "a refusal repeats no phone number"


def test_a_recipient_is_named_instead_of_a_phone_not_beside_it() -> None:
    assert read({**OWN, "contacts": [{"recipient": "u-1"}]}, RULES).contacts == (GivenContact(recipient="u-1"),)
    assert list(faults({**OWN, "contacts": [{"recipient": "u-1", "phone": "+447700900123"}]})) == ["contacts[0]"]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"contacts": []}, {**OWN, "contacts": [{}] * 21}])
def test_what_is_no_incident_is_refused(document: object) -> None:
    assert faults(document)


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SAMPLE, *OWN, "S"]), inner),
        max_leaves=12,
    )
)
def test_no_document_whatever_raises_anything_but_a_refusal(document: object) -> None:
    try:
        assert read(document, RULES).description
    except Problem:
        assert json.dumps(document) is not None
