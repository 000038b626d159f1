"""Who translates, and who says which language a text is in, chosen by the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.config import Settings
from service.language import (
    Detector,
    Guard,
    GuardedEngine,
    MachineTranslator,
    TranslationEngine,
    Translator,
    Translators,
)
from service.language.embedded import Catalogues, times_written
from service.work import Breakers

if TYPE_CHECKING:
    from service.wiring.aws import Amazon


def open_translator(
    settings: Settings, catalogues: Catalogues, breakers: Breakers, amazon: Amazon | None = None
) -> Translator:
    """Catalogues first, then machines: Amazon's or those on this machine, then LibreTranslate."""
    detector, terms = open_detector(settings, amazon), settings.keep_terms
    engines = _engines(settings, breakers, amazon)
    machines = (MachineTranslator(engine, detector, terms, times_written) for engine in engines)
    return Translators(catalogues, *machines)


def open_detector(settings: Settings, amazon: Amazon | None) -> Detector:
    """Who says which language a text is in; the embedded model is loaded by the first text."""
    if amazon is not None and settings.detects_by_comprehend:
        return amazon.detector()
    from service.language.embedded import EmbeddedDetector

    return EmbeddedDetector()


def _engines(settings: Settings, breakers: Breakers, amazon: Amazon | None) -> Iterator[TranslationEngine]:
    if amazon is not None and settings.asks_amazon:
        yield amazon.engine()
    else:
        from service.language.embedded import MozillaEngine, bundled_models, find_models

        own = (settings.model_dir, settings.models) if settings.model_dir else (settings.models,)
        yield MozillaEngine(find_models(*own, bundled_models()))
    if settings.libretranslate_url:
        from service.language.embedded import LibreTranslateEngine, Server

        server = Server(settings.libretranslate_url, settings.libretranslate_api_key)
        yield GuardedEngine(LibreTranslateEngine(server), Guard("libretranslate", breakers))
