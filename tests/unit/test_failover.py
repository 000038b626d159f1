"""Several providers for one channel: what one does not take, the next does; what may have been taken, nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.channels import Accepted, Email, Outcome, Reason, Reference, Refused, Sms, Unknown
from service.channels.phones import Phone
from service.channels.twilio.account import Account, Twilio
from service.channels.twilio.phone import TwilioSms
from service.core.clock import HandClock
from service.core.language_tags import Tag
from service.messages.failover import Failover
from service.messages.providers import SHORTLY, OneAddress, Provider
from service.messages.senders import Senders, one_identity, read_senders
from service.storage.sqlite import SqliteStore
from service.work import BEGUN_WITHIN
from service.work.breaker import FIRST_REST, TRIP_AFTER, Closed, OpenBreaker
from service.work.breakers import Breakers
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, Hangup, Script, TwilioError, TwilioService, twilio_service

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
BROKEN = Refused(Reason.PROVIDER, "503")
TIME_ENOUGH = NOON + timedelta(days=365)
NAMES = ("a", "b", "c")
DOWN, BUSY, NO_SUCH_PHONE = (
    TwilioError(503, 20503),
    TwilioError(429, 20429, {"Retry-After": "9"}),
    TwilioError(400, 21211),
)


def sms(number: int = 1, *, attempt: int = 1, answerable: bool = False) -> Sms:
    phone = Phone("+4915123456701", "DE")
    return Sms(phone, f"Pump {number} failed", Tag("en"), Reference(f"n-{number:06d}", attempt), answerable=answerable)


class World:
    """Three providers on loopback behind one carrier, and a store that another process shares."""

    def __init__(self, folder: Path, services: Mapping[str, TwilioService]) -> None:
        self.clock = HandClock(NOON)
        self.services = services
        self.stores = [SqliteStore(folder / "items.db", self.clock) for _ in range(2)]
        self.here, self.there = (Breakers(store, self.clock) for store in self.stores)

    def carrier(
        self,
        names: Sequence[str] = NAMES,
        *,
        senders: Mapping[str, Senders] | None = None,
        elsewhere: bool = False,
        **weights: float,
    ) -> Failover[Sms]:
        identities = senders or {}
        providers = [
            Provider[Sms](
                name,
                TwilioSms(Twilio(Account(ACCOUNT, TOKEN, url=self.services[name].url)), NUMBER),
                identities.get(name, one_identity(NUMBER)),
            )
            for name in names
        ]
        return Failover(providers, self.there if elsewhere else self.here, self.clock, weights)

    def asked(self) -> dict[str, int]:
        return {name: len(service.asked) for name, service in self.services.items()}


@pytest.fixture(scope="module")
def services() -> Iterator[Mapping[str, TwilioService]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(twilio_service()) for name in NAMES}


@pytest.fixture
def world(tmp_path: Path, services: Mapping[str, TwilioService]) -> Iterator[World]:
    for service in services.values():
        service.asked.clear()
        service.forget()
    world = World(tmp_path, services)
    yield world
    for store in world.stores:
        store.close()


def outcome_of(carrier: Failover[Sms], message: Sms, begin_by: datetime = TIME_ENOUGH) -> Outcome:
    return carrier.hand_over([message], begin_by)[0].outcome


@pytest.mark.parametrize("fault", [DOWN, BUSY, TwilioError(401, 20003)], ids=str)
def test_what_one_refuses_for_now_the_next_takes_at_once(world: World, fault: Script) -> None:
    world.services["a"].always(fault)
    outcome = outcome_of(world.carrier(a=1, b=0, c=0), sms())
    assert isinstance(outcome, Accepted)
    assert world.asked() == {"a": 1, "b": 1, "c": 0}


def test_what_may_have_been_taken_goes_to_nobody_else(world: World) -> None:
    world.services["a"].always(Hangup())
    assert isinstance(outcome_of(world.carrier(a=1, b=0, c=0), sms()), Unknown)
    assert world.asked() == {"a": 1, "b": 0, "c": 0}


def test_what_is_refused_for_good_goes_to_nobody_else(world: World) -> None:
    world.services["a"].always(NO_SUCH_PHONE)
    outcome = outcome_of(world.carrier(a=1, b=0, c=0), sms())
    assert isinstance(outcome, Refused)
    assert outcome.permanent
    assert world.asked() == {"a": 1, "b": 0, "c": 0}


def test_when_all_refuse_for_now_it_waits_as_long_as_the_least_asks_for(world: World) -> None:
    for name, wait in (("a", "30"), ("b", "9"), ("c", "60")):
        world.services[name].always(TwilioError(429, 20429, {"Retry-After": wait}))
    outcome = outcome_of(world.carrier(), sms())
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.retry_after) == (Reason.THROTTLED, timedelta(seconds=9))
    assert world.asked() == {"a": 1, "b": 1, "c": 1}


def test_a_country_that_the_second_does_not_serve_is_no_last_word(world: World) -> None:
    world.services["a"].always(BUSY)
    world.services["b"].always(TwilioError(400, 21408))
    outcome = outcome_of(world.carrier(["a", "b"], a=1, b=0), sms())
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.THROTTLED


def test_each_provider_sends_from_its_own_identity_and_a_page_never_from_one_that_cannot_receive(world: World) -> None:
    deaf = read_senders('{"DE": [{"origin": "TOCSIN"}]}')
    hearing = read_senders('{"DE": [{"origin": "+4930900000", "two_way": true}]}')
    carrier = world.carrier(["a", "b"], senders={"a": deaf, "b": hearing}, a=1, b=0)
    assert isinstance(outcome_of(carrier, sms()), Accepted)
    assert isinstance(outcome_of(carrier, sms(2, answerable=True)), Accepted)
    assert [form["From"] for form in world.services["a"].of("Messages")] == ["TOCSIN"]
    assert [form["From"] for form in world.services["b"].of("Messages")] == ["+4930900000"]
    world.services["b"].always(DOWN)
    assert isinstance(outcome_of(carrier, sms(3, answerable=True)), Refused)
    assert world.asked()["a"] == 1
    only_deaf = outcome_of(world.carrier(["a"], senders={"a": deaf}), sms(4, answerable=True))
    assert isinstance(only_deaf, Refused)
    assert only_deaf.reason is Reason.ONE_WAY


def test_a_provider_left_alone_gets_nothing_by_any_process_then_one_probe_then_its_share(world: World) -> None:
    world.services["a"].always(DOWN)
    here, there = world.carrier(["a", "b"], a=1, b=0), world.carrier(["a", "b"], elsewhere=True, a=1, b=0)
    for number in range(TRIP_AFTER):
        assert isinstance(outcome_of(here, sms(number)), Accepted)
    assert isinstance(world.there.state("a"), OpenBreaker)
    for number in range(20):
        assert isinstance(outcome_of(there, sms(100 + number)), Accepted)
    assert world.asked() == {"a": TRIP_AFTER, "b": TRIP_AFTER + 20, "c": 0}

    world.clock.advance(FIRST_REST)
    assert isinstance(outcome_of(there, sms(200)), Accepted)
    assert world.asked()["a"] == TRIP_AFTER + 1, "one probe, which failed and was taken over"
    assert isinstance(outcome_of(here, sms(201)), Accepted)
    assert world.asked()["a"] == TRIP_AFTER + 1

    world.services["a"].always(None)
    world.clock.advance(2 * FIRST_REST)
    both = here.hand_over([sms(300), sms(301)], TIME_ENOUGH)
    assert all(isinstance(each.outcome, Accepted) for each in both)
    assert world.there.state("a") == Closed(0)
    assert world.asked()["a"] == TRIP_AFTER + 3


def test_when_everybody_is_left_alone_nothing_is_asked_and_it_is_said_until_when(world: World) -> None:
    for name in ("a", "b"):
        world.services[name].always(DOWN)
    carrier = world.carrier(["a", "b"])
    for number in range(TRIP_AFTER):
        outcome_of(carrier, sms(number))
    asked = world.asked()
    world.clock.advance(timedelta(seconds=5))
    outcome = outcome_of(carrier, sms(50))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.retry_after) == (Reason.THROTTLED, FIRST_REST - timedelta(seconds=5))
    assert carrier.route_chooser()(sms(50)).opens == NOON + FIRST_REST
    assert world.asked() == asked


def test_a_provider_that_does_badly_gets_less_in_every_process_and_gets_it_back(world: World) -> None:
    world.services["a"].always(BUSY)
    here, there = world.carrier(["a", "b"]), world.carrier(["a", "b"], elsewhere=True)
    for number in range(40):
        world.clock.advance(timedelta(seconds=1))
        assert isinstance(outcome_of(here, sms(number)), Accepted)
    before = world.asked()["a"]
    world.services["a"].always(None)
    for number in range(100, 140):
        outcome_of(there, sms(number))
    assert world.asked()["a"] - before < 10
    before = world.asked()["a"]
    world.clock.advance(timedelta(minutes=20))
    for number in range(200, 240):
        outcome_of(there, sms(number))
    assert 10 < world.asked()["a"] - before < 30


def test_a_slot_is_booked_for_the_provider_that_then_takes_the_message(world: World) -> None:
    senders = {name: one_identity(f"+1415555010{place}") for place, name in enumerate(NAMES)}
    carrier = world.carrier(senders=senders)
    messages = [sms(number) for number in range(60)]
    senders_of = map(carrier.route_chooser(), messages)
    booked = [departure.sender.origin for departure in senders_of if departure.sender]
    assert all(isinstance(each.outcome, Accepted) for each in carrier.hand_over(messages, TIME_ENOUGH))
    origins = {form["Body"]: form["From"] for service in world.services.values() for form in service.of("Messages")}
    assert [origins[message.text] for message in messages] == booked
    assert len(set(booked)) == 3


answers = st.sampled_from([None, None, DOWN, BUSY, NO_SUCH_PHONE, Hangup(), TwilioError(400, 21408)])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, answers)), min_size=1, max_size=6))
def test_whatever_providers_answer_a_message_is_taken_once_at_most_and_not_given_up_while_one_would_take_it(
    tmp_path_factory: pytest.TempPathFactory,
    services: Mapping[str, TwilioService],
    rounds: list[Mapping[str, Script | None]],
) -> None:
    world = World(tmp_path_factory.mktemp("world"), services)
    carrier = world.carrier()
    for number, said in enumerate(rounds):
        for name, service in services.items():
            service.asked.clear()
            service.forget()
            service.always(said[name])
        look = world.here.look(NAMES)
        rests = {name for name in NAMES if look.rests_until(name) is not None}
        outcome = outcome_of(carrier, sms(number))
        asked = {name for name, count in world.asked().items() if count}
        taken = [name for name in asked if said[name] is None or isinstance(said[name], Hangup)]
        assert all(count <= 1 for count in world.asked().values())
        assert not asked & rests
        assert len(taken) <= 1
        assert isinstance(outcome, Accepted | Unknown) == bool(taken)
        if not taken and isinstance(outcome, Refused) and not outcome.permanent:
            assert asked == set(NAMES) - rests, "given up for now only after all that may be asked were asked"
    for store in world.stores:
        store.close()


@dataclass
class Slow:
    """A provider that thinks for a while before it answers."""

    clock: HandClock
    thinks: timedelta
    says: Outcome = BROKEN
    asked: int = 0

    def send(self, _message: Sms | Email, /) -> Outcome:
        self.asked += 1
        self.clock.advance(self.thinks)
        return self.says


@pytest.mark.parametrize(("thinks", "asked"), [(timedelta(seconds=1), 1), (BEGUN_WITHIN, 0)])
def test_nobody_else_is_asked_when_the_lease_of_the_message_might_end_meanwhile(
    world: World, thinks: timedelta, asked: int
) -> None:
    slow, other = Slow(world.clock, thinks), Slow(world.clock, timedelta(0))
    providers = [Provider[Sms]("slow", slow, one_identity(NUMBER)), Provider[Sms]("other", other, one_identity(NUMBER))]
    carrier = Failover(providers, world.here, world.clock, {"slow": 1, "other": 0})
    assert isinstance(outcome_of(carrier, sms(), NOON + BEGUN_WITHIN), Refused)
    assert (slow.asked, other.asked) == (1, asked)


def test_a_provider_that_there_is_no_time_for_shortens_no_wait_that_the_first_asked_for(world: World) -> None:
    busy = Slow(world.clock, BEGUN_WITHIN, Refused(Reason.PROVIDER, "503", timedelta(seconds=9)))
    providers = [Provider[Sms]("busy", busy, one_identity(NUMBER)), Provider[Sms]("other", busy, one_identity(NUMBER))]
    carrier = Failover(providers, world.here, world.clock, {"busy": 1, "other": 0})
    assert outcome_of(carrier, sms(), NOON + BEGUN_WITHIN) == busy.says
    assert busy.asked == 1


def test_what_one_throttles_comes_back_soon_for_another_that_there_was_no_time_for(world: World) -> None:
    busy = Slow(world.clock, BEGUN_WITHIN, Refused(Reason.THROTTLED, "429", timedelta(seconds=9)))
    providers = [Provider[Sms]("busy", busy, one_identity(NUMBER)), Provider[Sms]("other", busy, one_identity(NUMBER))]
    carrier = Failover(providers, world.here, world.clock, {"busy": 1, "other": 0})
    outcome = outcome_of(carrier, sms(), NOON + BEGUN_WITHIN)
    assert isinstance(outcome, Refused)
    assert (outcome.untried, outcome.retry_after) == (True, SHORTLY)
    assert world.here.look(["busy"]).rests_until("busy") is not None, "the one that throttles is left alone"


def test_messages_that_a_slow_provider_leaves_no_time_for_are_not_tried_and_come_back_soon(world: World) -> None:
    slow = Slow(world.clock, BEGUN_WITHIN / 2, Accepted("taken"))
    carrier = Failover([Provider[Sms]("slow", slow, one_identity(NUMBER))], world.here, world.clock, {})
    outcomes = [each.outcome for each in carrier.hand_over([sms(n) for n in range(4)], NOON + BEGUN_WITHIN)]
    assert outcomes[:2] == [Accepted("taken")] * 2
    for left in outcomes[2:]:
        assert isinstance(left, Refused)
        assert (left.untried, left.retry_after) == (True, SHORTLY)
    assert slow.asked == 2


class Mailroom:
    """Two mail providers: one takes fifty alike in one call, the other one by one."""

    def __init__(self) -> None:
        self.bulk_calls: list[int] = []
        self.alone: list[str] = []
        self.outcomes: list[Outcome] = []
        self.takes: Callable[[], None] = lambda: None

    def send(self, email: Email, /) -> Outcome:
        self.takes()
        self.alone.append(email.to)
        return Accepted(email.to)

    def alike(self, one: Email, other: Email, /) -> bool:
        return one.subject == other.subject

    def send_many(self, emails: Sequence[Email], /) -> Sequence[Outcome]:
        self.bulk_calls.append(len(emails))
        return self.outcomes or [Accepted(email.to) for email in emails]


def test_mails_of_one_content_stay_together_and_only_those_refused_for_now_move_on(world: World) -> None:
    room = Mailroom()
    first = Provider("ses", room, OneAddress(), together=room)
    second = Provider("smtp", room, OneAddress())
    carrier = Failover([first, second], world.here, world.clock, {"ses": 1, "smtp": 0})
    mails = [Email(f"p{n}@example.com", "s", "h", "t", Tag("en"), Reference(f"m-{n}", 1)) for n in range(10)]
    room.outcomes = [
        *(Accepted(f"bulk-{number}") for number in range(7)),
        Refused(Reason.PROVIDER, "TRANSIENT_FAILURE"),
        Refused(Reason.CONTENT, "MESSAGE_REJECTED"),
        Unknown("the answer was lost"),
    ]
    kinds = [type(each.outcome) for each in carrier.hand_over(mails, TIME_ENOUGH)]
    assert kinds == [Accepted] * 8 + [Refused, Unknown]
    assert (room.bulk_calls, room.alone) == ([10], ["p7@example.com"])
    assert carrier.joins(mails[1], [mails[0]])
    other_way_round = Failover([first, second], world.here, world.clock, {"ses": 0, "smtp": 1})
    assert not other_way_round.joins(mails[1], [mails[0]])


def test_of_many_mails_that_could_ride_together_as_many_move_on_as_there_is_time_for(world: World) -> None:
    room = Mailroom()
    slow = Slow(world.clock, BEGUN_WITHIN / 2)
    first = Provider[Email]("ses", room, OneAddress[Email](), together=room)
    carrier = Failover(
        [first, Provider[Email]("smtp", slow, OneAddress[Email]())], world.here, world.clock, {"ses": 1, "smtp": 0}
    )
    mails = [Email(f"p{n}@example.com", "s", "h", "t", Tag("en"), Reference(f"m-{n}", 1)) for n in range(49)]
    room.outcomes = [Refused(Reason.PROVIDER, "TRANSIENT_FAILURE")] * 49
    outcomes = [each.outcome for each in carrier.hand_over(mails, NOON + BEGUN_WITHIN)]
    assert all(isinstance(outcome, Refused) and not outcome.permanent for outcome in outcomes)
    assert slow.asked == 2


def test_mails_of_different_content_are_calls_of_their_own_each_begun_in_time(world: World) -> None:
    room = Mailroom()
    busy = Slow(world.clock, BEGUN_WITHIN / 5)
    first, second = (
        Provider[Email]("smtp", busy, OneAddress[Email]()),
        Provider[Email]("ses", room, OneAddress[Email](), together=room),
    )
    carrier = Failover([first, second], world.here, world.clock, {"smtp": 1, "ses": 0})
    mails = [Email(f"p{n}@example.com", f"s{n}", "h", "t", Tag("en"), Reference(f"m-{n}", 1)) for n in range(4)]
    room.takes = lambda: world.clock.advance(BEGUN_WITHIN / 10)
    outcomes = [each.outcome for each in carrier.hand_over(mails, NOON + BEGUN_WITHIN)]
    assert (busy.asked, room.alone, room.bulk_calls) == (4, ["p0@example.com", "p1@example.com"], [])
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Refused, Refused]
