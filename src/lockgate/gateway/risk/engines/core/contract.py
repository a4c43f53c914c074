"""What outside engines are asked and what they may answer: the contract in data, read strictly. Pure.

Before a payment (stage ``before``) an engine is asked for a score (0 to 100) and a decision (allow, review, challenge,
block), one of them at least. After it (``after``) it is told how the payment ended and may answer nothing, a label
(``fraud`` or ``legitimate``), or that a person should look at it (``review``: true). Every answer repeats the id of its
question: an answer to another one is none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Verdict
from lockgate.gateway.rules.core.catalogue import Attributes

VERSION = 1
STAGES = ("before", "after")
FAIL_MODES = ("allow", "review", "block")
DECISIONS: tuple[Verdict, ...] = ("allow", "challenge", "review", "block")
SHARES = ("email", "ip_address")
"""What of a person an engine may be told as it stands; without it, it sees keyed hashes only."""

LABELS = ("fraud", "legitimate")
MAX_ANSWER_BYTES = 16 * 1024

Stage = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Engine:
    """One outside engine as an account set it up. ``acts``: what it decides makes the verdict at least so strict; else
    it only fills attributes that rules may name. ``on_failure`` is what holds of a payment that it did not judge."""

    account: str
    livemode: bool
    id: str
    version: int
    created: int
    updated: int
    name: str
    url: str
    stages: tuple[str, ...]
    timeout_ms: int
    on_failure: str
    acts: bool
    shares: tuple[str, ...]
    enabled: bool
    sealed: bytes


class BadAnswer(Exception):
    """The answer is not one that the contract has; the message says why, in one word."""


class Word(NamedTuple):
    """What an engine said before a payment."""

    score: float | None
    decision: Verdict | None


class Afterthought(NamedTuple):
    """What an engine said after a payment: whether it was fraud, if it says so, and whether somebody should look."""

    fraud: bool | None = None
    review: bool = False


def question(
    subject: Subject, attributes: Attributes, *, id_: str, hashes: Mapping[str, str], shares: tuple[str, ...]
) -> dict[str, Any]:
    """What an engine is asked before a payment. ``hashes`` are the account's keyed hashes of card, person and address.

    Of a card only what may be known outside the vault: brand, funding, country, the first six digits and a hash.
    """
    card, customer = subject.card, subject.customer
    person = {"email": subject.email, "ip_address": subject.address}
    return {
        "object": "risk_engine.question",
        "version": VERSION,
        "stage": "before",
        "id": id_,
        "created": subject.now,
        "livemode": subject.livemode,
        "account": subject.account,
        "attempt": subject.attempt,
        "payment_intent": subject.intent,
        "amount": subject.amount,
        "currency": subject.currency,
        "card": None if card is None else {"bin": card.bin, "brand": card.brand, "funding": card.funding},
        "customer": None if customer is None else customer.id,
        "person": {name: person[name] for name in shares},
        "hashes": dict(hashes),
        "attributes": dict(attributes),
    }


def outcome(engine: Engine, *, id_: str, attempt: str, state: str, now: int) -> dict[str, Any]:
    """What an engine is told after a payment."""
    return {
        "object": "risk_engine.outcome",
        "version": VERSION,
        "stage": "after",
        "id": id_,
        "created": now,
        "livemode": engine.livemode,
        "account": engine.account,
        "attempt": attempt,
        "state": state,
    }


def word(body: bytes, *, id_: str) -> Word:
    """The answer to a question before a payment. Raises BadAnswer."""
    said = _said(body, id_)
    score, decision = said.get("score"), said.get("decision")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 100):
        raise BadAnswer("score")
    if decision is not None and decision not in DECISIONS:
        raise BadAnswer("decision")
    if score is None and decision is None:
        raise BadAnswer("nothing")
    return Word(None if score is None else float(score), decision)


def afterthought(body: bytes, *, id_: str) -> Afterthought:
    """The answer to an outcome; an empty one says nothing. Raises BadAnswer."""
    if not body.strip():
        return Afterthought()
    said = _said(body, id_)
    label, review = said.get("label"), said.get("review", False)
    if label is not None and label not in LABELS:
        raise BadAnswer("label")
    if not isinstance(review, bool):
        raise BadAnswer("review")
    return Afterthought(None if label is None else label == "fraud", review)


def _said(body: bytes, id_: str) -> Mapping[str, Any]:
    try:
        said = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("unreadable") from error
    if not isinstance(said, dict):
        raise BadAnswer("unreadable")
    if said.get("id") != id_:
        raise BadAnswer("another_question")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name that stands twice means two things")
    return found


def _no_number(_: str) -> None:
    raise ValueError("no number")
