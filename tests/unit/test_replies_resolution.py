from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.escalate.phonebook import FIRST_CODE, LAST_CODE, TIMES, ListedPage, PhoneBook, Question, Standing
from service.escalate.replies import ClearAnswer, ParsedReply, UnderstoodReply
from service.escalate.resolution import (
    AmbiguousReply,
    ClearReply,
    NotUnderstood,
    Resolution,
    UnknownPhone,
    resolve,
)
from tests.reply_words import LANGUAGES as WORDS
from tests.unit.incidents import START


def book(*incidents: str) -> PhoneBook:
    """A phone that was paged for these incidents, one a minute, all still open."""
    pages = PhoneBook()
    for minute, incident in enumerate(incidents):
        pages = pages.paged(incident, 1, 1, START + timedelta(minutes=minute))
    return pages


def reply(text: str, phone: PhoneBook | None, in_reply_to: str | None = None) -> Resolution:
    return resolve(UnderstoodReply(WORDS.read(text, "en")).said, phone, START + timedelta(hours=1), in_reply_to)


def meant(resolution: Resolution) -> list[str]:
    assert isinstance(resolution, ClearReply)
    return [page.incident_id for page in resolution.pages]


def ended(phone: PhoneBook, incident: str, standing: Standing = Standing.OVER, minute: int = 30) -> PhoneBook:
    return phone.standing(incident, standing, START + timedelta(minutes=minute))


def test_a_lone_reply_is_about_the_only_open_incident() -> None:
    assert meant(reply("yes", book("a"))) == ["a"]
    assert meant(reply("yes", ended(book("a", "b"), "b"))) == ["a"]


def test_a_code_says_which_of_several_incidents_is_meant() -> None:
    assert meant(reply("YES 11", book("a", "b"))) == ["a"]
    assert meant(reply("12 yes", book("a", "b"))) == ["b"]
    assert meant(reply("yes 11 12", book("a", "b"))) == ["a", "b"]


def test_without_a_code_several_open_incidents_are_listed_latest_first_whatever_is_replied_to() -> None:
    resolution = reply("yes", book("a", "b", "c"), in_reply_to="a")
    assert isinstance(resolution, AmbiguousReply)
    assert [page.code for page in resolution.pages] == [13, 12, 11]
    assert resolution.answer is ClearAnswer.YES


def test_a_code_that_this_phone_never_had_is_never_guessed_at() -> None:
    assert isinstance(reply("yes 99", book("a")), AmbiguousReply)
    assert isinstance(reply("yes 11 99", book("a")), AmbiguousReply)


def test_a_number_that_is_no_code_is_only_a_number() -> None:
    assert meant(reply("yes 20 minutes", book("a"))) == ["a"]
    assert meant(reply("yes 12 on my way", book("a", "b"))) == ["b"]


def test_no_code_is_a_number_that_people_write_for_a_time() -> None:
    eight = book(*"abcdefgh")
    assert [page.code for page in eight.pages] == [11, 12, 13, 14, 16, 17, 18, 19]
    assert meant(reply("yes 13-17", eight)) == ["c", "d", "e", "f"]
    assert isinstance(reply("yes 15", eight), AmbiguousReply)
    assert isinstance(reply("yes 13-20 99", eight), AmbiguousReply)
    assert not TIMES & {page.code for page in book(*map(str, range(200))).pages}


def test_a_code_alone_completes_the_answer_that_was_asked_about() -> None:
    asked = book("a", "b").asking(Question(START + timedelta(minutes=59), ClearAnswer.NO))
    assert reply("12", asked) == ClearReply(ClearAnswer.NO, (asked.pages[1],))
    assert isinstance(reply("12", book("a", "b")), NotUnderstood)
    long_ago = book("a", "b").asking(Question(START, ClearAnswer.NO))
    assert isinstance(reply("12", long_ago), NotUnderstood)


def test_a_code_of_what_is_over_is_still_about_it() -> None:
    assert meant(reply("yes 11", ended(book("a", "b"), "a"))) == ["a"]


def test_one_incident_on_two_levels_of_one_phone_is_one_incident_with_two_codes() -> None:
    twice = book("a").paged("a", 2, 2, START + timedelta(minutes=2))
    assert reply("no", twice) == ClearReply(ClearAnswer.NO, (twice.pages[1],))
    assert reply("no 11", twice) == ClearReply(ClearAnswer.NO, (twice.pages[0],))


def test_after_everything_is_over_a_lone_reply_is_about_what_ended_last() -> None:
    phone = ended(ended(book("a", "b"), "b", minute=20), "a", minute=40)
    assert meant(reply("yes", phone)) == ["a"]
    assert meant(reply("yes", phone, in_reply_to="b")) == ["b"]


def test_a_late_yes_that_could_still_take_one_incident_or_concern_another_is_asked_about() -> None:
    phone = ended(ended(book("a", "b"), "a", Standing.UNACKNOWLEDGED, 20), "b", minute=40)
    resolution = reply("yes", phone)
    assert isinstance(resolution, AmbiguousReply)
    assert [page.incident_id for page in resolution.pages] == ["b", "a"]
    assert meant(reply("yes", phone, in_reply_to="a")) == ["a"]
    assert meant(reply("yes", ended(book("a"), "a", Standing.UNACKNOWLEDGED))) == ["a"]


def test_what_is_not_understood_is_asked_about_with_the_codes_it_may_concern() -> None:
    resolution = reply("no problem", book("a", "b"))
    assert isinstance(resolution, NotUnderstood)
    assert [page.code for page in resolution.pages] == [12, 11]


def test_a_phone_that_was_never_paged_is_a_stranger() -> None:
    assert reply("yes", None) == UnknownPhone()
    assert reply("YES 11", PhoneBook()) == UnknownPhone()


def test_a_page_that_is_sent_again_keeps_its_code() -> None:
    assert book("a", "a") == book("a")
    assert [page.code for page in book("a", "b").pages] == [FIRST_CODE, FIRST_CODE + 1]


def test_a_code_is_not_used_again_while_its_page_can_be_answered() -> None:
    phone = book("kept")
    for n in range(LAST_CODE):
        at = START + timedelta(hours=n)
        phone = phone.paged(f"i{n}", 1, 1, at).standing(f"i{n}", Standing.OVER, at)
    kept = phone.by_code(FIRST_CODE)
    assert kept is not None
    assert kept.incident_id == "kept"
    assert len({page.code for page in phone.pages}) == len(phone.pages)
    assert phone.last_code < FIRST_CODE + 60, "the codes have come round"


def test_what_ended_a_month_ago_is_forgotten_what_is_open_is_not() -> None:
    phone = ended(book("a", "b"), "a").paged("c", 1, 1, START + timedelta(days=31))
    assert [page.incident_id for page in phone.pages] == ["b", "c"]


def test_a_full_book_lets_go_of_what_is_over_first() -> None:
    phone = ended(book("open", *(f"i{n}" for n in range(299))), "i5").paged("new", 1, 1, START)
    assert len(phone.pages) == 300
    assert phone.page("i5", 1, 1) is None
    assert phone.page("open", 1, 1) is not None


def test_more_than_five_pages_in_five_minutes_are_a_storm() -> None:
    phone = PhoneBook()
    for n in range(5):
        assert not phone.storm(START)
        phone = phone.paged(f"i{n}", 1, 1, START)
    assert not phone.storm(START)
    six = phone.paged("i6", 1, 1, START)
    assert six.storm(START + timedelta(minutes=4))
    assert not six.storm(START + timedelta(minutes=5))


def test_two_machines_that_answer_each_other_fall_silent() -> None:
    phone = book("a")
    for _ in range(5):
        assert phone.may_answer(START)
        phone = phone.answered(START)
    assert not phone.may_answer(START + timedelta(minutes=59))
    assert phone.may_answer(START + timedelta(minutes=60))
    assert phone.acted().may_answer(START)


standings = st.sampled_from(Standing)
histories = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(1, 2), st.integers(1, 2), st.none() | standings), max_size=30
)


@given(
    history=histories,
    answer=st.none() | st.sampled_from(ClearAnswer),
    codes=st.lists(st.integers(9, 20), max_size=2, unique=True).map(tuple),
    certain=st.booleans(),
    in_reply_to=st.none() | st.sampled_from("abcdez"),
)
def test_a_reply_is_never_guessed(
    history: list[tuple[str, int, int, Standing | None]],
    answer: ClearAnswer | None,
    codes: tuple[int, ...],
    certain: bool,
    in_reply_to: str | None,
) -> None:
    phone = PhoneBook()
    codes_by_page: dict[tuple[str, int, int], int] = {}
    for minute, (incident, contact, level, standing) in enumerate(history):
        at = START + timedelta(minutes=minute)
        phone = phone.paged(incident, contact, level, at)
        page = phone.page(incident, contact, level)
        assert page is not None
        assert codes_by_page.setdefault((incident, contact, level), page.code) == page.code
        if standing is not None:
            phone = phone.standing(incident, standing, at)
    assert len(set(codes_by_page.values())) == len(codes_by_page), "no two pages share a code"

    match resolve(ParsedReply(answer, codes, certain=certain), phone, START + timedelta(hours=1), in_reply_to):
        case UnknownPhone():
            assert not phone.pages
        case ClearReply(answer=given_answer, pages=pages):
            assert given_answer is answer
            if answer in (ClearAnswer.YES, ClearAnswer.NO):
                check_answered(pages, phone, codes, in_reply_to)
            else:
                check_command(answer, pages, phone, codes)
        case AmbiguousReply(pages=pages):
            assert (certain and not {p.code for p in phone.pages}.issuperset(codes)) or len(pages) > 1
        case NotUnderstood():
            assert answer is None


def check_command(
    answer: ClearAnswer | None, pages: tuple[ListedPage, ...], phone: PhoneBook, codes: tuple[int, ...]
) -> None:
    """Without a code a command is about the only thing it may mean; WHO, which changes nothing, about three."""
    asked = set(phone.latest(Standing.OPEN))
    taken = set(phone.latest(Standing.TAKEN))
    most = 3 if answer is ClearAnswer.WHO else 1
    named = {page.code for page in pages} <= set(codes)
    over = not asked and not taken and len(pages) == 1
    assert named or over or (len(pages) <= most and set(pages) <= asked | taken)


def check_answered(
    pages: tuple[ListedPage, ...], phone: PhoneBook, codes: tuple[int, ...], in_reply_to: str | None
) -> None:
    named = {page.code for page in pages} <= set(codes)
    still_open = {page.incident_id for page in phone.pages if page.standing is Standing.OPEN}
    only_open = {page.incident_id for page in pages} == still_open and len(still_open) == 1
    unacknowledged = {p.incident_id for p in phone.pages if p.standing is Standing.UNACKNOWLEDGED}
    (first,) = {page.incident_id for page in pages} if not named else {""}
    nothing_open = not still_open and (first == in_reply_to or unacknowledged <= {first})
    assert named or only_open or nothing_open
