"""From the pieces of a DRL rule to conditions and actions in our own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal

from service.decide import yaml_text
from service.decide.drl.source import DrlRule, SourcePart, Untranslatable

_PATTERN = re.compile(r"(?:(?P<bound>\$?\w+)\s*:\s*)?(?P<type>[A-Z]\w*)\s*\(")
_CONSTRAINT = re.compile(r"(?:\$\w+\s*:\s*)?(?P<field>\w+)\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+)", re.DOTALL)
_MEMBER = re.compile(r"(?:\$\w+\s*:\s*)?(?P<field>\w+)\s+(?P<negated>not\s+)?in\s*\((?P<values>.*)\)", re.DOTALL)
_BINDING = re.compile(r"\$\w+\s*:\s*\w+")
_STRING = re.compile(r"""(?:"(?P<double>(?:[^"\\\n]|\\.)*)"|'(?P<single>(?:[^'\\\n]|\\.)*)')""")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MODIFY = re.compile(r"modify\s*\(\s*(?P<bound>\$?\w+)\s*\)\s*\{(?P<setters>.*)\}", re.DOTALL)
_SETTER = re.compile(r"(?:(?P<bound>\$?\w+)\.)?set(?P<field>[A-Z]\w*)\s*\((?P<value>.*)\)", re.DOTALL)
_CALL = re.compile(r"(?P<name>\w+)\s*\(\s*(?P<bound>\$?\w+)\s*,\s*(?P<share>[0-9]+(?:\.[0-9]+)?)\s*\)")
_SILENT = re.compile(r"System\.out\.print(?:ln|f)?\s*\(.*\)", re.DOTALL)
_UPDATE = re.compile(r"update\s*\(\s*(?P<bound>\$?\w+)\s*\)")
_ESCAPE = re.compile(r"\\(?:u+(?P<code>[0-9a-fA-F]{4})|(?P<octal>[0-3]?[0-7]{1,2})|(?P<other>.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "s": " ", '"': '"', "'": "'", "\\": "\\"}
_SHARE = re.compile(
    r"\s*\w+\s+(?P<thing>\w+)\s*,\s*\w+\s+(?P<share>\w+)\s*"
    r"\{return\(?(?P=thing)\.get(?P<field>\w+)\(\)(?P<sign>[+-])(?P=thing)\.get(?P=field)\(\)\*(?P=share)/100(?:\.0)?\)?;?\}"
)
_ATTRIBUTES = re.compile(
    r"\s*(?:(?P<name>salience|date-effective|date-expires|enabled|no-loop|lock-on-active|dialect|agenda-group)\s+"
    r'(?P<value>"[^"\n]*"|-?\w+)|,|@\w+\([^)]*\))'
)
_COMMA, _CLAUSE, _STATEMENT = re.compile(r",|&&"), re.compile(r"\band\b|;|&&|(?<=\))\s+"), re.compile(r";")
_DATE_FORMATS = ("%d-%b-%Y", "%d-%b-%Y %H:%M", "%d-%b-%Y %H:%M:%S", "%Y-%m-%d")
_MAIN = "MAIN"
"""The agenda group whose rules fire without being asked for."""


@dataclass(slots=True)
class FactUsage:
    """What the file shows about each fact: the texts, numbers and truths that it is compared with or set to.

    `digits` is how many digits after the point its numbers have, `needed` are the facts that a request must hold.
    """

    of: dict[str, set[str]] = field(default_factory=dict)
    digits: dict[str, int] = field(default_factory=dict)
    needed: set[str] = field(default_factory=set)

    def saw(self, path: str, kind: str) -> None:
        """Note that `path` holds `kind`: text, integer, decimal, boolean or missing."""
        self.of.setdefault(path, set()).add(kind)

    def saw_number(self, path: str, text: str) -> None:
        """Note a number that `path` is compared with or set to."""
        fraction = text.partition(".")[2]
        self.saw(path, "decimal" if fraction else "integer")
        self.digits[path] = max(self.digits.get(path, 0), len(fraction))


@dataclass(frozen=True, slots=True)
class TranslatedRule:
    """One rule in our words; `salience` decides its place, `line` is where it began."""

    name: str
    line: int
    salience: int
    demands: tuple[str, ...]
    actions: tuple[str, ...]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class _Change:
    """A field that a rule sets: with `modify` Drools tries the rules again, otherwise only after an `update`."""

    path: str
    piece: SourcePart
    rule: str
    by_modify: bool
    once: bool
    """Whether the rule says `no-loop true`, so that it does not set off itself."""


class DrlTranslator:
    """Translates the rules of one file; what it refuses is collected."""

    def __init__(self, functions: Mapping[str, str]) -> None:
        self._shares = {name: share for name, text in functions.items() if (share := _SHARE.fullmatch(text))}
        self._lines: dict[str, int] = {}
        self._readers: dict[str, set[str]] = {}
        self._unequal: list[tuple[str, SourcePart]] = []
        self._changes: list[_Change] = []
        self._updates: dict[str, SourcePart] = {}
        self._rule = ""
        self._once = False
        self.kinds = FactUsage()
        self.refused: list[Untranslatable] = []

    def rule(self, rule: DrlRule) -> TranslatedRule:
        """The rule in our words."""
        if rule.name in self._lines:
            message = f'a rule named "{rule.name}" stands above already, in line {self._lines[rule.name]}'
            self.refused.append(Untranslatable(rule.line, message))
        self._lines[rule.name] = rule.line
        attributes = self._attributes(rule.attributes)
        self._rule, self._once = rule.name, attributes.get("no-loop") == "true"
        bound: dict[str, str] = {}
        demands = [*self._dates(attributes, rule.line), *self._patterns(rule.when, bound)]
        before = len(self.refused)
        actions = [action for statement in rule.then.split(_STATEMENT) for action in self._statement(statement, bound)]
        if not actions and len(self.refused) == before:
            self.refused.append(
                Untranslatable(rule.line, f'the rule "{rule.name}" does nothing that can be translated')
            )
        salience = self._salience(attributes, rule.line)
        enabled = attributes.get("enabled") != "false"
        return TranslatedRule(rule.name, rule.line, salience, tuple(demands), tuple(actions), enabled)

    def finish(self) -> None:
        """Refuse what only the whole file shows to mean something else here."""
        for change in self._changes:
            others = self._readers.get(change.path, set()) - ({change.rule} if change.once else set())
            if not others:
                continue
            names = ", ".join(f'"{name}"' for name in sorted(others))
            warning = (
                f"{change.path} is changed, and read by {names}: Drools tries rules again, here each is tried once"
            )
            if change.by_modify:
                self._refuse(change.piece, warning)
            elif (update := self._updates.get(change.path.partition(".")[0])) is not None:
                self._refuse(update, warning)
        for path, piece in self._unequal:
            if "missing" in self.kinds.of[path]:
                self._refuse(piece, f"{path} may be null: != holds of it in Drools, and not here: {_line(piece)}")

    def _salience(self, attributes: Mapping[str, str], line: int) -> int:
        salience = attributes.get("salience", "0")
        if salience.lstrip("-").isdecimal() and len(salience) < 12:
            return int(salience)
        self.refused.append(
            Untranslatable(line, f"salience {salience} is no number: write the number that it stands for")
        )
        return 0

    def _refuse(self, piece: SourcePart, message: str) -> None:
        self.refused.append(Untranslatable(piece.line, message))

    def _attributes(self, piece: SourcePart) -> dict[str, str]:
        attributes: dict[str, str] = {}
        offset = 0
        while piece.text[offset:].strip():
            match = _ATTRIBUTES.match(piece.text, offset)
            if match is None:
                self._refuse(piece.cut(offset, len(piece.text)).stripped(), "this attribute is not known")
                break
            if match["name"]:
                attributes[match["name"]] = match["value"].strip('"')
                self._check_group(match, piece.cut(*match.span("name")))
            offset = match.end()
        return attributes

    def _check_group(self, match: re.Match[str], piece: SourcePart) -> None:
        if match["name"] == "agenda-group" and match["value"].strip('"') != _MAIN:
            group = f"agenda-group {match['value']}"
            self._refuse(piece, f"{group}: its rules fire only when something sets the focus; rules here always do")

    def _dates(self, attributes: Mapping[str, str], line: int) -> Iterator[str]:
        for name, sign in (("date-effective", ">="), ("date-expires", "<")):
            if name in attributes:
                moment = _moment(attributes[name])
                if moment is None:
                    self.refused.append(
                        Untranslatable(line, f'{name} "{attributes[name]}" is no date such as 01-Jan-2026')
                    )
                elif moment.time() != time():
                    message = f'{name} "{attributes[name]}" has a time of day: rules know only the day, today'
                    self.refused.append(Untranslatable(line, message))
                else:
                    yield f'today {sign} "{moment.date().isoformat()}"'

    def _patterns(self, when: SourcePart, bound: dict[str, str]) -> Iterator[str]:
        seen: set[str] = set()
        for clause in when.split(_CLAUSE):
            pattern = _PATTERN.match(clause.masked)
            inside = clause.bracketed(pattern.end() - 1) if pattern else None
            if not clause.text:
                continue
            if pattern is None or inside is None or pattern.end() + len(inside.text) + 1 < len(clause.text):
                self._refuse(clause, f'only patterns such as Car(style == "SPORTS") can be translated: {_line(clause)}')
                continue
            thing = _lower(pattern["type"])
            if thing in seen:
                self._refuse(clause, f"a second {pattern['type']}: a request holds one of each")
            seen.add(thing)
            if pattern["bound"]:
                bound[pattern["bound"]] = thing
            yield from self._constraints(thing, inside)

    def _constraints(self, thing: str, inside: SourcePart) -> Iterator[str]:
        for constraint in inside.split(_COMMA):
            member, compared = _MEMBER.fullmatch(constraint.text), _CONSTRAINT.fullmatch(constraint.text)
            if member and "||" not in constraint.masked:
                path = self._read(f"{thing}.{member['field']}")
                if member["negated"]:
                    self._unequal.append((path, constraint))
                listed = [self._constant(path, value) for value in constraint.cut(*member.span("values")).split(_COMMA)]
                if all(listed):
                    condition = f"{path} in [{', '.join(value for value in listed if value)}]"
                    yield f"not ({condition})" if member["negated"] else condition
            elif compared and "||" not in constraint.masked:
                path = self._read(f"{thing}.{compared['field']}")
                yield from self._comparison(path, compared["operator"], constraint, compared)
            elif constraint.text and not _BINDING.fullmatch(constraint.text):
                self._refuse(constraint, f"only a field against a constant can be translated: {_line(constraint)}")

    def _read(self, path: str) -> str:
        """Note that the present rule's condition reads a fact."""
        self._readers.setdefault(path, set()).add(self._rule)
        self.kinds.needed.add(path)
        return path

    def _comparison(self, path: str, operator: str, piece: SourcePart, match: re.Match[str]) -> Iterator[str]:
        value = piece.cut(*match.span("value"))
        if value.text.strip() == "null" and operator in ("==", "!="):
            self.kinds.saw(path, "missing")
            yield f"{path} is missing" if operator == "==" else f"{path} is not missing"
        elif constant := self._constant(path, value):
            if operator == "!=":
                self._unequal.append((path, piece))
            yield f"{path} {operator} {constant}"

    def _constant(self, path: str, piece: SourcePart) -> str | None:
        """A literal as our conditions write it; None, reported, for anything else."""
        text = piece.text.strip()
        if _STRING.fullmatch(text):
            string = self._string(path, text, piece)
            return None if string is None else f'"{string.replace(chr(34), chr(34) * 2)}"'
        if _NUMBER.fullmatch(text):
            self.kinds.saw_number(path, text)
            return text
        if text in ("true", "false"):
            self.kinds.saw(path, "boolean")
            return text
        self._refuse(piece, f"{text} is no constant")
        return None

    def _string(self, path: str, text: str, piece: SourcePart) -> str | None:
        """The text that a literal of Java stands for; None, reported, for an escape that Java does not know."""
        self.kinds.saw(path, "text")
        string = unescaped(text[1:-1])
        if string is None:
            self._refuse(piece, f"this text has an escape that Java does not know: {text}")
        return string

    def _statement(self, statement: SourcePart, bound: Mapping[str, str]) -> Iterator[str]:
        if not statement.text or _SILENT.fullmatch(statement.text):
            return
        update = _UPDATE.fullmatch(statement.text)
        if update and update["bound"] in bound:
            self._updates.setdefault(bound[update["bound"]], statement)
            return
        modify = _MODIFY.fullmatch(statement.text)
        if modify:
            for setter in statement.cut(*modify.span("setters")).split(_COMMA):
                yield from self._setter(setter, modify["bound"], bound)
        else:
            yield from self._setter(statement, None, bound)

    def _setter(self, piece: SourcePart, modified: str | None, bound: Mapping[str, str]) -> Iterator[str]:
        setter = _SETTER.fullmatch(piece.text)
        thing = bound.get(modified or (setter["bound"] or "" if setter else ""))
        if setter is None or thing is None:
            self._refuse(piece, f"this is Java, which rules never run: {_line(piece)}")
            return
        path = f"{thing}.{_property(setter['field'])}"
        self._changes.append(_Change(path, piece, self._rule, modified is not None, self._once))
        value = piece.cut(*setter.span("value")).stripped()
        call = _CALL.fullmatch(value.text)
        share = self._shares.get(call["name"]) if call else None
        if call and share and share["field"] == setter["field"] and bound.get(call["bound"]) == thing:
            self.kinds.saw(path, "decimal")
            self.kinds.needed.add(path)
            verb = "increase" if share["sign"] == "+" else "decrease"
            yield f"{{{verb}: {path}, by: {Decimal(call['share']).normalize():f}%}}"
        elif _STRING.fullmatch(value.text):
            string = self._string(path, value.text, value)
            if string is not None:
                yield f"{{set: {path}, to: {yaml_text.text(string)}}}"
        elif _NUMBER.fullmatch(value.text) or value.text in ("true", "false"):
            yield f"{{set: {path}, to: {self._constant(path, value)}}}"
        else:
            self._refuse(value, f"this is Java, which rules never run: {_line(value)}")


def _moment(text: str) -> datetime | None:
    return next((moment for form in _DATE_FORMATS if (moment := _parsed(text, form)) is not None), None)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007  (a day; DRL has no zones)
    except ValueError:
        return None


def _line(piece: SourcePart) -> str:
    text = " ".join(piece.text.split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _property(name: str) -> str:
    """The property of a setter, as JavaBeans name it: `setURL` sets `URL`, `setClass` sets `class`."""
    return name if name[:2].isupper() and len(name) > 1 else _lower(name)


def unescaped(text: str) -> str | None:
    """A text of Java (JLS §3.10.7) without its escapes; None if one is not known."""
    if any(escape["other"] and escape["other"] not in _ESCAPED for escape in _ESCAPE.finditer(text)):
        return None
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    if match["code"]:
        return chr(int(match["code"], 16))
    return chr(int(match["octal"], 8)) if match["octal"] else _ESCAPED[match["other"]]
