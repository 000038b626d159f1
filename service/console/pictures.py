"""Pictures that the server draws as SVG: where each bar of a chart stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 80
"""Of a chart, in units of its own; the page gives it its size."""

LEAST = 1.5
"""The height of the smallest bar that is not 0: it must be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def bars(values: Sequence[float | None], top: float | None = None) -> Sequence[Bar]:
    """Bars side by side, none for 0 or what is unknown; `top` is as high as the picture, or the highest value is."""
    highest = top or max((value or 0 for value in values), default=0) or 1
    step = WIDTH / max(1, len(values))
    drawn = [(number, value) for number, value in enumerate(values) if value]
    heights = [(number, max(LEAST, min(1, value / highest) * HEIGHT)) for number, value in drawn]
    return [
        Bar(round(number * step, 1), round(HEIGHT - height, 1), round(step * 0.7, 1), round(height, 1))
        for number, height in heights
    ]
