"""The shipped vocabularies of replies, compiled once for every test of a process: all together take seconds."""

from functools import cache
from pathlib import Path

from service.replies import read_languages, vocabulary_file
from service.replies.vocabulary_file import ParsedVocabulary

FOLDER = Path(__file__).parents[1] / "rules" / "replies"
LANGUAGES = read_languages(FOLDER)


@cache
def parsed(name: str) -> ParsedVocabulary:
    """What the shipped file of a language says, with its findings and tests."""
    return vocabulary_file.parse((FOLDER / f"{name}.yaml").read_bytes())
