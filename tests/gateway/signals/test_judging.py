"""What is read from a report, pure: programs from people, contradictions, a person's own hand, and attributes of it."""

import random
import time

import pytest

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.signals.core import bots, conflicts, fingerprint, judge, pointer, rhythm, summary, token, typing
from lockgate.gateway.signals.core.session import HAND, Session
from lockgate.gateway.signals.rhythm_trees import trees
from tests.gateway.signals.reports import AGENT, report

FACTS = {
    "bot_score": 7, "signs": [], "conflicts": ["hints"], "webdriver": False, "timezone": "Europe/Berlin",
    "form_ms": 41_250, "pasted": False, "autofilled": True, "straightness": 0.87,
}  # fmt: skip


def signs(**changes) -> set[str]:
    return {sign.word for sign in bots.signs(report(**changes), user_agent=AGENT, conflicts=0, trees=trees())}


def score(agent: str = AGENT, **changes) -> int:
    return bots.score(bots.signs(report(**changes), user_agent=agent, conflicts=0, trees=trees()))


def found(agent: str = AGENT, language: str = "de-DE,de;q=0.9", offset: int | None = 60, **changes) -> list[str]:
    return conflicts.conflicts(
        report(**changes), user_agent=agent, whole_agent=True, language=language, offset=offset
    )


def test_a_person_shows_no_sign_of_a_program():
    assert signs() == set() and score() == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"device_webdriver": "true"}, "webdriver"),
        ({"device_automation": "true"}, "automation"),
        ({"device_hint_brands": "Chromium,HeadlessChrome"}, "headless"),
        ({"device_languages": None}, "no_languages"),
        ({"device_window": "0x0x800x600"}, "no_window"),
        ({"device_plugins": 0}, "no_plugins"),
        ({"typing_email][holds": "_".join(["0"] * 20)}, "rhythm"),
        ({"typing_email][holds": "_".join(["18"] * 20), "typing_email][gaps": "_".join(["20"] * 19)}, "rhythm"),
        ({"card_hold_mean": 0, "card_hold_deviation": 0}, "card_keys_not_held"),
        ({"card_gap_deviation": 0}, "card_keys_even"),
        ({"visit_injected": 4}, "fields_changed_alone"),
        ({"visit_untrusted": 4}, "events_made_by_script"),
        ({"visit_form_ms": 700}, "in_no_time"),
        ({"pointer_moves": 0}, "clicks_without_moves"),
        ({"pointer_still": 4}, "clicks_from_nowhere"),
    ],
)  # fmt: skip
def test_each_sign_of_a_program_is_seen_and_raises_the_score(changes, word):
    assert word in signs(**changes)
    assert score(**changes) > score()


def test_what_keepers_of_passwords_do_is_not_held_for_a_program():
    assert score(visit_untrusted=6, visit_autofills=3, visit_form_ms=900) <= 30
    assert score(visit_injected=2, pointer_touches=4, pointer_clicks=0) == 0  # keyboards of telephones


def test_a_pointer_that_runs_along_a_ruler_is_no_hand():
    ruled = "20_400_600_1000_1500_1500_1500_1500_500_0_0_31_0_20_20_20_21_45_1_0"
    assert "pointer_along_a_ruler" in signs(pointer_strokes=".".join([ruled] * 4))
    assert pointer.mechanical(report()["pointer"]["strokes"]) == 0


def test_rhythm_says_nothing_of_too_few_keys():
    assert rhythm.machine([18] * 7, [30] * 7, trees()) is None
    assert (rhythm.machine([0] * 12, [0] * 12, trees()) or 0) > 0.99


def test_rhythm_does_not_ask_for_the_order_of_times():
    chance = random.Random(5)
    holds, gaps = [chance.randint(8, 30) for _ in range(30)], [chance.randint(10, 120) for _ in range(29)]
    assert rhythm.features(holds, gaps) == pytest.approx(rhythm.features(sorted(holds), sorted(gaps)))


def test_contradictions_are_named():
    assert found(device_offset=60) == []
    assert found(device_offset=-300) == ["time_zone"]
    assert found(offset=None) == ["time_zone_name"]
    assert found(agent=AGENT.replace("131", "130")) == ["user_agent"]
    assert "platform" in found(agent=AGENT.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64"))
    assert "hints" in found(device_hint_platform="Windows")
    assert found(language="fr-FR") == ["language"]
    assert found(device_screen="1x1x24") == ["screen"]
    assert found(device_window="4000x3000x1500x900") == ["screen"]
    assert "touch" in found(agent=AGENT.replace("X11; Linux x86_64", "Linux; Android 15; Pixel 9"))
    assert found(visit_visible_ms=90_000) == ["visible"]


def test_a_fingerprint_tells_devices_apart_and_forgets_what_changes_by_itself():
    def text(**changes) -> str:
        return fingerprint.text(report(**changes)["device"], family=fingerprint.family(AGENT))

    assert text() == text(device_window="800x600x800x500", device_offset=120)
    for name, value in {"cores": 4, "screen": "1280x720x24", "timezone": "Asia/Tokyo", "languages": "en"}.items():
        assert text() != text(**{f"device_{name}": value})
    assert len(fingerprint.SIGNALS) >= 19


def test_agents_are_hashed_as_the_collector_hashes_them():
    assert fingerprint.agent_hash("") == "811c9dc5" and fingerprint.agent_hash("a") == "e40c292c"


def test_a_profile_is_the_middle_of_the_latest_samples_and_one_slip_weighs_little():
    rows = [[100.0 + wave, 200.0 - wave] for wave in (-6, -3, 0, 3, 6) * 4]
    known = typing.profile(rows)
    assert known is not None and known.centre == (100.0, 200.0) and known.samples == 20
    assert typing.distance(known, [101.0, 199.0]) < 1 < typing.distance(known, [140.0, 160.0])
    assert typing.distance(known, [1e9, 200.0]) == typing.CLIP / 2
    assert typing.profile(rows[: typing.FEWEST - 1]) is None
    moved = typing.profile(rows + [[500.0, 500.0]] * typing.LATEST)
    assert moved is not None and moved.centre == (500.0, 500.0) and min(moved.spread) > 0


def test_samples_hold_no_more_than_what_was_done_often_enough():
    assert set(summary.samples(report())) == {"email", HAND}
    assert set(summary.samples(report(**{"typing_email][holds": "10_12", "pointer_strokes": None}))) == set()


def test_attributes_are_the_catalogues_and_their_types_too():
    samples = summary.samples(report())
    profiles = {what: typing.Profile(tuple(one), (2.0,) * len(one), 9) for what, one in samples.items()}
    session = Session("rse_1", 1, b"d" * 16, True, FACTS, samples, profiles)
    given = judge.attributes(session, is_foreign=lambda zone: zone != "Europe/Berlin")
    assert set(given) == judge.CLIENT and set(given) < set(ATTRIBUTES)
    types = {"number": (int, float), "boolean": bool, "text": str}
    assert all(isinstance(value, types[ATTRIBUTES[name].type]) for name, value in given.items())
    assert given["typing_deviation"] == given["pointer_deviation"] == 0 and given["is_timezone_foreign"] is False
    from_reports = {name for name, one in ATTRIBUTES.items() if one.source in ("device", "behaviour")}
    assert from_reports - {"device"} == set(given)


def test_no_session_says_so_and_nothing_else():
    assert judge.attributes(None) == {"has_session": False}


def test_what_is_not_known_is_absent():
    session = Session("rse_1", 1, None, False, {**FACTS, "straightness": None})
    given = judge.attributes(session, is_foreign=lambda _: None)
    assert not {"is_timezone_foreign", "pointer_straightness", "typing_deviation", "pointer_deviation"} & set(given)


def test_tokens_are_read_in_their_own_mode_only():
    body = token.body("A" * 22, livemode=False, day=20_000)
    text = f"{body}.{'0' * 32}"
    assert str(token.read(text, livemode=False)) == text
    for wrong in (None, "", text[:-1], text + "0", text.upper(), "x" * 5000):
        assert token.read(wrong, livemode=False) is None
    assert token.read(text, livemode=True) is None


def test_judging_takes_no_time():
    taken = report()
    started = time.perf_counter()
    for _ in range(50):
        bots.signs(taken, user_agent=AGENT, conflicts=2, trees=trees())
    assert (time.perf_counter() - started) / 50 < 0.05
