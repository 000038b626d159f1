"""Every function of the service that reads a text, found in its source, and documents that hold much of one thing."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice, product
from string import ascii_lowercase

from service.aws import limits
from service.channels.phones import PhoneRules
from service.cli.checks import amazon
from service.core import exact_json, logs, secrets
from service.decide import alignment, canary, drl, fmt, grammar, language, positions
from service.decide.drl import translate
from service.decide.errors import RuleFaults
from service.decide.ruleset import Place
from service.decide.tables import inline, sheet
from service.escalate import policy_file
from service.evaluations import xml
from service.http import request_ids
from service.inbound.sns import envelope
from service.inbound.twilio import signature
from service.intake.events import file as events
from service.messages import answer_words, html_texts, markup, provider_weights, segments
from service.messages.forms import parse_form
from service.recipients import files, tables, workbooks
from service.recipients.profile import ProfileRules
from service.replies import languages, reading
from service.rulesets import gate
from service.rulesets.columns import typed
from service.schedules import recurrence
from tests.growth.patterns import modules, tree
from tests.reply_words import LANGUAGES

PROFILES = ProfileRules(PhoneRules(reserved_allowed=True))
NOW = datetime(2026, 11, 30, tzinfo=UTC)

TEXTS = frozenset({"str", "bytes", "str | bytes", "bytes | str", "str | None"})
READS = ("parse", "read", "load", "understand", "split", "find", "origins", "rows", "inlined", "check_slots")
"""How the names of functions begin that read a text, whatever else they must be given."""

NO_READERS: frozenset[Callable[..., object]] = frozenset(
    (
        inspect.unwrap(limits._compiled),  # its text is an expression of Amazon's
        canary.check,  # begins a process; what runs in it is measured
        gate.check,
        amazon._table,  # asks AWS
        amazon._intake_table,
        logs.configure,  # changes what everybody logs
        request_ids.adopt_request_id,  # needs a request
        request_ids.refuse_unreadable,
        typed._above,  # the names of all objects above a member are much longer than its own
    )
)
"""Functions of one text that are not measured."""


def _report(*_: object) -> None:
    """What a grammar tells its faults to."""


GIVEN_MORE: dict[Callable[..., object], Callable[[str], object]] = {
    alignment.origins: lambda text: alignment.origins(text, "", text, 0),
    grammar.parse: lambda text: grammar.parse(text, _report),
    positions.read: lambda text: positions.read(text, RuleFaults()),
    positions.read_partly: lambda text: positions.read_partly(text, RuleFaults()),
    inline.inlined: lambda text: inline.inlined(text, lambda _: "a,b\n"),
    sheet.rows: lambda text: list(sheet.rows(text, Place(1, 1), RuleFaults())),
    markup.check_slots: lambda text: markup.check_slots(text, "email.html"),
    provider_weights.parse_weights: lambda text: provider_weights.parse_weights(text, {"ses"}),
    recurrence.parse: lambda text: recurrence.parse(text, "UTC", NOW),
    reading.read: lambda text: LANGUAGES.read(text, "en"),
    languages._parsed: lambda text: languages._parsed("xx", text.encode()),
    segments._split: lambda text: segments._split(text, segments.Encoding.GSM_7, 153),
    secrets._parsed: lambda text: secrets._parsed(text, "a place"),
    translate._parsed: lambda text: translate._parsed(text, "%d-%b-%Y"),
    answer_words.parse_answer: lambda text: answer_words.parse_answer(text, "a place"),
    files.read_file: lambda text: list(files.read_file("a.csv", text.encode(), PROFILES).rows),
    workbooks.read_workbook: lambda text: workbooks.read_workbook(text.encode(), 100),
    tables._rows: lambda text: list(tables._rows(text, ",", 0)),
}
"""Functions that read a text and must be given more than it."""


@dataclass(frozen=True)
class Reader:
    """A function that reads a text, and whether it wants bytes."""

    where: str
    call: Callable[[str], object]


def readers() -> Iterator[Reader]:
    """All functions of one text, those of `GIVEN_MORE`, and the methods that read."""
    for function, annotation in _of_one_text():
        if function not in NO_READERS:
            yield Reader(_named(function), _called(function, annotation))
    yield from (Reader(_named(function), call) for function, call in GIVEN_MORE.items())
    yield Reader("PhoneRules.parse", PhoneRules().parse)


def given_more() -> frozenset[Callable[..., object]]:
    """Functions that read a text, by their name, and must be given more than it."""
    return frozenset(
        function
        for function, _, required in _functions()
        if required > 1 and function.__name__.lstrip("_").startswith(READS)
    )


def _of_one_text() -> Iterator[tuple[Callable[..., object], str]]:
    return ((function, annotation) for function, annotation, required in _functions() if required == 1)


def _functions() -> Iterator[tuple[Callable[..., object], str, int]]:
    """Every function of a module whose first parameter is a text, and how many parameters it must be given."""
    for module in modules():
        if module.__name__.startswith("service.cli"):
            continue
        for node in tree(module).body:
            if isinstance(node, ast.FunctionDef) and (annotation := _first(node.args)) in TEXTS:
                function = getattr(module, node.name)
                yield inspect.unwrap(function), str(annotation), _required(node.args)


def _first(arguments: ast.arguments) -> str | None:
    parameters = [*arguments.posonlyargs, *arguments.args]
    annotation = parameters[0].annotation if parameters else None
    return None if annotation is None else ast.unparse(annotation)


def _required(arguments: ast.arguments) -> int:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional + sum(default is None for default in arguments.kw_defaults)


def _named(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _called(function: Callable[..., object], annotation: str) -> Callable[[str], object]:
    if annotation == "bytes":
        return lambda text: _read(function(text.encode()))
    return lambda text: _read(function(text))


def _read(result: object) -> object:
    """A generator reads when it is asked."""
    return list(result) if isinstance(result, Iterator) else result


UNITS = (
    *(" ", "\n", "\t", "a", "0", "é", '"', "'", "\\", '\\"', "{", "}", "{{ ", "{{a}}", "}}", "[", "(", "<", "<a>"),
    *("&", ",", ".", "-", "#", ":", "a ", "a\n", "a: ", "- ", "1.", "not ", "a@", "%41", "a=b&", "/*", "//"),
)
"""What every reader is fed: runs of each sign that means something somewhere, and of words."""


def _words() -> Iterator[str]:
    return ("".join(letters) for length in count(1) for letters in product(ascii_lowercase, repeat=length))


def repeated(template: str, before: str = "", after: str = "", between: str = "") -> Callable[[int], str]:
    """`template` again and again, each time with another word for `@` and another number for `#`."""

    def text(length: int) -> str:
        times = max(1, (length - len(before) - len(after)) // (len(template) + len(between) + 3))
        parts = (template.replace("@", word).replace("#", str(n)) for n, word in enumerate(islice(_words(), times)))
        return before + between.join(parts) + after

    return text


FRAME = "ruleset: r\nfacts:\n  n: {type: integer}\n  s: {type: text}\n"
RULE = FRAME + "rules:\n  - name: a\n"
TABLE = (
    "ruleset: r\nfacts:\n  n: {type: integer}\n  s: {type: text}\nhit: first\ntable: |\n  name,n,s,out\n  ,in,in,emit\n"
)
EVENT = "events:\n  - source: a\n    detail-type: b\n"
POLICY = "escalation: p\nlevels:\n"

RULES, EVENTS, JSON, FORM, LAYOUT = language.parse, events.parse, exact_json.loads, parse_form, fmt.formatted


def _xml(text: str) -> object:
    return xml.loads(text.encode())


def _slots(text: str) -> object:
    markup.check_slots(text, "email.html")
    return None


def _drl(text: str) -> object:
    return drl.rule_file(text, "r")


DOCUMENTS: dict[str, tuple[Callable[[str], object], Callable[[int], str]]] = {
    "JSON, one name doubled": (JSON, repeated('"@":0', "{", ',"zzzzz":0,"zzzzz":0}', ",")),
    "JSON, every name doubled": (JSON, repeated('"@":0,"@":1', "{", "}", ",")),
    "JSON, one name again and again": (JSON, repeated('"a":0', "{", "}", ",")),
    "JSON, items": (JSON, repeated("[{}]", "[", "]", ",")),
    "JSON, digits": (JSON, repeated("1", "[0.", "]")),
    "JSON, exponent": (JSON, repeated("1", "[1e", "]")),
    "JSON, escapes": (JSON, repeated("\\u00e9", '["', '"]')),
    "SNS": (envelope.parse, repeated('"@":""', "{", "}", ",")),
    "Twilio": (lambda text: signature._fields(text.encode()), repeated("a=b", "", "", "&")),
    "XML, children": (_xml, repeated("<@/>", "<a>", "</a>")),
    "XML, equal children": (_xml, repeated("<b>1</b>", "<a>", "</a>")),
    "XML, attributes": (_xml, repeated(' @="1"', "<a", "/>")),
    "form, slots": (FORM, repeated("{{ @ }}")),
    "form, filters": (FORM, repeated('{{ @ | money("EUR") }} ')),
    "form, a filter and blanks": (FORM, repeated(" ", "{{a|date", "!")),
    "form, an option and blanks": (FORM, repeated(" ", '{{ a | money("EUR"', "}}")),
    "HTML, slots in tags": (_slots, repeated('<a href="{{ @ }}">')),
    "HTML, an open tag": (_slots, repeated("{{ @ }}", "<a ", "")),
    "HTML, texts": (html_texts.texts, repeated("<p>@ &amp; {{ @ }}</p>")),
    "HTML, references": (html_texts.texts, repeated("&amp;")),
    "HTML, styles": (markup.inlined, repeated("<p>@ {{ @ }}</p>", "<style>p {color: red}</style>")),
    "HTML, plain": (markup.plain_text, repeated("<p>@ {{ @ }}</p>")),
    "rules": (RULES, repeated("  - {name: @, when: n < #, then: [accept]}\n", FRAME + "rules:\n")),
    "rules of one name": (RULES, repeated("  - {name: a, when: n < #, then: [accept]}\n", FRAME + "rules:\n")),
    "rules of unknown facts": (RULES, repeated("  - {name: @, when: @ < #, then: [reject: a]}\n", RULE[:-12])),
    "rules of unknown verbs": (RULES, repeated("  - {name: @, then: [{@: a}]}\n", FRAME + "rules:\n")),
    "keys of a file": (RULES, repeated("@: 1\n", FRAME)),
    "equal keys of a file": (RULES, repeated("description: b\n", FRAME)),
    "keys of a rule": (RULES, repeated("    @: 1\n", RULE)),
    "facts": (RULES, repeated("  @: {type: integer, min: #}\n", "ruleset: r\nfacts:\n")),
    "facts of one name": (RULES, repeated("  a: {type: integer}\n", "ruleset: r\nfacts:\n")),
    "values of a fact": (RULES, repeated("@", "ruleset: r\nfacts:\n  s: {type: text, values: [", "]}\n", ", ")),
    "tests": (RULES, repeated("  - {given: {n: #}, expect: {fired: [@]}}\n", FRAME + "tests:\n")),
    "actions": (RULES, repeated("      - {set: s, to: '{{ s }} @'}\n", RULE + "    then:\n")),
    "a text of slots": (RULES, repeated("{{ s }}", RULE + "    then: [reject: '", "']\n")),
    "a text of unknown slots": (RULES, repeated("{{ @ }}", RULE + "    then: [reject: '", "']\n")),
    "a block of slots": (RULES, repeated("      @ {{ s }}\n", RULE + "    then:\n    - reject: |\n")),
    "a text of blanks in a slot": (RULES, repeated(" ", RULE + '    then: [reject: "{{', '!{"]\n')),
    "a text of openings": (RULES, repeated("{{", RULE + '    then: [reject: "', '"]\n')),
    "a condition": (RULES, repeated("n == #", RULE + "    when: ", "\n    then: [accept]\n", " or ")),
    "a condition of blanks": (RULES, repeated(" ", RULE + "    when: 'n < 1", "'\n    then: [accept]\n")),
    "a list in a condition": (RULES, repeated("#", RULE + "    when: n in [", "]\n    then: [accept]\n", ", ")),
    "rows": (RULES, repeated('  @,< #,"A, B",x\n', TABLE)),
    "equal rows": (RULES, repeated("  a,1,A,x\n", TABLE)),
    "faulty rows": (RULES, repeated("  @,x,not,{{\n", TABLE)),
    "columns": (RULES, repeated(",n", TABLE[:-22], "\n  ,in\n")),
    "a cell of items": (RULES, repeated("@", TABLE + '  a,1,"', '",x\n', ", ")),
    "a cell of blanks": (RULES, repeated(" ", TABLE + "  a,1,a b", " c,x\n")),
    "a cell of quotes": (RULES, repeated('""', TABLE + '  a,1,"', '",x\n')),
    "a cell of quoted items": (RULES, repeated('""@"",', TABLE + '  a,1,"', '",x\n')),
    "open quotes": (RULES, repeated('"a,', TABLE)),
    "rules in layout": (LAYOUT, repeated("  - {name: @, when: n < #, then: [accept]}\n", FRAME + "rules:\n")),
    "facts in layout": (LAYOUT, repeated("  @:  {type: integer}\n", "ruleset: r\nfacts:\n")),
    "DRL": (_drl, repeated('rule "@" when C(a == #) then System.out.println("x"); end\n')),
    "DRL, open rules": (_drl, repeated("rule @ ")),
    "DRL, open comments": (_drl, repeated("/* ")),
    "DRL, open texts": (_drl, repeated('\\"')),
    "events": (EVENTS, repeated("  - {source: @, detail-type: b, ruleset: r}\n", "events:\n")),
    "an event's text": (EVENTS, repeated("{{ detail.@ }}", EVENT + "    incident: {description: '", "'}\n")),
    "an event's block": (EVENTS, repeated("        {{ detail.@ }}\n", EVENT + "    incident:\n      description: |\n")),
    "levels": (policy_file.parse, repeated("  - {contacts: [#], wait: 5m}\n", POLICY)),
}
"""Documents that hold much of one thing, by what they hold."""
