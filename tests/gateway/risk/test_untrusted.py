"""What a client sends is never good for it: no forged session makes a verdict milder than none at all."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.risk import assess
from lockgate.gateway.risk.assess import Engine
from lockgate.gateway.risk.core.armed import Armed
from lockgate.gateway.risk.core.gathered import Gathered
from lockgate.gateway.risk.core.settings import DEFAULTS
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.untrusted import without_session
from lockgate.gateway.risk.core.verdict import at_least
from lockgate.gateway.risk.judged import Judged
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.parser import parse
from lockgate.gateway.rules.core.ruleset import Named, Ruleset
from lockgate.gateway.scoring.score import Score
from lockgate.gateway.signals.core.judge import CLIENT
from lockgate.gateway.signals.core.session import Session
from tests.gateway.risk.judging import CARD

# A merchant may well write these; each trusts the client.
TRUSTING = (
    "allow if :bot_score: < 5",
    "allow if :has_session: and not :is_device_new:",
    "allow if :device_age_h: > 100",
    "allow if :typing_deviation: < 1",
    "allow if :ip_country: = 'US'",
    "block if not :has_session: and :amount: > 100 USD",
    "review if is_missing(:form_seconds:)",
    "block if :bot_score: > 90",
    "review if :risk_score: > 50",
    "block if :risk_score: < 65",
    "challenge if is_missing(:device_age_h:)",
    "flag if :ip_country: != :card_country:",
)
CLIENTS = sorted(CLIENT | {name for name in ATTRIBUTES if name.startswith(("device_", "ip_")) and name in ATTRIBUTES})


def values(name):
    match ATTRIBUTES[name].type:
        case "boolean":
            return st.booleans()
        case "text":
            return st.sampled_from(["US", "DE", "XX"])
        case _:
            return st.integers(0, 200)


FORGED = st.fixed_dictionaries({}, optional={
    name: values(name) for name in CLIENTS if not ATTRIBUTES[name].listed_only
})  # fmt: skip
SESSION = Session(
    id="rse_1", created=0, device=b"d" * 16, is_device_new=False, facts={}, address="203.0.113.7"
)


def decided(attributes, session, *, rules, from_session, doubts):
    """The verdict as the engine reaches it, without its reads; a score that trusts the client completely, or doubts
    whatever it says."""

    async def scores(account, livemode, seen):
        told = sum(name in seen for name in CLIENTS)
        return Score(float(min(100, 50 + 10 * told) if doubts else max(0, 100 - 3 * told)), "normal", model="m")

    subject = SUBJECT
    armed = Armed(DEFAULTS, rules, version=0, enforced=True)
    seen = Gathered(subject, dict(attributes), session=session, from_session=from_session, armed=armed)
    engine = Engine(sources=None, scores=scores, defence=None)  # type: ignore[arg-type] - nothing of it is asked
    score = asyncio.run(assess._score(engine, seen))
    return assess._decided(seen, Judged(), score, stricter=None)


SUBJECT = Subject(
    account="acct_a", livemode=True, now=0, now_ms=0, attempt="pa_1", intent=None, charge=None, amount=5000,
    currency="usd", card=CARD, kind="publishable",
)  # fmt: skip
OWN = {"amount": 5000, "card_country": "US", "card_brand": "visa", "shipping_country": "US", "card_attempts_1h": 1}


@given(
    forged=FORGED,
    texts=st.lists(st.sampled_from(TRUSTING), unique=True, max_size=6),
    from_session=st.booleans(),
    doubts=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_no_forged_session_is_better_than_none(forged, texts, from_session, doubts):
    rules = Ruleset([Named(f"rule_{n}", 1, parse(text)) for n, text in enumerate(texts)])
    told = {**OWN, **forged, "has_session": True}
    # Where the address is the request's own, it is the same without a session.
    kept = {} if from_session else {name: value for name, value in forged.items() if name.startswith("ip_")}
    without = decided({**OWN, **kept, "has_session": False}, None, rules=rules, from_session=False, doubts=doubts)
    forged_verdict = decided(told, SESSION, rules=rules, from_session=from_session, doubts=doubts)
    assert at_least(forged_verdict.verdict, without.verdict)
    assert forged_verdict.challenge or forged_verdict.verdict == "block" or not without.challenge


def test_nothing_of_the_clients_is_left_without_its_session():
    told = {name: 1 for name in ATTRIBUTES}
    left = without_session(told, address_too=True)
    assert left["has_session"] is False
    assert not [
        name for name in left
        if name != "has_session" and (name in CLIENT or name.startswith(("device_", "ip_")) or "distance" in name)
    ]  # fmt: skip
    assert "card_attempts_1h" in left
    assert "ip_country" in without_session(told, address_too=False)


