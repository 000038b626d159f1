"""The texts of a notification, one for each language that its recipients read.

`translate` makes them, `rendition_cache` keeps them parsed while a process sends, and `reopen` sends on what waited
for a translation.
"""

from service.notify.texts.rendition_cache import Renditions
from service.notify.texts.reopen import TranslationReopener
from service.notify.texts.translate import authors_words, in_source_language

__all__ = [
    "Renditions",
    "TranslationReopener",
    "authors_words",
    "in_source_language",
]
