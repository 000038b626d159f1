"""Language services on AWS: Comprehend for how a text feels and which language it is in, Translate for translation."""

from service.language.aws.comprehend import ComprehendDetector, ComprehendSentiment
from service.language.aws.translate import AmazonTranslate

__all__ = [
    "AmazonTranslate",
    "ComprehendDetector",
    "ComprehendSentiment",
]
