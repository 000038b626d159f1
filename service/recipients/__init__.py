"""Recipients and audiences: whom a notification reaches."""

from service.recipients.audiences import EDITION_KIND, FIRST, AudienceRecord
from service.recipients.directory import MAX_AT_ONCE, NO_RECIPIENT, Directory, Member
from service.recipients.files import read_file
from service.recipients.imports import CheckedProfiles, ImportProgress, check_profiles, refused_rows, store_profiles
from service.recipients.profile import Fault, ProfileRefused, ProfileRules, Recipient, is_id

__all__ = [
    "EDITION_KIND",
    "FIRST",
    "MAX_AT_ONCE",
    "NO_RECIPIENT",
    "AudienceRecord",
    "CheckedProfiles",
    "Directory",
    "Fault",
    "ImportProgress",
    "Member",
    "ProfileRefused",
    "ProfileRules",
    "Recipient",
    "check_profiles",
    "is_id",
    "read_file",
    "refused_rows",
    "store_profiles",
]
