"""Writes docs/failures.md from the table of truth under failure: ``python -m tools.failures``."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.faults.truth import EFFECT, FAULTS, FINE, NO_EFFECT, NOT_SENT, NOTICE_FAULTS, Answer, Events, Row
from tests.faults.truth_table import CARDS, CHARGES, DISPUTES, MONEY_OUT, NEWS, PAYMENTS, QUESTIONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "failures.md"
_ROOMS = {
    "Payments and refunds": PAYMENTS, "The older API's charges": CHARGES, "Saving cards": CARDS,
    "Payouts": MONEY_OUT, "Disputes": DISPUTES,
}  # fmt: skip
_KINDS = {
    NOT_SENT: "nothing left this house",
    NO_EFFECT: "the processor did nothing, and nobody can tell from here",
    EFFECT: "the processor did it, and nobody can tell from here",
    FINE: "the answer came, late or after the order had arrived twice",
}
_INTRODUCTION = """# When things fail

What every operation that reaches a processor answers, shows, announces and becomes, whatever happens to its order. This
page is written by `make contract` from the table in `tests/faults/truth_table.py`; the tests in
`tests/faults/test_unknown_outcomes.py` live each of its rows under each fault, and a test keeps the page up to date.

Three rules are behind all rows. An order goes out once: under no fault is anything sent again. Only what is proven is
definite: an answer that is not understood leaves the outcome *unknown*, never declined. What is unknown is found out by
recovery ([payments.md](payments.md)), within 60 s of the processor's return.

An operation that is not here reaches no processor: a test follows what each one calls. Payouts that the schedule orders
go the way of `payout.create`; one that was certainly not sent gives its movements back to the next
([settlement.md](settlement.md)).

## Faults

Before its effect and after it look the same from here: an order whose answer was lost is *in doubt*.

"""
_READING = """
## How to read the tables

* **Not sent**: the answer; the state stays as it was, nothing is announced, and the idempotency key may be used again
  (`Stripe-Should-Retry: true`).
* **Happened**: what is answered and told when the answer came.
* **In doubt**: answer and state without an outcome, and the events about it. The two rows after it are how that ends,
  with the events that then follow. Events stand per object, in this order.
* Whoever asks again under the same key gets the first answer, byte for byte, before and after recovery. Where recovery
  is not needed, a 503 gives the key back.
"""


def text() -> str:
    """The page."""
    parts = [_INTRODUCTION, _table(("fault", "what it means", "so"), (
        (f"`{fault}`", kind, _KINDS[kind]) for fault, kind in FAULTS.items()
    )), _READING]  # fmt: skip
    for title, rows in _ROOMS.items():
        parts.append(f"\n## {title}\n")
        parts += [_row(name, row) for name, row in rows.items()]
    parts.append("\n## Questions\n\nNo answer to a question changes anything by itself; a fault means: ask later.\n\n")
    parts.append(_table(("question", "where", "when", "unanswered: again"), (
        (name, f"`{asked.path}`", asked.words, asked.again) for name, asked in QUESTIONS.items()
    )))  # fmt: skip
    parts.append("\n## Notifications\n\nA notification is a hint where to look: what it says is believed by nobody "
                 "([notifications.md](notifications.md)).\n\n")  # fmt: skip
    parts.append(_table(("fault", "what comes of it"), ((f"`{name}`", says) for name, says in NOTICE_FAULTS.items())))
    parts.append("\n")
    parts.append(_table(("kind", "says that", "leads to", "learnt without it"), (
        (f"`{kind}`", news.words, news.leads_to, news.untold) for kind, news in NEWS.items()
    )))  # fmt: skip
    return "".join(parts)


def _row(name: str, row: Row) -> str:
    called = f"`{row.operation}`" if row.operation else "no operation"
    lines = [
        f"\n### {name.capitalize()}\n",
        f"{row.words} ({called}, at `{row.path}`). Recovery: {row.recovery}.\n",
        _table(("ending", "answer", f"{row.shows.replace('_', ' ')}", "events", "books"), _endings(row)),
    ]
    if row.meanwhile:
        told = "; ".join(f"{word}: {_answer(answer)}" for word, answer in row.meanwhile.items())
        lines.append(f"\nMeanwhile, others are told: {told}.\n")
    return "\n".join(lines[:2]) + "\n" + "".join(lines[2:])


def _endings(row: Row) -> Iterable[tuple[str, ...]]:
    yield "not sent", _answer(row.unsent), _state(row.before), "none", "nothing"
    yield "happened", _answer(row.answer(FINE)), _state(row.done), _events(row.told_done), _books(row.books_done)
    if row.action is None:
        yield "in doubt", _answer(row.answer(EFFECT)), _state(row.doubt), "none", "nothing"
        return
    yield "in doubt", _answer(row.answer(EFFECT)), _state(row.doubt), _events(row.told_doubt), row.books_doubt
    yield "in doubt, had happened", "", _state(row.done), _events(row.told_late), _books(row.books_done)
    yield "in doubt, never happened", "", _state(row.never), _events(row.told_never), _books(row.books_never)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _answer(answer: Answer) -> str:
    status, word = answer
    return f"{status} `{word}`" if word else str(status)


def _state(word: str | None) -> str:
    return f"`{word}`" if word else "none"


def _books(types: tuple[str, ...]) -> str:
    return ", ".join(f"`{type_}`" for type_ in types) or "nothing"


def _events(events: Events | Mapping[str, tuple[str, ...]]) -> str:
    """Per object, one after the other."""
    return "; ".join(", ".join(f"`{type_}`" for type_ in types) for types in events.values()) or "none"


if __name__ == "__main__":
    PAGE.write_text(text())
    sys.stdout.write(f"{PAGE.name} is as the table.\n")
