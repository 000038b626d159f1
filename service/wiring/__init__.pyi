from service.wiring.app import Service, create_app, of_any_language, open_sentiment, wsgi
from service.wiring.channels import open_twilio, smtp_channel
from service.wiring.escalation import SHIPPED_WORDS, reply_words
from service.wiring.messaging import Messaging
from service.wiring.storage import (
    SYSTEM_CLOCK,
    enough_of_the_audit,
    intake_table_name,
    open_store,
    prepare_aws,
    queue_names,
    table_names,
)
from service.wiring.translators import open_translator

__all__ = [
    "SHIPPED_WORDS",
    "SYSTEM_CLOCK",
    "Messaging",
    "Service",
    "create_app",
    "enough_of_the_audit",
    "intake_table_name",
    "of_any_language",
    "open_sentiment",
    "open_store",
    "open_translator",
    "open_twilio",
    "prepare_aws",
    "queue_names",
    "reply_words",
    "smtp_channel",
    "table_names",
    "wsgi",
]
