"""What every part may import: values, errors, the clock, texts and files; nothing of a feature."""

from service.core.lazy_face import lazy_face

__getattr__, __all__ = lazy_face(__name__, __file__)
