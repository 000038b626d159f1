"""Which page a reaction quotes ("Liked “Disk full db1 …”"): the one whose text begins so, wherever the phone cut it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.channels import Reference, Sms
from service.core import Channel, fold
from service.escalate.incident import Incident
from service.escalate.incidents import Incidents, NoSuchIncident
from service.escalate.items import Outgoing
from service.escalate.phonebook import ListedPage, PhoneBook, Standing
from service.escalate.policy import Role
from service.escalate.states import Open
from service.escalate.wording import Wording
from service.replies import atoms_of, codes_of_atom

LEAST = 12
"""Characters of a page that a quote must show, or all of a shorter description."""

PAGES_LOOKED_AT = 20
"""Open pages whose texts are compared, the latest first."""

_EARLIER = re.compile(r"\D{1,40}?(?P<code>[0-9]{1,4}) ?:")
"""How the pages of earlier versions begin: "Incident 41: …"."""

_ASKING = (Role.PAGE, Role.REMINDER, Role.STILL_ON_IT)
_ALIKE = (Role.ESCALATED, Role.ALREADY_ESCALATED, Role.PASSED_ON)
"""Messages that begin like a page, after its level is over: liking such a text takes nothing."""


@dataclass(frozen=True, slots=True)
class QuotedPages:
    """Finds the page of a phone that a message quotes."""

    incidents: Incidents
    wording: Wording

    def of(self, quote: str, book: PhoneBook) -> tuple[ListedPage, ...]:
        """The open page that is quoted; none where none is, or where several may be."""
        text, codes = _compared(quote), _codes(quote)
        begins = [page for page in book.latest(Standing.OPEN) if page.code in codes or _begins(page) in text]
        fitting = tuple(page for page in begins[:PAGES_LOOKED_AT] if self._is_quoted(page, text))
        if len(fitting) == 1:
            return fitting
        earlier = _EARLIER.match(text)
        return tuple(page for page in begins if not fitting and earlier and page.code == int(earlier["code"]))

    def _is_quoted(self, page: ListedPage, quotation: str) -> bool:
        try:
            incident = self.incidents.get(page.incident_id).incident
        except NoSuchIncident:
            return False
        about = _compared(incident.description)
        if any(_shows(quotation, text, about) for text in self._texts(incident, page, _ASKING)):
            return not self._may_be_no_page(incident, page, quotation)
        return False

    def _may_be_no_page(self, incident: Incident, page: ListedPage, quotation: str) -> bool:
        """Whether the quote could also be of the message that the level is over."""
        over = not isinstance(incident.state, Open) or incident.state.level != page.level
        return over and any(text.startswith(quotation) for text in self._texts(incident, page, _ALIKE))

    def _texts(self, incident: Incident, page: ListedPage, roles: tuple[Role, ...]) -> Iterator[str]:
        for role in roles:
            outgoing = Outgoing(incident.id, 0, role, page.contact, page.level, Channel.SMS)
            message = self.wording.of_message(incident, outgoing, Reference("", 0), self.incidents.clock.now())
            if isinstance(message, Sms):
                yield _compared(message.text)


def _shows(quotation: str, text: str, about: str) -> bool:
    """Whether a quote is the text of a page, or its beginning. A long description is shorter where there is a link."""
    alike = next((n for n, pair in enumerate(zip(quotation, text, strict=False)) if pair[0] != pair[1]), None)
    if alike is None:
        alike = min(len(quotation), len(text))
    before, _, behind = text.partition(about)
    whole = alike in (len(quotation), len(text)) or (bool(behind) and quotation.endswith(behind))
    return whole and alike >= min(LEAST, len(before) + len(about))


def _compared(text: str) -> str:
    """A text without what differs in a quote of it: case, blanks, addresses at its end, and dots where it was cut."""
    return " ".join(fold(text).split()).partition(" http")[0].rstrip(". ")


def _begins(page: ListedPage) -> str:
    return _compared(page.about)[:LEAST]


def _codes(text: str) -> frozenset[int]:
    return frozenset(code for atom in atoms_of(text) for code in codes_of_atom(atom))
