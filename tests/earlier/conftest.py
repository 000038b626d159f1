"""What tests of earlier data share with those of the whole service."""

from tests.parsed_once import shipped_files_are_parsed_once

__all__ = ["shipped_files_are_parsed_once"]
