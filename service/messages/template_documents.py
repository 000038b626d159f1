"""A template as one text, which can be published: its name, and the files of its folder.

template: menu
files:
  sms.txt: The menu of {{ day }} is out.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import yaml

from service.core import CannotRead, TocsinError, likely, parse_tag, plain_files
from service.decide import (
    Entries,
    Finding,
    Flaw,
    InlinedText,
    Node,
    Place,
    RuleFaults,
    RulesetHeader,
    Scalar,
    Severity,
    positions,
)
from service.messages import markup
from service.messages.answer_words import AnswerRefused
from service.messages.forms import FormRefused
from service.messages.html_dangers import dangers
from service.messages.templates import NAME, TRANSLATED, Template, TemplateRefused, read_template
from service.rulesets import TEMPLATES, CheckedFile, RuleFile

MAX_BYTES = 512 * 1024
"""Size of a document."""

MOST_ERRORS = 20
"""Files whose errors are said at once."""

_HTML = "email.html"

_FILE = re.compile(r"(?:sms|email\.subject|voice|answer)(?:\.[A-Za-z0-9-]{2,35})?\.txt|email\.html|template\.yaml")
_REFUSALS = (TemplateRefused, FormRefused, AnswerRefused, markup.HtmlRefused)


class NotATemplate(TocsinError):
    """A text that is no template; says what to write."""


class _Dumper(yaml.CSafeDumper):
    """Writes texts of several lines as people would."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def written(name: str, files: Mapping[str, str]) -> str:
    """The document of a template."""
    document = {"template": name, "files": {file: files[file] for file in sorted(files)}}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)


def read(source: str) -> tuple[str, Mapping[str, str]]:
    """The name and the files that a document holds; `NotATemplate`."""
    faults = RuleFaults()
    root, _ = positions.read(source, faults)
    if root is None or faults.refused:
        first = faults.in_order()[0]
        raise NotATemplate(f"it is not YAML: line {first.at.line}: {first.message}")
    if (twice := _written_twice(root)) is not None:
        raise NotATemplate(f"`{twice}` stands here a second time: keep one of them")
    match _texts(root):
        case {"template": str(name), "files": dict(files), **others} if not others:
            pass
        case _:
            raise NotATemplate("write `template:` with its name and `files:` with the texts, such as `sms.txt: Hello`")
    if NAME.fullmatch(name) is None:
        raise NotATemplate(f"{name!r} is no name: write it with small letters, digits, - and _")
    for file, text in files.items():
        if not isinstance(file, str) or _FILE.fullmatch(file) is None:
            raise NotATemplate(f"files: {file!r} is no file of a template; sms.txt, email.html and voice.txt are")
        if not isinstance(text, str):
            raise NotATemplate(f"files: {file} must be a text")
    return name, files


def _written_twice(root: Node) -> str | None:
    """A name that a mapping has more than once."""
    if not isinstance(root, Entries):
        return None
    names = Counter(key.text for key, _ in root.pairs)
    again = (name for name, count in names.items() if count > 1)
    inner = (_written_twice(value) for _, value in root.pairs)
    return next(again, None) or next(filter(None, inner), None)


def _texts(node: Node) -> object:
    """The node as texts and mappings of them; a list is nothing that a template may hold."""
    match node:
        case Scalar():
            return node.text
        case Entries():
            return {key.text: _texts(value) for key, value in node.pairs}
        case _:
            return None


def parsed(source: str) -> Template:
    """The template of a document; `NotATemplate`, or what is wrong with a file of it."""
    return _template(*read(source))


def _template(name: str, files: Mapping[str, str]) -> Template:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text)
        try:
            return read_template(folder)
        except _REFUSALS as error:
            raise NotATemplate(str(error).replace(f"{place}/", "")) from error


def checked(content: bytes) -> CheckedFile:
    """All findings about a document before it is published."""
    try:
        source = content.decode()
        name, files = read(source)
    except UnicodeDecodeError as error:
        return _refused(content, [_finding(f"it is not UTF-8 from byte {error.start}")])
    except NotATemplate as error:
        return _refused(content, [_finding(str(error))])
    if errors := list(islice(_errors(name, files), MOST_ERRORS)):
        return _refused(content, _placed(source, name, errors))
    template = _template(name, files)
    return CheckedFile(source, RulesetHeader(template.name, template.description), ())


def _errors(name: str, files: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with each of the files: a file is looked at without those that were refused before it.

    What mail programs drop, and what is of no use, is asked here alone: a template that says it and is in use goes on.
    """
    while True:
        try:
            template = _template(name, files)
        except NotATemplate as error:
            yield str(error)
            file = _file_of(name, str(error))
            if file not in files:
                return
            files = _without(file, files)
        else:
            for danger in dangers(files.get(_HTML, "")):
                yield f"{name}/{_HTML}:{danger.line}:{danger.column}: {danger.message}"
            yield from _into_its_own_language(template, files)
            return


def _into_its_own_language(template: Template, files: Mapping[str, str]) -> Iterator[str]:
    """Translations that nobody would be sent: those into the language of the texts themselves."""
    for file in files:
        stem, _, tag = file.removesuffix(".txt").rpartition(".")
        if stem in TRANSLATED and likely(parse_tag(tag)) == likely(template.language):
            yield f"{template.name}/{file}: it is in the language of {stem}.txt itself: say it there"


def _file_of(name: str, error: str) -> str:
    match = _FILE.match(error.removeprefix(f"{name}/"))
    return match[0] if match else ""


def _without(file: str, files: Mapping[str, str]) -> Mapping[str, str]:
    """The files without one file and its translations; a template always needs its `sms.txt`."""
    stem = file.removesuffix(".txt")
    left = {other: text for other, text in files.items() if other != file and not other.startswith(f"{stem}.")}
    return {"sms.txt": "x", **left}


def _placed(source: str, name: str, errors: Sequence[str]) -> Sequence[Finding]:
    """Each error in the line of the document where it stands."""
    lines, places = source.splitlines(), _places(source)
    return [_finding(error, _place(lines, places.get(_file_of(name, error)), error)) for error in errors]


def _places(source: str) -> Mapping[str, tuple[Place, Node]]:
    """Where the name and the text of each file stand."""
    root, _ = positions.read(source, RuleFaults())
    assert isinstance(root, Entries), "a document that was read"
    (files,) = (value for key, value in root.pairs if key.text == "files")
    assert isinstance(files, Entries)
    return {key.text: (key.at, value) for key, value in files.pairs}


def _place(lines: Sequence[str], file: tuple[Place, Node] | None, error: str) -> Place:
    if file is None:
        return Place(1, 1)
    key, value = file
    at = re.match(r"[^:\s]+:(\d+):(\d+): ", error)
    if at is None or not isinstance(value, Scalar) or value.style != "|":
        return key
    number = value.at.line + int(at[1])
    line = lines[number - 1]
    return Place(number, int(at[2]) + len(line) - len(line.lstrip()))


def _finding(message: str, at: Place | None = None) -> Finding:
    return Finding(Severity.ERROR, Flaw.SYNTAX, at or Place(1, 1), message)


def _refused(content: bytes, findings: Sequence[Finding]) -> CheckedFile:
    return CheckedFile(content.decode("utf-8", "replace"), None, tuple(findings))


class TemplateFolders:
    """The templates of a folder, a folder each, as documents."""

    def paths(self, folder: Path) -> Iterable[Path]:
        """Every folder with a name that a template may have."""
        if not folder.is_dir():
            return ()
        folders = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        return sorted(path for path in folders if path.name != "catalogues")

    def misnamed(self, _: Path) -> Iterable[Path]:
        """None: a folder that is no template says so itself."""
        return ()

    def read(self, path: Path) -> RuleFile:
        """The folder as a document."""
        try:
            files = {file.name: plain_files.read_text(file) for file in path.iterdir() if _FILE.fullmatch(file.name)}
        except UnicodeDecodeError as error:
            raise CannotRead(path, f"it is not UTF-8 from byte {error.start}") from error
        except OSError as error:
            raise CannotRead(path, str(error.strerror)) from error
        document = written(path.name, files)
        return RuleFile(path, document, document.encode(), InlinedText(document), TEMPLATES.names)

    def place(self, folder: Path, name: str) -> Path:
        """By the name."""
        return folder / name

    def parts(self, path: Path, source: str) -> Sequence[tuple[Path, str]]:
        """The files."""
        return [(path / file, text) for file, text in read(source)[1].items()]

    def surplus(self, path: Path, source: str) -> Sequence[Path]:
        """Files of the template that the text has not."""
        wanted = read(source)[1]
        return [file for file in path.iterdir() if _FILE.fullmatch(file.name) and file.name not in wanted]
