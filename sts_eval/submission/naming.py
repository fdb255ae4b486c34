"""Names: what people can see and tell apart, and which ones are kept for who runs a store.

`LABEL` allows letters of any script, and Unicode counts combining marks among them, and letters that show nothing. Two
names that look alike are one name here (`skeleton`); of other scripts, only letters that pass for Latin ones are known.
"""

import itertools
import unicodedata
from collections.abc import Iterator

from sts_eval.submission.problem import Path, Problem, shown

BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters that are drawn as nothing: fillers of Hangul, inherent vowels of Khmer, a Braille pattern without dots."""

MOST_MARKS = 3  # on one letter; scripts of India and Vietnamese need two or three
_LOOKALIKES = str.maketrans(
    "аеорсухѕіјһԁԛԝкмнтвαορνικτγ"  # Cyrillic and Greek
    "ɑɡɩıȷᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"  # phonetic and small capital Latin
    "օսհոցզյ"  # Armenian
    "ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃᎩ"  # noqa: RUF001 - Cherokee
    "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ",  # noqa: RUF001 - Lisu
    "aeopcyxsijhdqwkmhtbaopviktvagiijabcdeghijklmnoprstuvwyzouhngqjabcdeghijklmprstvwzyabcdefghijklmnoprstuvwxyz",
)
_RESERVED = ("admin", "board")  # as a whole; longer names hold them by chance
_RESERVED_PARTS = ("stseval", "maintainer", "administrator", "leaderboard")
_ALIKE = str.maketrans("I1|0", "lllo")  # in most fonts; capital I is told before case is folded
_ALIKE_PAIRS = (("rn", "m"), ("vv", "w"))


def skeleton(name: str) -> str:
    """What a name looks like: without marks, case, blanks and signs, look-alikes of Latin letters as those."""
    parts = unicodedata.normalize("NFKD", name).casefold().translate(_LOOKALIKES)
    return "".join(one for one in parts if one.isalnum() and one not in BLANK_LETTERS)


def skeletons(name: str) -> tuple[str, ...]:
    """What a name looks like: its skeleton, and the one in which letters and digits that are drawn alike are one."""
    alike = skeleton(unicodedata.normalize("NFKD", name).translate(_ALIKE))
    for pair, letter in _ALIKE_PAIRS:
        alike = alike.replace(pair, letter)
    return tuple(dict.fromkeys((skeleton(name), alike)))


def is_reserved(name: str) -> bool:
    """Whether a name speaks for the tool or the store."""
    looks = skeletons(name)
    return any(one in _RESERVED or part in one for one in looks for part in _RESERVED_PARTS)


def name_problems(name: str, path: Path) -> Iterator[Problem]:
    """Whether people can see and tell apart a name."""
    kinds = [(one, unicodedata.category(one)) for one in name]
    marks = (len(list(run)) for is_mark, run in itertools.groupby(kinds, lambda one: one[1][0] == "M") if is_mark)
    unseen = [one for one, kind in kinds if one in BLANK_LETTERS or kind in ("Cf", "Cc", "Co", "Cn")]
    if unseen or not skeleton(name) or (kinds and kinds[0][1][0] == "M") or max(marks, default=0) > MOST_MARKS:
        yield Problem.at(path, f"{shown(name)} has parts that nobody can see or tell apart; write it in plain letters")
