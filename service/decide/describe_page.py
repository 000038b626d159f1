"""A ruleset as a page for people: its facts, its rules in words, its tests, what is proven about it (Markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from service.decide.declarations import TODAY
from service.decide.declared_changes import described
from service.decide.describe import action_text
from service.decide.findings import Finding
from service.decide.ruleset import Hit, Rule, Ruleset, RuleTest
from service.decide.values import canonical
from service.decide.verify.examples import read_by
from service.decide.wording import condition_text

_POLICIES = {
    Hit.FIRST: "The first rule that holds decides.",
    Hit.ALL: "Every rule that holds takes effect, in this order.",
    Hit.UNIQUE: "At most one rule may hold; a request that several match is refused.",
}


def page(ruleset: Ruleset, findings: Sequence[Finding], history: Sequence[str] = ()) -> str:
    """The page; `findings` are shown as open questions, `history` as it is."""
    sections = [
        f"# {ruleset.name}",
        _prose(ruleset.description),
        _POLICIES[ruleset.hit],
        *_covers(ruleset),
        "## Facts",
        "\n".join(_facts(ruleset)),
        "## Rules",
        *(_rule(number, rule, ruleset) for number, rule in enumerate(ruleset.rules, 1)),
        *_titled("## Tests", _tests(ruleset)),
        *_titled(
            "## Open questions", (f"- Line {finding.at.line}: {_prose(finding.message)}." for finding in findings)
        ),
        *_titled("## History", (f"- {_prose(line)}" for line in history)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _covers(ruleset: Ruleset) -> Iterator[str]:
    for cover, verb in ((ruleset.must_cover, "must"), (ruleset.should_cover, "should")):
        if cover is not None:
            yield f"Some rule {verb} hold wherever {_code(condition_text(cover, ruleset.facts))}."


def _facts(ruleset: Ruleset) -> Iterator[str]:
    used = {path for rule in ruleset.rules for path in read_by(rule.when)}
    computed = tuple(f"{derivation.path}." for derivation in ruleset.derived)
    yield "| Fact | What it is | Looked at by |"
    yield "| --- | --- | --- |"
    for path, fact in ruleset.facts.items():
        if path == TODAY and TODAY not in used:
            continue
        kind = "the day of the request" if path == TODAY else described(fact)
        origin = ", computed" if path.startswith(computed) and computed else ""
        users = [rule.name for rule in ruleset.rules if path in set(read_by(rule.when))] if path in used else []
        more = f" and {len(users) - 5} more" if len(users) > 5 else ""
        yield f"| {_code(path)} | {_prose(kind + origin)} | {_prose(', '.join(users[:5]) + more or 'no rule')} |"


def _rule(number: int, rule: Rule, ruleset: Ruleset) -> str:
    does = [f"- {_prose(action_text(action, ruleset.facts))}" for action in rule.then]
    when = condition_text(rule.when, ruleset.facts)
    why = [f"*{_prose(rule.why)}*"] if rule.why else []
    holds = "Always:" if when == "always" else f"When {_code(when)}:"
    return "\n\n".join([f"### {number}. {_prose(rule.name)}", *why, holds, "\n".join(does)])


def _tests(ruleset: Ruleset) -> Iterator[str]:
    if ruleset.tests:
        yield "| Given | Expected |"
        yield "| --- | --- |"
    yield from (f"| {_prose(_given(test))} | {_prose(_expected(ruleset, test))} |" for test in ruleset.tests)


def _given(test: RuleTest) -> str:
    return ", ".join(f"{path} = {_as_written(value)}" for path, value in test.given.items())


def _as_written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "nothing"
        case _:
            return str(value)


def _expected(ruleset: Ruleset, test: RuleTest) -> str:
    parts = [] if test.fired is None else [f"fires {', '.join(test.fired) or 'nothing'}"]
    parts += [f"{path} = {_as_written(canonical(ruleset.facts[path], value))}" for path, value in test.facts.items()]
    return ", ".join(parts + ([] if test.outcomes is None else [f"asks for {', '.join(test.outcomes) or 'nothing'}"]))


def _titled(title: str, lines: Iterable[str]) -> Sequence[str]:
    written = "\n".join(lines)
    return (title, written) if written else ()


def _prose(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    escaped = "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in text)
    return " ".join(escaped.split())


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{' '.join(text.split())}{fence}"
