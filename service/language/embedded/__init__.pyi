from service.language.embedded.catalogue import Catalogues, read_catalogues
from service.language.embedded.detect import EmbeddedDetector
from service.language.embedded.embeddings import Embeddings
from service.language.embedded.libretranslate import LibreTranslateEngine, Server
from service.language.embedded.model_registry import HUB, ModelRegistry
from service.language.embedded.mozilla import MozillaEngine, bundled_models, find_models
from service.language.embedded.sentiment import EmbeddedSentiment
from service.language.embedded.slots import times_written
from service.language.embedded.tone import EmbeddedTone

__all__ = [
    "HUB",
    "Catalogues",
    "EmbeddedDetector",
    "EmbeddedSentiment",
    "EmbeddedTone",
    "Embeddings",
    "LibreTranslateEngine",
    "ModelRegistry",
    "MozillaEngine",
    "Server",
    "bundled_models",
    "find_models",
    "read_catalogues",
    "times_written",
]
