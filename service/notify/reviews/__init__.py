"""What is checked before a notification goes out.

`validate` applies the sentiment rules, `review` records what a person decides, and `review_links` lets them decide
from a mail.
"""

from service.notify.reviews.review import NotHeld, Reviewers, reviewed
from service.notify.reviews.review_links import ReviewLinks
from service.notify.reviews.validate import PATIENCE, Validation

__all__ = ["PATIENCE", "NotHeld", "ReviewLinks", "Reviewers", "Validation", "reviewed"]
