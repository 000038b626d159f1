"""What a scenario tells the person who watches, and whether everything was as it should be."""

from __future__ import annotations

from collections.abc import Callable

Echo = Callable[[str], None]


class Transcript:
    """Prints as it goes; `failures` counts what was not as expected."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self.failures = 0

    def title(self, text: str) -> None:
        """Begin a scenario."""
        self._echo(f"\n{text}\n{'─' * len(text)}")

    def say(self, text: str) -> None:
        """Tell what happens next."""
        self._echo(text)

    def expect(self, what: str, actual: object, expected: object) -> None:
        """Compare, and show both where they differ."""
        if actual == expected:
            self._echo(f"  ✓ {what}: {actual}")
        else:
            self.failures += 1
            self._echo(f"  ✗ {what}: {actual} (should be {expected})")
