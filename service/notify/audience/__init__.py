"""Whom a notification is for.

`request_recipients` parses the recipients of a request, `addressees` holds those that it describes itself, and
`expand` cuts the audience into batches.
"""

from service.notify.audience.addressees import GUEST, Addressee, Addressees, addressee_items, is_guest, people_in
from service.notify.audience.expand import expand
from service.notify.audience.request_recipients import DescribedEntry, NamedIds, RecipientNaming

__all__ = [
    "GUEST",
    "Addressee",
    "Addressees",
    "DescribedEntry",
    "NamedIds",
    "RecipientNaming",
    "addressee_items",
    "expand",
    "is_guest",
    "people_in",
]
