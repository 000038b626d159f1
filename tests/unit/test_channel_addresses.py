"""An address that a channel has of its own is declared in one place, and everything that holds addresses has it."""

from __future__ import annotations

from dataclasses import fields

import pytest
from msgspec import structs
from pydantic import BaseModel

from service.channels import CHANNELS, OWN_FIELDS, AddressesBody, OwnAddresses, StoredAddresses, own_addresses
from service.escalate.incident import Contact
from service.escalate.intake import ContactBody, GivenContact
from service.escalate.schemas import ShownContact
from service.recipients import Recipient
from service.recipients.people import Profile
from service.recipients.routes import ShownProfile

URL = "https://hooks.slack.com/services/T0/B0/x"


def test_the_three_kinds_of_holders_have_the_same_fields() -> None:
    own = list(OWN_FIELDS)
    assert [field.name for field in fields(OwnAddresses)] == own
    assert [field.name for field in structs.fields(StoredAddresses)] == own
    assert list(AddressesBody.model_fields) == own


def test_every_channel_leads_to_a_field_that_profiles_have() -> None:
    assert {kind.field for kind in CHANNELS.values()} == {"phone", "email", *OWN_FIELDS}


@pytest.mark.parametrize("model", [ContactBody, ShownContact, Profile, ShownProfile])
def test_own_addresses_come_last_in_what_the_api_shows(model: type[BaseModel]) -> None:
    assert list(model.model_fields)[-len(OWN_FIELDS) :] == list(OWN_FIELDS)


def test_an_address_is_found_by_the_name_of_its_field() -> None:
    contact = Contact(1, chat_url=URL)
    assert (contact.contact("chat_url"), contact.contact("phone")) == (URL, None)
    assert own_addresses(GivenContact(chat_url=URL)) == {"chat_url": URL}
    assert own_addresses(ContactBody()) == {}
    assert issubclass(Recipient, StoredAddresses)
