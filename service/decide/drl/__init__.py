"""Rules of Drools (`.drl`) as a rule file: patterns on one object of each type, and changes by constants or shares.

Read are `Type(field op literal, …)`, `salience`, `date-effective`, `date-expires` and changes such as the sample's
`modify ($policy) { setPremium(increasePremiumRate($policy, 20)) }`, whose function must be seen to be a percentage.
Any other Java is refused, naming its line.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.decide import yaml_text
from service.decide.drl import source
from service.decide.drl.source import DrlRefused, Refused
from service.decide.drl.translate import Kinds, Translated, Translator

__all__ = ["DrlRefused", "Refused", "rule_file"]

_INDENT = "    "


def rule_file(text: str, name: str) -> str:
    """The rule file, named `name`, that does what a DRL file does; raises `DrlRefused` with every line that cannot be.

    Rules stand in the order in which Drools fires them: by salience, then as they are written.
    """
    file = source.whole(text)
    translator = Translator(dict(source.functions(file)))
    translated = [translator.rule(rule) for rule in source.rules(file)]
    if not translated:
        translator.refused.append(Refused(1, "there is no rule in this file"))
    if translator.refused:
        raise DrlRefused(tuple(sorted(translator.refused, key=lambda fault: fault.line)))
    ordered = sorted((rule for rule in translated if rule.enabled), key=lambda rule: -rule.salience)
    facts = [f"  {path}: {_declaration(kinds)}" for path, kinds in _facts(translator.kinds).items()]
    lines = [f"ruleset: {name}", "facts:", *facts, "hit: all", "rules:", *(line for r in ordered for line in _lines(r))]
    return "\n".join(lines) + "\n"


def _lines(rule: Translated) -> list[str]:
    when = " and ".join(rule.demands) or "always"
    return [
        f"  - name: {yaml_text.text(rule.name)}",
        f"{_INDENT}when: {yaml_text.sentence(when)}",
        f"{_INDENT}then: [{', '.join(rule.actions)}]",
    ]


def _facts(kinds: Kinds) -> Mapping[str, set[str]]:
    return {path: kinds.of[path] for path in sorted(kinds.of)}


def _declaration(kinds: set[str]) -> str:
    optional = ", optional: true" if "missing" in kinds else ""
    if "text" in kinds or kinds == {"missing"}:
        return f"{{type: text{optional}}}"
    if "boolean" in kinds:
        return f"{{type: boolean{optional}}}"
    return f"{{type: decimal, scale: 2{optional}}}" if "decimal" in kinds else f"{{type: integer{optional}}}"
