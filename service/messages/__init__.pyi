from service.messages import markup, render, speech, template_documents
from service.messages.answer_words import NEUTRAL, AnswerWords
from service.messages.attachment_rules import (
    MAX_ATTACHMENT_NAME,
    MAX_ATTACHMENT_SIZE,
    MAX_ATTACHMENTS,
    AttachmentGone,
    AttachmentRefused,
)
from service.messages.attachments import Attachments
from service.messages.carriers import Carriers, RateLimiter, SenderCarrier, StepRates, Urgency, any_route
from service.messages.failover import Failover, RouteChooser
from service.messages.forms import MAX_VALUE, Form, FormRefused, NotFilled, parse_form
from service.messages.keywords import Keyword, keyword
from service.messages.lane_routes import LANE_PAUSED, LANE_RESUMED, audited_pause
from service.messages.machine_review import MachineReview
from service.messages.markup import UNSUBSCRIBE
from service.messages.optout_routes import OPTOUT_ADDED, OPTOUT_LIFTED, OptOutView, audited_optout, suppressed
from service.messages.optouts import ListedOptOut, OptOut, OptOutReason, OptOuts
from service.messages.pace import Pace, parse_pace
from service.messages.post_attempts import OF_ONE_HOST, HostShares, PostAttempts, on_dead, without_failures
from service.messages.prices import CURRENCY, estimated_price
from service.messages.provider_weights import parse_weights
from service.messages.providers import OneAddress, Provider
from service.messages.quiet_hours import QuietHours, parse_quiet_hours
from service.messages.render import NO_FOOT, EmailText, FilledText, MailFooter, Rendition, TooLong
from service.messages.reviews import FLAGGED, NotWaiting, Ruling, RulingCommit, RulingWord, ruled, waits_for_review
from service.messages.routes import OUTBOX_LIST, OutboxQuery, sent_as_json
from service.messages.s3_attachments import S3Attachments
from service.messages.segments import Segments, not_in_gsm_7, segments_of, surplus
from service.messages.senders import Sender, Senders, SendersRefused, one_identity, read_senders
from service.messages.shortened import shorten
from service.messages.spend import Budgeted, Spend
from service.messages.templates import NoSuchTemplate, Template, Templates, announcement, read_templates
from service.messages.translation_exchange import DoesNotFit, export_texts, import_texts
from service.messages.translation_files import NotReadable, TranslationFormat
from service.messages.translations import (
    OPEN_REVIEWS,
    TRANSLATION_KIND,
    TRANSLATION_MISSING,
    TRANSLATION_SUPPLIED,
    MissingTranslation,
    NoSuchTranslation,
    NothingToReview,
    PiecesLost,
    Translations,
    WantedTranslation,
    check_pieces,
)
from service.messages.webhooks import Callback, CallbackRefused, Webhooks, check_url, host_of

__all__ = [
    "CURRENCY",
    "FLAGGED",
    "LANE_PAUSED",
    "LANE_RESUMED",
    "MAX_ATTACHMENTS",
    "MAX_ATTACHMENT_NAME",
    "MAX_ATTACHMENT_SIZE",
    "MAX_VALUE",
    "NEUTRAL",
    "NO_FOOT",
    "OF_ONE_HOST",
    "OPEN_REVIEWS",
    "OPTOUT_ADDED",
    "OPTOUT_LIFTED",
    "OUTBOX_LIST",
    "TRANSLATION_KIND",
    "TRANSLATION_MISSING",
    "TRANSLATION_SUPPLIED",
    "UNSUBSCRIBE",
    "AnswerWords",
    "AttachmentGone",
    "AttachmentRefused",
    "Attachments",
    "Budgeted",
    "Callback",
    "CallbackRefused",
    "Carriers",
    "DoesNotFit",
    "EmailText",
    "Failover",
    "FilledText",
    "Form",
    "FormRefused",
    "HostShares",
    "Keyword",
    "ListedOptOut",
    "MachineReview",
    "MailFooter",
    "MissingTranslation",
    "NoSuchTemplate",
    "NoSuchTranslation",
    "NotFilled",
    "NotReadable",
    "NotWaiting",
    "NothingToReview",
    "OneAddress",
    "OptOut",
    "OptOutReason",
    "OptOutView",
    "OptOuts",
    "OutboxQuery",
    "Pace",
    "PiecesLost",
    "PostAttempts",
    "Provider",
    "QuietHours",
    "RateLimiter",
    "Rendition",
    "RouteChooser",
    "Ruling",
    "RulingCommit",
    "RulingWord",
    "S3Attachments",
    "Segments",
    "Sender",
    "SenderCarrier",
    "Senders",
    "SendersRefused",
    "Spend",
    "StepRates",
    "Template",
    "Templates",
    "TooLong",
    "TranslationFormat",
    "Translations",
    "Urgency",
    "WantedTranslation",
    "Webhooks",
    "announcement",
    "any_route",
    "audited_optout",
    "audited_pause",
    "check_pieces",
    "check_url",
    "estimated_price",
    "export_texts",
    "host_of",
    "import_texts",
    "keyword",
    "markup",
    "not_in_gsm_7",
    "on_dead",
    "one_identity",
    "parse_form",
    "parse_pace",
    "parse_quiet_hours",
    "parse_weights",
    "read_senders",
    "read_templates",
    "render",
    "ruled",
    "segments_of",
    "sent_as_json",
    "shorten",
    "speech",
    "suppressed",
    "surplus",
    "template_documents",
    "waits_for_review",
    "without_failures",
]
