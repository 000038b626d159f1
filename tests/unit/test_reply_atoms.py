"""How a text is cut into atoms."""

import pytest

from service.core.text_folding import fold
from service.replies.atoms import AtomType, atoms_of, spelled_out


def shown(text: str, *, greek: bool = False, accents: bool = False) -> str:
    return " ".join(atom.text for atom in spelled_out(atoms_of(text, greek=greek, accents=accents)))


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("YES", "yes"),
        ("ＹＥＳ", "yes"),
        ("Sí, claro!", "si · claro"),
        ("I'm on it", "im on it"),
        ("on-call", "on call"),
        ("Y E S", "yes"),
        ("y\u200bes", "yes"),
        ("HAYIR", "hayir"),
        ("hayır", "hayir"),
        ("przyjąłem", "przyjalem"),
        ("forstått", "forstatt"),
        ("bestätigt", "bestatigt"),
        ("weiß", "weiss"),
        ("10min", "10 min"),
        ("yes41", "yes 41"),
        ("#41", "41"),
        ("no. 41", "no 41"),
        ("41-45", "41-45"),
        ("at 10:30", "at 10:30"),
        ("41,42", "41 · 42"),
        ("٤١", "41"),
        ("👍🏽", "👍"),
        ("🙅‍♀️", "🙅"),
        ("はい、10分で", "は い · 10 分 で"),
        ("はーーい", "は い"),
        ("ﾊｲ", "ハ イ"),
        ("네, 못가요", "네 · 못 가 요"),
        ("ไม่ครับ", "ไ ม่ ค รั บ"),
        ("okです", "ok で す"),
        ("yes?", "yes ?"),
        ("نعم؟", "نعم ?"),
        ("نَعَمْ", "نعم"),
    ],
)
def test_a_text_is_cut_into_atoms(text: str, atoms: str) -> None:
    assert shown(text) == atoms


def test_a_semicolon_asks_in_greek_alone() -> None:
    assert shown("ναι;", greek=True) == "ναι ?"
    assert shown("ναι;") == "ναι"


def test_voicing_of_kana_and_tones_of_thai_are_letters() -> None:
    assert fold("ばい") != fold("はい")
    assert fold("ไม่") != fold("ไม")


def test_accents_are_kept_where_they_make_another_word() -> None:
    assert shown("Có", accents=True) == "có"
    assert shown("cô", accents=True) != shown("có", accents=True)


def test_times_and_long_numbers_are_no_codes() -> None:
    assert [atom.sort for atom in atoms_of("10:30")] == [AtomType.FIGURE]
    assert [atom.sort for atom in atoms_of("4477009001")] == [AtomType.FIGURE]
    assert [atom.marked for atom in atoms_of("# 41")] == [True]
