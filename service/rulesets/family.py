"""What has versions: rulesets, and in the same way escalation policies, templates and catalogues."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """How the versions of one kind of text are stored and spoken of.

    `kind` begins ids of items and names of indexes, `listed` is the index of all, `noun` is what a person calls one,
    `key` says the name in the text and `names` finds it there, `command` is the group of commands that deals with them,
    `author` who publishes what is edited in their folder. Of a family that `is_listed` one item says which names have
    how many activations, so that whoever follows them reads one item.
    """

    kind: str
    listed: str
    noun: str
    key: str
    command: str
    author: str
    names: re.Pattern[str]
    is_listed: bool = True


_RULESET = re.compile(r"^ruleset:[ \t]*[\"']?([A-Za-z0-9_-]{1,200})", re.MULTILINE)
_POLICY = re.compile(r"^escalation:[ \t]*[\"']?([A-Za-z0-9_-]{1,200})", re.MULTILINE)
_TEMPLATE = re.compile(r"^template:[ \t]*[\"']?([A-Za-z0-9_-]{1,200})", re.MULTILINE)
_CATALOGUE = re.compile(r'^"Language:[ ]*([A-Za-z0-9-]{2,35})\\n"', re.MULTILINE)

RULESETS = Family("ruleset", "rulesets", "ruleset", "ruleset", "rules", "rules folder", _RULESET, is_listed=False)
POLICIES = Family("policy", "policies", "escalation policy", "escalation", "policies", "policies folder", _POLICY)
TEMPLATES = Family("template", "templates", "template", "template", "templates", "templates folder", _TEMPLATE)
CATALOGUES = Family(
    "catalogue",
    "catalogues",
    "catalogue",
    "Language",
    "catalogues",
    "catalogues folder",
    _CATALOGUE,
)
