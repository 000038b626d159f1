"""What every adapter on AWS shares: clients, their limits, and what their errors mean."""

from service.core.lazy_face import lazy_face

__getattr__, __all__ = lazy_face(__name__, __file__)
