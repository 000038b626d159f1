"""Which page a reaction quotes ("Liked “Disk full db1 …”"): the one whose text begins so, wherever the phone cut it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.channels import Reference, Sms
from service.core.enums import Channel
from service.escalate.incident import Incident
from service.escalate.incidents import Incidents, NoSuchIncident
from service.escalate.items import Outgoing
from service.escalate.phonebook import ListedPage, PhoneBook, Standing
from service.escalate.policy import Role
from service.escalate.states import Open
from service.escalate.wording import Wording
from service.replies import atoms_of, codes_of_atom, fold

LEAST = 12
"""Characters of a page that a quote must show, or all of a shorter description."""

PAGES_LOOKED_AT = 20
"""Open pages whose texts are compared, the latest first."""

_EARLIER = re.compile(r"\D{1,40}?(?P<code>[0-9]{1,4}) ?:")
"""How the pages of earlier versions begin: "Incident 41: …"."""

_ASKING = (Role.PAGE, Role.REMINDER, Role.STILL_ON_IT)
_ALIKE = (Role.ESCALATED, Role.ALREADY_ESCALATED, Role.PASSED_ON)
"""What begins as a page does, once its level is over: whoever likes such a text takes nothing."""


@dataclass(frozen=True, slots=True)
class QuotedPages:
    """Finds the page of a phone that a message quotes."""

    incidents: Incidents
    wording: Wording

    def of(self, quote: str, book: PhoneBook) -> tuple[ListedPage, ...]:
        """The open page that is quoted; none where none is, or where several may be."""
        said, codes = _compared(quote), _codes(quote)
        begins = [page for page in book.latest(Standing.OPEN) if page.code in codes or _begins(page) in said]
        fitting = tuple(page for page in begins[:PAGES_LOOKED_AT] if self._is_quoted(page, said))
        if len(fitting) == 1:
            return fitting
        earlier = _EARLIER.match(said)
        return tuple(page for page in begins if not fitting and earlier and page.code == int(earlier["code"]))

    def _is_quoted(self, page: ListedPage, said: str) -> bool:
        try:
            incident = self.incidents.get(page.incident_id).incident
        except NoSuchIncident:
            return False
        about = _compared(incident.description)
        if any(_shows(said, text, about) for text in self._texts(incident, page, _ASKING)):
            return not self._may_be_no_page(incident, page, said)
        return False

    def _may_be_no_page(self, incident: Incident, page: ListedPage, said: str) -> bool:
        """Whether the quote is just as well one of the message that the level is over."""
        over = not isinstance(incident.state, Open) or incident.state.level != page.level
        return over and any(text.startswith(said) for text in self._texts(incident, page, _ALIKE))

    def _texts(self, incident: Incident, page: ListedPage, roles: tuple[Role, ...]) -> Iterator[str]:
        for role in roles:
            outgoing = Outgoing(incident.id, 0, role, page.contact, page.level, Channel.SMS)
            message = self.wording.of_message(incident, outgoing, Reference("", 0), self.incidents.clock.now())
            if isinstance(message, Sms):
                yield _compared(message.text)


def _shows(said: str, text: str, about: str) -> bool:
    """Whether a quote is the text of a page, or its beginning. A long description is shorter where there is a link."""
    alike = next((n for n, pair in enumerate(zip(said, text, strict=False)) if pair[0] != pair[1]), None)
    if alike is None:
        alike = min(len(said), len(text))
    before, _, behind = text.partition(about)
    whole = alike in (len(said), len(text)) or (bool(behind) and said.endswith(behind))
    return whole and alike >= min(LEAST, len(before) + len(about))


def _compared(text: str) -> str:
    """A text without what differs in a quote of it: case, blanks, addresses at its end, and dots where it was cut."""
    return " ".join(fold(text).split()).partition(" http")[0].rstrip(". ")


def _begins(page: ListedPage) -> str:
    return _compared(page.about)[:LEAST]


def _codes(text: str) -> frozenset[int]:
    return frozenset(code for atom in atoms_of(text) for code in codes_of_atom(atom))
