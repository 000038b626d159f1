"""Ways to reach a person: the messages of each channel, what became of them, and their carriers."""

from service.core.lazy_face import lazy_face

__getattr__, __all__ = lazy_face(__name__, __file__)
