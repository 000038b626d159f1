"""Numbers that regulators keep free for films, books and examples: nobody is ever reached by one.

Sources: Ofcom, "Numbers for use in drama"; ARCEP, décision 2018-0881 §2.5.12; Bundesnetzagentur, Mitteilung 148/2021
("Drama Numbers"); ATIS-0300115 for 555-0100 to 555-0199 in the North American plan; ACMA, "Phone numbers for use in
TV shows, films and creative works"; ComReg, National Numbering Conventions (020 91X XXXX); PTS, "Telefonnummer för
användning i böcker och filmer".
"""

from __future__ import annotations

import re

_RANGES = (
    # United Kingdom
    r"447700900\d{3}",
    r"441632960\d{3}",
    r"44(113|114|115|116|117|118|121|131|141|151|161)4960\d{3}",
    r"442079460\d{3}",
    r"441914980\d{3}",
    r"442896496\d{3}",
    r"442920180\d{3}",
    r"448081570\d{3}",
    r"443069990\d{3}",
    # France
    r"33(19900|26191|35301|46571|53649|63998)\d{4}",
    # United States, Canada and the rest of the North American plan
    r"1[2-9]\d{2}55501\d{2}",
    # Germany
    r"49(3023125|6990009|4066969|2214710|8999998)\d{3}",
    r"4917139200\d{2}",
    r"49176040690\d{2}",
    r"4915228817386|4915228895456|4915254599371",
    r"49172(9925904|9968532|9973185|9973186|9980752)",
    r"49174(9091317|9464308)",
    # Australia
    r"61[2378](5550|7010)\d{4}",
    r"61491570(006|156|157|158|159|110|313|737)",
    r"61491(571266|571491|571804|572549|572665|572983|573770|573087|574118|574632)",
    r"61491(575254|575789|576398|576801|577426|577644|578957|578148|578888|579212|579760|579455)",
    r"611800(160401|975707|975708|975709|975710|975711)",
    r"611300(975707|975708|975709|975710|975711)",
    # Ireland
    r"3532091\d{5}",
    # Sweden
    r"46(8465004|3139006|4062804)\d{2}",
    r"469803192\d{2}",
    r"46701740(60[5-9]|6[1-9]\d)",
)

_RESERVED = re.compile("|".join(f"(?:{numbers})" for numbers in _RANGES))


def is_reserved(digits: str) -> bool:
    """Whether a number (country code and national number, digits alone) is kept free for examples."""
    return _RESERVED.fullmatch(digits) is not None
