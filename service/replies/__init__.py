"""What a person's reply says: YES, NO, or something that must be asked about.

A YES stands only if the whole text is understood. The words of each language are files, `rules/replies/*.yaml`, which
an administrator edits; this package reads texts with them and knows no language itself.
"""

from service.replies.decide import Accepts, Decision, Outcome, Reason, decide
from service.replies.kinds import Kind
from service.replies.languages import POLL, Languages, VocabulariesRefused, read_languages
from service.replies.reading import Reading, Span

__all__ = [
    "POLL",
    "Accepts",
    "Decision",
    "Kind",
    "Languages",
    "Outcome",
    "Reading",
    "Reason",
    "Span",
    "VocabulariesRefused",
    "decide",
    "read_languages",
]
