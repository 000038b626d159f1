"""The JSON Schema of rule files, for editors: completion of keys, verbs and types, and their meaning on hover.

It describes the frame. What conditions say, and whether facts exist, only `tocsin rules check` knows.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.decide.actions import KEYS
from service.decide.expectations import OUTCOMES
from service.decide.ruleset import FactType, Hit

DRAFT = "https://json-schema.org/draft/2020-12/schema"

EDITOR_LINE = "# yaml-language-server: $schema=rules.schema.json"
"""The first line of a rule file that tells VS Code's YAML extension (redhat.vscode-yaml) where its schema is."""

_ANY: Mapping[str, object] = {"type": ["string", "number", "boolean"]}
_TEXT: Mapping[str, object] = {"type": "string"}


def schema() -> dict[str, object]:
    """The schema of one rule file (JSON Schema 2020-12)."""
    rules = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/rule"}, "description": "In file order."}
    table = {**_TEXT, "description": "Rules as CSV: a file in the same folder, or the rows as a block."}
    frame = {
        "ruleset": {**_TEXT, "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", "description": "The ruleset's name."},
        "description": {**_TEXT, "description": "What it is for, for people."},
        "facts": {
            "type": "object",
            "description": "The typed inputs by dotted path. `today` is always a fact.",
            "additionalProperties": {"anyOf": [{"$ref": "#/$defs/fact"}, {"$ref": "#/$defs/derived"}]},
        },
        "hit": {"enum": [hit.value for hit in Hit], "description": "Which matching rules take effect. Default: all."},
        "must_cover": {**_TEXT, "description": "A condition inside which a request that no rule decides is an error."},
        "should_cover": {**_TEXT, "description": "A condition inside which such a request is a warning."},
        "rules": rules,
        "table": table,
        "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}},
    }
    return {
        "$schema": DRAFT,
        "title": "Tocsin rule file",
        **_closed(frame, "ruleset", "facts"),
        "oneOf": [{"required": ["rules"]}, {"required": ["table"]}],
        "$defs": {"rule": _rule(), "action": _action(), "fact": _fact(), "derived": _derived(), "test": _test()},
    }


def _rule() -> dict[str, object]:
    action = {"$ref": "#/$defs/action"}
    properties = {
        "name": {**_TEXT, "minLength": 1, "maxLength": 200},
        "when": {**_TEXT, "description": 'A condition such as car.color == "RED" and driver.age < 21.'},
        "then": {"oneOf": [action, {"type": "array", "minItems": 1, "items": action}]},
        "why": {**_TEXT, "description": "The reason, for people."},
        "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}},
    }
    return _closed(properties, "name", "then")


def _action() -> dict[str, object]:
    verbs = [
        _closed({verb: _ANY, **{key: {} for key in keys}}, verb) for verb, keys in KEYS.items() if verb != "accept"
    ]
    return {"oneOf": [{"const": "accept"}, *verbs]}


def _fact() -> dict[str, object]:
    properties = {
        "type": {"enum": [type_.value for type_ in FactType]},
        "scale": {"type": "integer", "minimum": 0, "maximum": 12, "description": "Digits after a decimal's point."},
        "min": _ANY,
        "max": _ANY,
        "values": {"type": "array", "minItems": 1, "items": _ANY, "description": "The only texts it may be."},
        "optional": {"type": "boolean", "description": "Whether a request may leave it out."},
    }
    return _closed(properties, "type")


def _derived() -> dict[str, object]:
    return _closed(
        {"sentiment of": {**_TEXT, "description": "A text fact; gives .label and four scores."}}, "sentiment of"
    )


def _test() -> dict[str, object]:
    names = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}]}
    verbs = "|".join(OUTCOMES)
    outcome = {**_TEXT, "pattern": f"^({verbs})( .*)?$"}
    outcomes = {"oneOf": [outcome, {"type": "array", "items": outcome}]}
    expected = {"type": "object", "properties": {"fired": names, "outcomes": outcomes}}
    return _closed({"given": {"type": "object"}, "expect": expected}, "given", "expect")


def _closed(properties: Mapping[str, object], *required: str) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
