"""Every regular expression of the service, found in its source, and the texts that are hardest for it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]  # the standard library's own reading of a pattern
from types import ModuleType
from typing import Any

import service

ANCHORED = frozenset({"match", "fullmatch"})
SCANNING = frozenset({"search", "finditer", "findall", "sub", "subn", "split"})
USES = ANCHORED | SCANNING

BASICS = (" ", "\n", '"', "'", "{", "}", "{{", "}}", "{{ ", "0", "a", "a ", "a,", '""', "\\", "<", ".", "-", "é")
"""What every pattern is fed besides what it names."""

ENDS = ("", "!\x00")
"""How a run ends: as it began, and with what few patterns can take, so that all other ways are tried."""


@dataclass(frozen=True)
class Found:
    """One pattern: where it stands, and which of its methods are called (all of them where that cannot be seen)."""

    where: str
    pattern: re.Pattern[Any]
    uses: frozenset[str]

    def calls(self) -> Iterator[Callable[[str], object]]:
        """What is measured: reading from the beginning, reading the whole, and looking through the text."""
        if "match" in self.uses:
            yield lambda text: self.pattern.match(self._given(text))
        if "fullmatch" in self.uses:
            yield lambda text: self.pattern.fullmatch(self._given(text))
        if self.uses & SCANNING:
            yield lambda text: deque(self.pattern.finditer(self._given(text)), 0)

    def _given(self, text: str) -> str | bytes:
        return text if isinstance(self.pattern.pattern, str) else text.encode()


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of the service."""
    names = [info.name for info in pkgutil.walk_packages(service.__path__, "service.")]
    return tuple(importlib.import_module(name) for name in names if not name.endswith("__main__"))


@cache
def tree(module: ModuleType) -> ast.Module:
    """A module's source, parsed."""
    return ast.parse(Path(str(module.__file__)).read_text("utf-8"))


def collected(made_at_run_time: Mapping[str, Iterable[re.Pattern[str]]]) -> tuple[Found, ...]:
    """All patterns; those whose text only a running function knows must be given by `module:line of code`."""
    return tuple(found for module in modules() for found in _of_module(module, made_at_run_time))


def made_while_running() -> frozenset[str]:
    """The calls that make a pattern of a text which only a running function knows."""
    return frozenset(
        _made(module, call) for module in modules() for call in _calls(module) if _is_unknown(module, call)
    )


def _made(module: ModuleType, call: ast.Call) -> str:
    return f"{module.__name__}: {ast.unparse(call)}"


def _calls(module: ModuleType) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(module)) if isinstance(node, ast.Call) and _is_of_re(node.func))


def _is_unknown(module: ModuleType, call: ast.Call) -> bool:
    try:
        _value(call.args[0], module)
    except NameError:
        return True
    return False


def _of_module(module: ModuleType, made_at_run_time: Mapping[str, Iterable[re.Pattern[str]]]) -> Iterator[Found]:
    for call in _calls(module):
        where = f"{module.__name__}:{call.lineno}"
        name = call.func.attr  # type: ignore[attr-defined]
        uses = frozenset({name}) if name in USES else _uses(module, call)
        try:
            text, *flags = (_value(argument, module) for argument in (call.args[0], *_flags(call, name)))
            known = [re.compile(text, *flags)]
        except NameError:
            known = list(made_at_run_time.get(_made(module, call), ()))
        yield from (Found(where, pattern, uses) for pattern in known)


def _is_of_re(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in USES | {"compile"}
    )


def _flags(call: ast.Call, name: str) -> Iterator[ast.expr]:
    place = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(name, 2)
    yield from call.args[place : place + 1]
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "flags")


def _value(expression: ast.expr, module: ModuleType) -> Any:
    return eval(compile(ast.Expression(expression), module.__name__, "eval"), dict(vars(module)))


def _uses(module: ModuleType, call: ast.Call) -> frozenset[str]:
    """The methods that are called on the name a pattern is given; all if it has none or is passed on."""
    names = {
        target.id
        for statement in tree(module).body
        if isinstance(statement, ast.Assign) and statement.value is call
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    if len(names) != 1:
        return USES
    (name,) = names
    readers = (module,) if name.startswith("_") else modules()
    uses, mentions = set[str](), 0
    for reader in readers:
        for node in ast.walk(tree(reader)):
            called = isinstance(node, ast.Attribute) and node.attr in USES | {"pattern"}
            if called and _last_name(node.value) == name:  # type: ignore[attr-defined]
                uses.add(node.attr)  # type: ignore[attr-defined]
                mentions -= 1
            mentions += isinstance(node, ast.Name | ast.Attribute) and _last_name(node) == name
    passed_on = mentions > 1  # the assignment itself is one
    return USES if passed_on or not uses & USES else frozenset(uses & USES)


def _last_name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


@dataclass
class _Shape:
    """What a pattern names: characters, and what may be repeated after what."""

    characters: dict[str, None] = field(default_factory=dict)
    repeated: list[tuple[str, str]] = field(default_factory=list)


def runs(found: Found) -> tuple[Callable[[int], str], ...]:
    """Texts of any length: runs of all that the pattern names, alone and where the pattern may repeat something."""
    pattern = found.pattern
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    shape = _Shape()
    _sample(_parser.parse(text, pattern.flags & ~re.UNICODE & ~re.DEBUG), "", shape)
    units = dict.fromkeys([("", unit) for unit in (*shape.characters, *BASICS)])
    units.update(dict.fromkeys(shape.repeated))
    starts = dict.fromkeys(start for start, _ in shape.repeated if start)
    units.update(dict.fromkeys((start, unit) for start in starts for unit in (" ", "a", "0", '"', *shape.characters)))
    units.update(dict.fromkeys(("", start + unit) for start, unit in shape.repeated))
    return tuple(_run(start, unit, end) for start, unit in units for end in ENDS)


def _run(start: str, unit: str, end: str) -> Callable[[int], str]:
    return lambda length: start + unit * (length // len(unit)) + end


def _sample(parts: Iterable[tuple[object, object]], before: str, shape: _Shape) -> str:
    """A text that the parts match; notes in `shape` what they name."""
    text = ""
    for kind, given in parts:
        text += _sample_of(kind, given, before + text, shape)
    return text


def _sample_of(kind: object, given: Any, before: str, shape: _Shape) -> str:  # noqa: C901  (a case a kind)
    constants = _constants
    match str(kind), given:
        case "LITERAL", int(code):
            shape.characters.setdefault(chr(code))
            return chr(code)
        case "NOT_LITERAL", int(code):
            return next(chr(other) for other in (97, 32, 48) if other != code)
        case "ANY", _:
            return "a"
        case "IN", list(members):
            return _sample_of_class(members, shape)
        case "BRANCH", (_, list(branches)):
            first, *_ = [_sample(branch, before, shape) for branch in branches]
            return first
        case "SUBPATTERN", (_, _, _, parts):
            return _sample(parts, before, shape)
        case "ATOMIC_GROUP", parts:
            return _sample(parts, before, shape)
        case (("MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT"), (int(least), most, parts)):
            inner = _Shape(shape.characters)
            unit = _sample(parts, before, inner)
            shape.repeated += inner.repeated
            if unit and (most is constants.MAXREPEAT or most > 100):
                shape.repeated += [(before, unit)]
                shape.repeated += [(before, one) for one in inner.characters] if len(inner.characters) < 12 else []
            return unit * max(least, 1)
        case (("ASSERT" | "ASSERT_NOT"), (_, parts)):
            _sample(parts, before, shape)
            return ""
        case _:  # places such as \b, and references to groups
            return ""


def _sample_of_class(members: list[tuple[object, object]], shape: _Shape) -> str:
    negated = str(members[0][0]) == "NEGATE"
    named = "".join(_members(members))
    for character in named:
        shape.characters.setdefault(character)
    if not negated:
        return named[0]
    return next(character for character in "a 0!é\n字" if character not in named)


_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " \n", "CATEGORY_WORD": "a0_"}


def _members(members: Iterable[tuple[object, object]]) -> Iterator[str]:
    for kind, given in members:
        match str(kind), given:
            case "LITERAL", int(code):
                yield chr(code)
            case "RANGE", (int(first), int(last)):
                yield chr(first) + chr(last)
            case "CATEGORY", category:
                yield _CATEGORIES.get(str(category), "!a")
