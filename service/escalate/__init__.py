"""Incidents: contacts are asked one level after another until one of them takes it."""

from service.escalate import intake, lenient, policy_file
from service.escalate.answer_pages import AnswerPages
from service.escalate.answers import Answers
from service.escalate.approvals import Approvals
from service.escalate.callbacks import IncidentCallbacks
from service.escalate.contacts import Contacts, UnknownContact
from service.escalate.forgetting import Forgetting
from service.escalate.gathering import ContactLimits
from service.escalate.incidents import Incidents, NoContacts, OtherContent
from service.escalate.intake import IncidentBody, IntakeRules, shape_of
from service.escalate.items import incident_id, record_of
from service.escalate.lenient import NotFitting
from service.escalate.links import Links
from service.escalate.mail import MailReplies
from service.escalate.notices import Notices
from service.escalate.outcomes import RuleIncidents
from service.escalate.policies import Policies, UnknownPolicy, checked, published_policy, read_policies
from service.escalate.policy import EscalationPolicy
from service.escalate.quoted_pages import QuotedPages
from service.escalate.receipts import Receipts
from service.escalate.replying import Replies
from service.escalate.send import IncidentSender
from service.escalate.summaries import Summaries
from service.escalate.wording import SenderDetails, Wording

__all__ = [
    "AnswerPages",
    "Answers",
    "Approvals",
    "ContactLimits",
    "Contacts",
    "EscalationPolicy",
    "Forgetting",
    "IncidentBody",
    "IncidentCallbacks",
    "IncidentSender",
    "Incidents",
    "IntakeRules",
    "Links",
    "MailReplies",
    "NoContacts",
    "NotFitting",
    "Notices",
    "OtherContent",
    "Policies",
    "QuotedPages",
    "Receipts",
    "Replies",
    "RuleIncidents",
    "SenderDetails",
    "Summaries",
    "UnknownContact",
    "UnknownPolicy",
    "Wording",
    "checked",
    "incident_id",
    "intake",
    "lenient",
    "policy_file",
    "published_policy",
    "read_policies",
    "record_of",
    "shape_of",
]
