"""Recipients and audiences: whom a notification reaches."""

from service.recipients.audiences import FIRST
from service.recipients.directory import MAX_AT_ONCE, NO_RECIPIENT, Directory, Member
from service.recipients.profile import Fault, ProfileRefused, ProfileRules, Recipient, is_id

__all__ = [
    "FIRST",
    "MAX_AT_ONCE",
    "NO_RECIPIENT",
    "Directory",
    "Fault",
    "Member",
    "ProfileRefused",
    "ProfileRules",
    "Recipient",
    "is_id",
]
