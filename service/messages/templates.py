"""Message templates: `templates/<name>/` with `sms.txt` and, as needed, `email.subject.txt`, `email.html`, `voice.txt`,
and `answer.txt` where somebody is asked.

All in the source language; `template.yaml` may say which that is, the lane and the digest window.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import yaml

from service.channels import Unaddressable, parse_reply_to
from service.core import (
    SAY_SOMETHING,
    BadDuration,
    CannotRead,
    Lane,
    Tag,
    TocsinError,
    UnknownTag,
    durations,
    is_blank,
    nearest_word,
    parse_tag,
    plain_files,
)
from service.messages import html_texts, markup
from service.messages.answer_words import AnswerRefused, AnswerWords, parse_answer
from service.messages.forms import Form, FormRefused, missing, parse_form
from service.messages.translations import PiecesLost, check_pieces

TRANSLATED = ("sms", "email.subject", "voice")
"""Files that the author may translate: `sms.de.txt` beside `sms.txt`."""

SETTINGS = ("description", "digest", "lane", "language", "reply_to")
"""What `template.yaml` may say."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""Names that a template may have."""

_NOT_TEMPLATES = {"catalogues"}


class TemplateRefused(TocsinError):
    """A template folder that cannot be used; the text names the file and what to change."""


class NoSuchTemplate(TocsinError):
    """No template has this name."""


@dataclass(frozen=True, slots=True)
class Template:
    """A message in its source language. A channel without a form of its own uses `sms`."""

    name: str
    language: Tag
    sms: Form
    subject: Form | None = None
    html: str | None = None
    voice: Form | None = None
    lane: Lane | None = None
    digest: timedelta | None = None
    description: str = ""
    answer: AnswerWords | None = None
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The author's own words: by language, what is said instead of each text."""
    reply_to: str | None = None

    @property
    def forms(self) -> tuple[Form, ...]:
        """Everything that variables are filled into."""
        document = parse_form(self.html) if self.html is not None else None
        return tuple(form for form in (self.sms, self.subject, self.voice, document) if form is not None)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text a translator must be given, each once, with its slots as they were written."""
        sources = [form.source for form in (self.sms, self.subject, self.voice) if form is not None]
        return tuple(dict.fromkeys([*sources, *html_texts.texts(self.html or "")]))

    def missing(self, variables: Mapping[str, object]) -> frozenset[str]:
        """The variables it reads and `variables` lacks."""
        return missing(self.forms, variables)

    def unfit(self, variables: Mapping[str, object]) -> Mapping[str, str]:
        """The variables that no reader's copy could be filled with, and what is wrong with each."""
        forms = (form for form in (self.sms, self.subject, self.voice) if form is not None)
        faults = [fault for form in forms for fault in form.unfit(variables, self.language)]
        if self.html is not None:
            faults += parse_form(self.html).unfit(variables, self.language, markup.written_safely)
        return {fault.name: fault.message for fault in faults}


def announcement(text: str, language: Tag, subject: str | None = None) -> Template:
    """A message without a template: its text, said as it is on every channel."""
    heading = None if subject is None else parse_form(subject, "subject")
    return Template("", language, parse_form(text, "text"), heading)


class Templates:
    """The templates of a folder."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self._templates = templates

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._templates))

    def over(self, others: Templates) -> Templates:
        """These templates, and those of `others` whose names are not among them."""
        return Templates({**others._templates, **self._templates})

    def replace_with(self, others: Templates) -> None:
        """Hold the templates of `others` from now on: the folder was edited."""
        self._templates = others._templates

    def get(self, name: str) -> Template:
        """The template of this name; `NoSuchTemplate` with the nearest names."""
        templates = self._templates
        if name not in templates:
            near = nearest_word(name, templates)
            hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(sorted(templates)) or 'none'}"
            raise NoSuchTemplate(f"there is no template {name!r}: {hint}")
        return templates[name]


def read_templates(root: Path) -> Templates:
    """All templates under `root`; `TemplateRefused` with what is wrong with each unusable one."""
    if not root.is_dir():
        raise TemplateRefused(f"{root}: there is no such folder of templates; TOCSIN_TEMPLATES_DIR names it")
    faults: list[str] = []
    templates: dict[str, Template] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name not in _NOT_TEMPLATES):
        try:
            templates[folder.name] = read_template(folder)
        except (TemplateRefused, FormRefused, AnswerRefused, markup.HtmlRefused) as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(f"{folder} cannot be read: {error.strerror}")
    if faults:
        raise TemplateRefused("\n".join(faults))
    return Templates(templates)


def read_template(folder: Path) -> Template:
    """The template of one folder; `TemplateRefused`, `FormRefused` or `HtmlRefused` at its first fault."""
    if not NAME.fullmatch(folder.name):
        raise TemplateRefused(f"{folder}: name the folder with small letters, digits, - and _ alone")
    settings = _settings(folder / "template.yaml")
    sms = _form(folder / "sms.txt")
    if sms is None:
        raise TemplateRefused(f"{folder}: sms.txt is missing: other channels fall back to it")
    return Template(
        name=folder.name,
        language=_language(settings, folder),
        sms=sms,
        subject=_form(folder / "email.subject.txt"),
        html=_document(folder / "email.html"),
        voice=_form(folder / "voice.txt"),
        lane=_lane(settings, folder),
        digest=_digest(settings, folder),
        description=settings.get("description", ""),
        translations=_translations(folder),
        answer=_answer(folder / "answer.txt"),
        reply_to=_reply_to(settings, folder),
    )


def _translations(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """The author's own words: `sms.de.txt` beside `sms.txt`, by language, what is said instead of each text."""
    by_language: dict[str, dict[str, str]] = {}
    for name in TRANSLATED:
        for path in sorted(folder.glob(f"{name}.*.txt")):
            form = _form(folder / f"{name}.txt")
            tag = path.name.removeprefix(f"{name}.").removesuffix(".txt")
            if form is None:
                raise TemplateRefused(f"{path}: there is no {name}.txt that it would translate")
            try:
                language, text = parse_tag(tag), _text(path).strip()
                check_pieces(form.source, text)
            except (UnknownTag, PiecesLost) as error:
                raise TemplateRefused(f"{path}: {error}") from error
            parse_form(text, str(path))
            by_language.setdefault(str(language), {})[form.source] = text
    return by_language


def _form(path: Path) -> Form | None:
    if not path.exists():
        return None
    form = parse_form(_text(path).strip(), str(path))
    if not form.names and is_blank(form.source):
        raise TemplateRefused(f"{path}: {SAY_SOMETHING}")
    return form


def _answer(path: Path) -> AnswerWords | None:
    return parse_answer(_text(path), str(path)) if path.exists() else None


def _document(path: Path) -> str | None:
    if not path.exists():
        return None
    document = _text(path)
    parse_form(document, str(path))
    markup.check_slots(document, str(path))
    return document


def _text(path: Path) -> str:
    try:
        return plain_files.read_text(path)
    except CannotRead as error:
        raise TemplateRefused(str(error)) from error
    except UnicodeDecodeError as error:
        raise TemplateRefused(f"{path}: not UTF-8 from byte {error.start}: save it as UTF-8") from error


def _settings(path: Path) -> Mapping[str, str]:
    if not path.exists():
        return {}
    try:
        document = yaml.load(_text(path), yaml.BaseLoader)  # noqa: S506 (makes texts only)
    except yaml.YAMLError as error:
        raise TemplateRefused(f"{path} is not YAML: {error}") from error
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise TemplateRefused(f"{path} must hold lines like `lane: transactional`")
    for name in document:
        if name not in SETTINGS:
            raise TemplateRefused(f"{path}: there is no setting {name!r}: use {', '.join(SETTINGS)}")
    return document


def _language(settings: Mapping[str, str], folder: Path) -> Tag:
    try:
        return parse_tag(settings.get("language", "en"))
    except UnknownTag as error:
        raise TemplateRefused(f"{folder}/template.yaml: language: {error}") from error


def _lane(settings: Mapping[str, str], folder: Path) -> Lane | None:
    if "lane" not in settings:
        return None
    if settings["lane"] not in set(Lane):
        raise TemplateRefused(f"{folder}/template.yaml: lane must be one of {', '.join(Lane)}")
    return Lane(settings["lane"])


def _reply_to(settings: Mapping[str, str], folder: Path) -> str | None:
    if "reply_to" not in settings:
        return None
    try:
        return parse_reply_to(settings["reply_to"])
    except Unaddressable as error:
        raise TemplateRefused(f"{folder}/template.yaml: reply_to {error}") from error


def _digest(settings: Mapping[str, str], folder: Path) -> timedelta | None:
    if "digest" not in settings:
        return None
    try:
        return durations.parse(settings["digest"])
    except BadDuration as error:
        raise TemplateRefused(f"{folder}/template.yaml: digest must be a duration such as 5m: {error}") from error
