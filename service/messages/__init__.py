"""Messages: templates and their texts, providers and their limits, translations, opt-outs, reviews and the outbox."""

from service.core.lazy_face import lazy_face

__getattr__, __all__ = lazy_face(__name__, __file__)
