"""Rules of Drools (`.drl`) as a rule file: patterns on one object of each type, and changes by constants or shares.

Read are `Type(field op literal, …)`, `salience`, `date-effective`, `date-expires` and changes such as the sample's
`modify ($policy) { setPremium(increasePremiumRate($policy, 20)) }`, whose function must be seen to be a percentage.
Any other Java is refused, naming its line.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.decide import language, yaml_text
from service.decide.drl import source
from service.decide.drl.source import DrlRefused, Untranslatable
from service.decide.drl.translate import DrlTranslator, FactUsage, TranslatedRule
from service.decide.findings import Severity

__all__ = ["DrlRefused", "Untranslatable", "rule_file"]

_INDENT = "    "


def rule_file(text: str, name: str) -> str:
    """The rule file, named `name`, that does what a DRL file does; raises `DrlRefused` with every line that cannot be.

    Rules stand in the order in which Drools fires them: by salience, then as they are written.
    """
    file = source.whole(text)
    translator = DrlTranslator(dict(source.functions(file)))
    translated = [translator.rule(rule) for rule in source.rules(file)]
    if not translated:
        translator.refused.append(Untranslatable(1, "there is no rule in this file"))
    translator.finish()
    translator.refused += source.attributes_of_all(file)
    if translator.refused:
        raise DrlRefused(tuple(sorted(translator.refused, key=lambda fault: fault.line)))
    ordered = sorted((rule for rule in translated if rule.enabled), key=lambda rule: -rule.salience)
    facts = [f"  {path}: {_declaration(path, translator.kinds)}" for path in sorted(translator.kinds.of)]
    lines = [f"ruleset: {name}", "facts:", *facts, "hit: all", "rules:", *(line for r in ordered for line in _lines(r))]
    written = "\n".join(lines) + "\n"
    _check(written, translated)
    return written


def _check(written: str, translated: Sequence[TranslatedRule]) -> None:
    """Refuse a translation that is no sound rule file: nothing is printed that would not check."""
    lines = {rule.name: rule.line for rule in translated}
    errors = [finding for finding in language.parse(written).findings if finding.severity is Severity.ERROR]
    if errors:
        raise DrlRefused(
            tuple(
                Untranslatable(lines.get(finding.rule or "", 1), f"cannot be written as a rule: {finding.message}")
                for finding in errors
            )
        )


def _lines(rule: TranslatedRule) -> list[str]:
    when = " and ".join(rule.demands) or "always"
    return [
        f"  - name: {yaml_text.text(rule.name)}",
        f"{_INDENT}when: {yaml_text.sentence(when)}",
        f"{_INDENT}then: [{', '.join(rule.actions)}]",
    ]


def _declaration(path: str, kinds: FactUsage) -> str:
    """A fact as the file shows it. One that rules only set need not be in a request."""
    seen = kinds.of[path]
    optional = ", optional: true" if "missing" in seen or path not in kinds.needed else ""
    if "text" in seen or seen == {"missing"}:
        return f"{{type: text{optional}}}"
    if "boolean" in seen:
        return f"{{type: boolean{optional}}}"
    scale = max(2, kinds.digits.get(path, 0))
    return f"{{type: decimal, scale: {scale}{optional}}}" if "decimal" in seen else f"{{type: integer{optional}}}"
