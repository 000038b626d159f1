"""From the pieces of a DRL rule to conditions and actions in our own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from service.decide import yaml_text
from service.decide.drl.source import DrlRule, Piece, Refused

_PATTERN = re.compile(r"(?:(?P<bound>\$?\w+)\s*:\s*)?(?P<type>[A-Z]\w*)\s*\(")
_CONSTRAINT = re.compile(r"(?:\$\w+\s*:\s*)?(?P<field>\w+)\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+)", re.DOTALL)
_MEMBER = re.compile(r"(?:\$\w+\s*:\s*)?(?P<field>\w+)\s+(?P<negated>not\s+)?in\s*\((?P<values>.*)\)", re.DOTALL)
_BINDING = re.compile(r"\$\w+\s*:\s*\w+")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MODIFY = re.compile(r"modify\s*\(\s*(?P<bound>\$?\w+)\s*\)\s*\{(?P<setters>.*)\}", re.DOTALL)
_SETTER = re.compile(r"(?:(?P<bound>\$?\w+)\.)?set(?P<field>[A-Z]\w*)\s*\((?P<value>.*)\)", re.DOTALL)
_CALL = re.compile(r"(?P<name>\w+)\s*\(\s*(?P<bound>\$?\w+)\s*,\s*(?P<share>[0-9]+(?:\.[0-9]+)?)\s*\)")
_SILENT = re.compile(r"System\.out\.print(?:ln|f)?\s*\(.*\)|update\s*\(\s*\$?\w+\s*\)", re.DOTALL)
_SHARE = re.compile(
    r"\s*\w+\s+(?P<thing>\w+)\s*,\s*\w+\s+(?P<share>\w+)\s*"
    r"\{return\(?(?P=thing)\.get(?P<field>\w+)\(\)(?P<sign>[+-])(?P=thing)\.get(?P=field)\(\)\*(?P=share)/100(?:\.0)?\)?;?\}"
)
_ATTRIBUTES = re.compile(
    r"\s*(?:(?P<name>salience|date-effective|date-expires|enabled|no-loop|lock-on-active|dialect|agenda-group)\s+"
    r'(?P<value>"[^"]*"|-?\w+)|,|@\w+\([^)]*\))'
)
_COMMA, _CLAUSE, _STATEMENT = re.compile(r",|&&"), re.compile(r"\band\b|;|&&|(?<=\))\s+"), re.compile(r";")
_DATE_FORMATS = ("%d-%b-%Y", "%d-%b-%Y %H:%M", "%Y-%m-%d")


@dataclass(slots=True)
class Kinds:
    """What the file shows about each fact: the texts, numbers and truths that it is compared with or set to."""

    of: dict[str, set[str]] = field(default_factory=dict)

    def saw(self, path: str, kind: str) -> None:
        """Note that `path` holds `kind`: text, integer, decimal, boolean or missing."""
        self.of.setdefault(path, set()).add(kind)


@dataclass(frozen=True, slots=True)
class Translated:
    """One rule in our words; `salience` decides its place."""

    name: str
    salience: int
    demands: tuple[str, ...]
    actions: tuple[str, ...]
    enabled: bool = True


class Translator:
    """Translates the rules of one file; what it refuses is collected."""

    def __init__(self, functions: Mapping[str, str]) -> None:
        self._shares = {name: found for name, text in functions.items() if (found := _SHARE.fullmatch(text))}
        self.kinds = Kinds()
        self.refused: list[Refused] = []

    def rule(self, rule: DrlRule) -> Translated:
        """The rule in our words."""
        attributes = self._attributes(rule.attributes)
        bound: dict[str, str] = {}
        demands = [*self._dates(attributes, rule.line), *self._patterns(rule.when, bound)]
        before = len(self.refused)
        actions = [action for statement in rule.then.split(_STATEMENT) for action in self._statement(statement, bound)]
        if not actions and len(self.refused) == before:
            self.refused.append(Refused(rule.line, f'the rule "{rule.name}" does nothing that can be translated'))
        salience = int(attributes.get("salience", "0")) if attributes.get("salience", "0").lstrip("-").isdigit() else 0
        return Translated(rule.name, salience, tuple(demands), tuple(actions), attributes.get("enabled") != "false")

    def _refuse(self, piece: Piece, message: str) -> None:
        self.refused.append(Refused(piece.line, message))

    def _attributes(self, piece: Piece) -> dict[str, str]:
        attributes: dict[str, str] = {}
        offset = 0
        while piece.text[offset:].strip():
            found = _ATTRIBUTES.match(piece.text, offset)
            if found is None:
                self._refuse(piece.cut(offset, len(piece.text)).stripped(), "this attribute is not known")
                break
            if found["name"]:
                attributes[found["name"]] = found["value"].strip('"')
            offset = found.end()
        return attributes

    def _dates(self, attributes: Mapping[str, str], line: int) -> Iterator[str]:
        for name, sign in (("date-effective", ">="), ("date-expires", "<")):
            if name in attributes:
                day = _day(attributes[name])
                if day is None:
                    self.refused.append(Refused(line, f'{name} "{attributes[name]}" is no date such as 01-Jan-2026'))
                else:
                    yield f'today {sign} "{day}"'

    def _patterns(self, when: Piece, bound: dict[str, str]) -> Iterator[str]:
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

    def _constraints(self, thing: str, inside: Piece) -> Iterator[str]:
        for constraint in inside.split(_COMMA):
            member, compared = _MEMBER.fullmatch(constraint.text), _CONSTRAINT.fullmatch(constraint.text)
            if member and "||" not in constraint.masked:
                path = f"{thing}.{member['field']}"
                listed = [self._constant(path, one) for one in constraint.cut(*member.span("values")).split(_COMMA)]
                if all(listed):
                    condition = f"{path} in [{', '.join(one for one in listed if one)}]"
                    yield f"not ({condition})" if member["negated"] else condition
            elif compared and "||" not in constraint.masked:
                yield from self._comparison(f"{thing}.{compared['field']}", compared["operator"], constraint, compared)
            elif constraint.text and not _BINDING.fullmatch(constraint.text):
                self._refuse(constraint, f"only a field against a constant can be translated: {_line(constraint)}")

    def _comparison(self, path: str, operator: str, piece: Piece, found: re.Match[str]) -> Iterator[str]:
        value = piece.cut(*found.span("value"))
        if value.text.strip() == "null" and operator in ("==", "!="):
            self.kinds.saw(path, "missing")
            yield f"{path} is missing" if operator == "==" else f"{path} is not missing"
        elif constant := self._constant(path, value):
            yield f"{path} {operator} {constant}"

    def _constant(self, path: str, piece: Piece) -> str | None:
        """A literal as our conditions write it; None, reported, for anything else."""
        text = piece.text.strip()
        if string := _STRING.fullmatch(text):
            self.kinds.saw(path, "text")
            return f'"{_unescaped(string[1]).replace(chr(34), chr(34) * 2)}"'
        if _NUMBER.fullmatch(text):
            self.kinds.saw(path, "decimal" if "." in text else "integer")
            return text
        if text in ("true", "false"):
            self.kinds.saw(path, "boolean")
            return text
        self._refuse(piece, f"{text} is no constant")
        return None

    def _statement(self, statement: Piece, bound: Mapping[str, str]) -> Iterator[str]:
        if not statement.text or _SILENT.fullmatch(statement.text):
            return
        modify = _MODIFY.fullmatch(statement.text)
        if modify:
            for setter in statement.cut(*modify.span("setters")).split(_COMMA):
                yield from self._setter(setter, modify["bound"], bound)
        else:
            yield from self._setter(statement, None, bound)

    def _setter(self, piece: Piece, modified: str | None, bound: Mapping[str, str]) -> Iterator[str]:
        setter = _SETTER.fullmatch(piece.text)
        thing = bound.get(modified or (setter["bound"] or "" if setter else ""))
        if setter is None or thing is None:
            self._refuse(piece, f"this is Java, which rules never run: {_line(piece)}")
            return
        path = f"{thing}.{_lower(setter['field'])}"
        value = piece.cut(*setter.span("value")).stripped()
        call = _CALL.fullmatch(value.text)
        share = self._shares.get(call["name"]) if call else None
        if call and share and share["field"] == setter["field"] and bound.get(call["bound"]) == thing:
            self.kinds.saw(path, "decimal")
            verb = "increase" if share["sign"] == "+" else "decrease"
            yield f"{{{verb}: {path}, by: {Decimal(call['share']).normalize():f}%}}"
        elif string := _STRING.fullmatch(value.text):
            self.kinds.saw(path, "text")
            yield f"{{set: {path}, to: {yaml_text.text(_unescaped(string[1]))}}}"
        elif _NUMBER.fullmatch(value.text) or value.text in ("true", "false"):
            yield f"{{set: {path}, to: {self._constant(path, value)}}}"
        else:
            self._refuse(value, f"this is Java, which rules never run: {_line(value)}")


def _day(text: str) -> str | None:
    for form in _DATE_FORMATS:
        parsed = _parsed(text, form)
        if parsed is not None:
            return parsed.date().isoformat()
    return None


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007  (a day; DRL has no zones)
    except ValueError:
        return None


def _line(piece: Piece) -> str:
    text = " ".join(piece.text.split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
