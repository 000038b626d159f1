"""What tests of earlier data share with those of the whole service."""

from tests.installed_once import what_all_installations_share_is_made_once

__all__ = ["what_all_installations_share_is_made_once"]
