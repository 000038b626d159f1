"""Where the parts are put together, as the settings say."""

from service.core.lazy_face import lazy_face

__getattr__, __all__ = lazy_face(__name__, __file__)
