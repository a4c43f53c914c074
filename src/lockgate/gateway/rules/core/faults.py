"""What is wrong with a rule, and where: said so that whoever wrote it can put it right."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

_MOST_KNOWN = 1_000  # an account has any number of value lists, and to compare words takes its time


@dataclass(eq=False)
class RuleFault(Exception):
    """The first thing that keeps a text from being a rule. ``line`` and ``column`` count from 1, in characters.

    ``expected`` says what could have stood there, ``suggestion`` what was probably meant; the text itself is never
    repeated.
    """

    message: str
    line: int
    column: int
    length: int = 1
    expected: tuple[str, ...] = ()
    suggestion: str | None = None

    def __str__(self) -> str:
        said = f"line {self.line}, column {self.column}: {self.message}"
        if self.expected:
            said += f" Expected {', '.join(self.expected)}."
        if self.suggestion:
            said += f" Did you mean {self.suggestion}?"
        return said


def fault(
    text: str,
    at: int,
    message: str,
    *,
    length: int = 1,
    expected: Iterable[str] = (),
    suggestion: str | None = None,
) -> RuleFault:
    """A fault at the ``at``-th character of ``text``."""
    before = text[:at]
    line = before.count("\n") + 1
    return RuleFault(message, line, at - (before.rfind("\n") + 1) + 1, max(1, length), tuple(expected), suggestion)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was probably meant to be, in whichever case; looked for among the first thousand."""
    spelt = {one.lower(): one for one in islice(known, _MOST_KNOWN)}
    near = difflib.get_close_matches(word[:64].lower(), list(spelt), n=1, cutoff=0.6)
    return spelt[near[0]] if near else None
