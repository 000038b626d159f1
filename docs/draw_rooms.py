"""Draws `docs/img/rooms.svg`: the rooms of `service/`, and which imports which.

Run it after a change of imports between rooms: `.venv/bin/python docs/draw_rooms.py`. A test compares the file.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "img" / "rooms.svg"
WIDTH, ROW, BOX, HEIGHT, MARGIN = 920, 64, 118, 36, 24

Arrow = tuple[str, str]

STYLE = (
    "text{font:13px system-ui,sans-serif;text-anchor:middle;fill:#1c1917}.files{font-size:11px;fill:#57534e}"
    "rect{fill:#f7f5f2;stroke:#a8a29e}path{fill:none;stroke:#9a3412;stroke-opacity:.16}"
    "@media(prefers-color-scheme:dark){text{fill:#f5f5f4}.files{fill:#b5aea8}rect{fill:#221e1b;stroke:#6b6560}"
    "path{stroke:#fdba74;stroke-opacity:.18}}"
)


def rooms_of(graph: grimp.ImportGraph) -> Mapping[str, int]:
    """The rooms, and how many modules each holds."""
    names = (name.split(".") for name in graph.modules)
    return Counter(parts[1] for parts in names if len(parts) > 1)


def arrows_of(graph: grimp.ImportGraph) -> set[Arrow]:
    """Which room imports which."""
    pairs = (
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    )
    named = ((first.split("."), second.split(".")) for first, second in pairs)
    return {(a[1], b[1]) for a, b in named if len(a) > 1 and len(b) > 1 and a[1] != b[1]}


def floors(rooms: Iterable[str], arrows: set[Arrow]) -> Sequence[Sequence[str]]:
    """The rooms by floor, the highest first: each stands one floor above the highest that it imports."""

    @cache
    def floor(room: str) -> int:
        return max((1 + floor(imported) for importer, imported in arrows if importer == room), default=0)

    by_floor = groupby(sorted(rooms, key=lambda room: (-floor(room), room)), key=floor)
    return [list(row) for _, row in by_floor]


def drawn() -> str:
    """The picture as SVG."""
    graph = grimp.build_graph("service")
    rooms, arrows = rooms_of(graph), arrows_of(graph)
    rows = floors(rooms, arrows)
    places = {room: _place(row, line, room) for line, row in enumerate(rows) for room in row}
    height = 2 * MARGIN + ROW * (len(rows) - 1) + HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>The rooms of service/: {len(places)} rooms, {len(arrows)} arrows, all downwards</title>",
        f"<style>{STYLE}</style>",
        *(_arrow(places[importer], places[imported]) for importer, imported in sorted(arrows)),
        *(_box(place, room, rooms[room]) for room, place in places.items()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _place(row: Sequence[str], line: int, room: str) -> tuple[int, int]:
    """The middle of a room's box; every other floor is shifted, so that arrows pass beside boxes."""
    step = WIDTH // (len(row) + 1)
    shift = BOX // 2 if line % 2 else -BOX // 2
    return step * (row.index(room) + 1) + shift, MARGIN + ROW * line + HEIGHT // 2


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = start, end
    top, bottom = y + HEIGHT // 2, to_y - HEIGHT // 2
    bend = (top + bottom) // 2
    return f'<path d="M{x} {top}C{x} {bend} {to_x} {bend} {to_x} {bottom}"/>'


def _box(place: tuple[int, int], room: str, files: int) -> str:
    x, y = place
    return (
        f"<g><title>service/{room}: {files} modules</title>"
        f'<rect x="{x - BOX // 2}" y="{y - HEIGHT // 2}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x}" y="{y - 2}">{room}</text><text class="files" x="{x}" y="{y + 12}">{files}</text></g>'
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn())
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")
