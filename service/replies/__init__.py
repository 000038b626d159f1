"""What a person's reply says: YES, NO, or something that must be asked about.

A YES stands only if the whole text is understood. The words of each language are files, `rules/replies/*.yaml`, which
an administrator edits; this package reads texts with them and knows no language itself.
"""

from service.replies import file_tests, vocabulary_file
from service.replies.atoms import atoms_of, is_single
from service.replies.cut import without_quotes
from service.replies.decide import (
    FOR_APPROVALS,
    FOR_PAGES,
    FOR_TASKS,
    Accepts,
    AskReason,
    Outcome,
    ReplyDecision,
    decide,
    decide_one,
)
from service.replies.file_tests import POLICIES
from service.replies.kinds import AFFIRMING, UNDECIDED, PhraseKind
from service.replies.languages import EMOJI, POLL, Languages, VocabulariesRefused, read_languages
from service.replies.reading import Reading, Span, codes_of_atom

__all__ = [
    "AFFIRMING",
    "EMOJI",
    "FOR_APPROVALS",
    "FOR_PAGES",
    "FOR_TASKS",
    "POLICIES",
    "POLL",
    "UNDECIDED",
    "Accepts",
    "AskReason",
    "Languages",
    "Outcome",
    "PhraseKind",
    "Reading",
    "ReplyDecision",
    "Span",
    "VocabulariesRefused",
    "atoms_of",
    "codes_of_atom",
    "decide",
    "decide_one",
    "file_tests",
    "is_single",
    "read_languages",
    "vocabulary_file",
    "without_quotes",
]
