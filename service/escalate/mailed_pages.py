"""A page as a mail: the thing, the question in the policy's words, and how to answer. No words to send back where
nobody reads them.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from service.messages import AnswerWords, Template, markup


class MailSentence(StrEnum):
    """What a mailed page says beside the words of its template and its policy: sentences of the catalogues."""

    BUTTON = "Answer: yes or no"
    BEHIND = "Nothing happens until you choose on the page behind it."
    EITHER = "You can also answer this email with YES or NO."
    BY_MAIL = "Answer this email with YES or NO."
    BY_TEXT = "Text YES {{ code }} or NO {{ code }} to {{ number }}."
    UNREAD = "Answers to this email are not read."
    OPENED = "Opened {{ opened }}, code {{ code }}"
    OPENED_AT = "Opened {{ opened }}"
    DETAILS = "Details"
    NEXT = "Asked next"
    WHY = "You get this because you are a contact for this."


@dataclass(frozen=True, slots=True)
class MailAnswerOptions:
    """How a mail can be answered: by a link, by mail where that `is_read`, by a text to a number, or not at all.

    `page` is the template whose `answer.txt` has the question; `has_next` if somebody is asked after these.
    """

    page: str
    has_link: bool
    has_url: bool
    has_next: bool
    is_read: bool
    is_mail: bool = True
    """Whether it is a mail at all, and not a message in a room that is answered by the link alone."""
    has_number: bool = False
    """Whether there is a number to text, and a code of the reader's phone."""
    has_code: bool = True
    """Whether the reader has a code: whoever has no phone has none."""


def mail_document(template: Template, words: AnswerWords, asked: MailAnswerOptions) -> str:
    """The HTML of a page in the template's own language, its slots still open."""
    subject = template.subject.source if template.subject is not None else "{{ description }}"
    heading = f"<h1>{html.escape(subject, quote=False)}</h1>\n"
    question = f"<p>{html.escape(words.question, quote=False)}</p>\n"
    return markup.letter(
        template.language,
        subject,
        heading + _facts(asked) + question + "".join(_ways(asked)),
        preheader=words.question,
        kind=_kind(asked),
        foot=(MailSentence.WHY,) if asked.is_mail else (),
    )


def _kind(asked: MailAnswerOptions) -> str:
    """When it was opened, and the code where the reader also has it elsewhere."""
    if not asked.is_mail:
        return ""
    return MailSentence.OPENED if asked.has_code else MailSentence.OPENED_AT


def _facts(asked: MailAnswerOptions) -> str:
    """Where more is known about it, and who is asked next."""
    address = '<a href="{{ url }}">{{ url }}</a>'
    if not asked.is_mail:
        return f"<p>{address}</p>\n" if asked.has_url else ""
    facts = [f"<span>{MailSentence.DETAILS}</span> {address}"] if asked.has_url else []
    facts += [f"<span>{MailSentence.NEXT}</span> <b>{{{{ next }}}}</b>"] if asked.has_next else []
    return f'<p class="facts">{"<br>".join(facts)}</p>\n' if facts else ""


def _ways(asked: MailAnswerOptions) -> Iterator[str]:
    if asked.has_link:
        yield f'<p style="margin:0"><a class="button" href="{{{{ link }}}}">{MailSentence.BUTTON}</a></p>\n'
        yield f'<p class="hint">{MailSentence.BEHIND}</p>\n'
    if not asked.is_mail:
        return
    if asked.is_read:
        yield f'<p class="hint">{MailSentence.EITHER if asked.has_link else MailSentence.BY_MAIL}</p>\n'
        return
    if asked.has_number and not asked.has_link:
        yield f"<p>{MailSentence.BY_TEXT}</p>\n"
    yield f'<p class="hint">{MailSentence.UNREAD}</p>\n'
