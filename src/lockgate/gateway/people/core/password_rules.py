"""Which passwords are refused before anybody tries them: short ones, common ones, patterns, and words of the context.

Length is asked for and nothing else (NIST SP 800-63B-4, 3.1.1.2). A password is taken exactly as it was sent: nothing
is trimmed, folded or normalised. Pure.
"""

import re
from collections.abc import Iterable

from lockgate.gateway.people.core.common_words import WORDS

SHORTEST, LONGEST = 12, 256
REMEMBERED = 4  # PCI DSS 8.3.7
_LEET = str.maketrans("013457892@$!|+", "oleastbgzasiit")
_ROWS = (
    "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "1234567890-=", "!@#$%^&*()_+", "qwertzuiop", "yxcvbnm",
    "azertyuiop", "qsdfghjklm", "wxcvbn", "abcdefghijklmnopqrstuvwxyz", "01234567890123456789",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp", "zaqxswcdevfrbgtnhymjukilop",
)  # fmt: skip
_RUNS = _ROWS + tuple(row[::-1] for row in _ROWS)
_LEAST_RUN = 4
_LEAST_CONTEXT = 4
_LEAST_DIFFERENT = 5
_FILLING = re.compile(r"[\x00-\x60\x7b-\x7f]+")  # ASCII that is no small letter; other scripts are not filling


def too_weak(password: str, *, context: Iterable[str]) -> str | None:
    """Why this password is refused, or None. ``context``: what anybody would try first for this person."""
    if len(password) < SHORTEST:
        return f"A password has at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} characters."
    folded = password.casefold()
    plain = folded.translate(_LEET)
    unit = _repeated(folded)
    if len(set(password)) < _LEAST_DIFFERENT or (len(unit) < SHORTEST and unit != folded):
        return "This password repeats one short piece."
    for word in _context_words(context):
        if any(word in text and len(text.replace(word, "")) < SHORTEST for text in (folded, plain)):
            return "This password holds your name, your address or the name of this place."
    if _left(folded) < _LITTLE or max(_left(folded), _left(plain)) < _ENOUGH:
        return "This password is one of the first that anybody would try."
    return None


_ENOUGH = 7  # characters besides common words, runs, years and digits: as much as those add to guessing
_LITTLE = 4
_ADDED_SIGNS = 6  # as many as people put around a word


def _left(folded: str) -> int:
    """How many characters are left once common words, keyboard runs, years and a few digits and signs are taken out.

    Two different common words count for their length from the third on: a phrase of several is not one of the first.
    """
    text = folded
    for run in _runs_in(text):
        text = text.replace(run, " ")
    letters = _FILLING.sub(" ", text)
    signs = re.sub(r"\s+|(?:19|20)\d\d", "", re.sub(r"[a-z]+|[^\x00-\x7f]+", " ", text))
    left, words = max(0, len(re.sub(r"(.)\1+", r"\1", signs)) - _ADDED_SIGNS), set[str]()
    for part in letters.split():
        rest, found = _without_words(part)
        left += len(rest)
        words |= found
    return left + sum(len(word) for word in sorted(words, key=len)[2:])


def _without_words(part: str) -> tuple[str, set[str]]:
    """``part`` without the common words in it, the longest taken first, and which ones these were."""
    found: set[str] = set()
    for length in range(min(len(part), _LONGEST_WORD), 2, -1):
        start = 0
        while start + length <= len(part):
            piece = part[start : start + length]
            if piece in WORDS:
                found.add(piece)
                part = part[:start] + part[start + length :]
            else:
                start += 1
    return part, found


_LONGEST_WORD = max(len(word) for word in WORDS)


def _runs_in(text: str) -> list[str]:
    """Pieces of ``text`` that lie side by side on a keyboard, in the alphabet or among the digits; longest first."""
    found = []
    start = 0
    while start < len(text):
        length = 0
        for run in _RUNS:
            end = start + _LEAST_RUN
            while end <= len(text) and text[start:end] in run:
                length = max(length, end - start)
                end += 1
        if length:
            found.append(text[start : start + length])
        start += length or 1
    return sorted(found, key=len, reverse=True)


def _repeated(text: str) -> str:
    """The piece that ``text`` is made of by repeating it, a cut one at the end included; else ``text``."""
    for length in range(1, len(text) // 2 + 1):
        piece = text[:length]
        if (piece * (len(text) // length + 1))[: len(text)] == text:
            return piece
    return text


def _context_words(context: Iterable[str]) -> list[str]:
    """The words of an address, a name or a host that are long enough to say something; the longest first."""
    words: set[str] = {"lockgate"}
    for text in context:
        folded = text.casefold()
        local = folded.partition("@")[0]
        pieces = re.split(r"[\W_]+", folded)
        words |= {piece for piece in (*pieces, local) if len(piece) >= _LEAST_CONTEXT}
    return sorted(words, key=lambda word: (-len(word), word))
