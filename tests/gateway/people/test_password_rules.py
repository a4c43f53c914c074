"""Which passwords are refused: everything that is guessed first, and nothing that a careful person would choose."""

import pytest

from lockgate.gateway.people.core.password_rules import LONGEST, too_weak

ABOUT = ["alice.cooper@corner-shop.example", "Alice Cooper", "pay.corner-shop.example"]
GUESSED_FIRST = """
    password1234 passwordpassword Password2024!! P@ssw0rd1234 Pa55w0rd!!!!! 123456789012 000000000000 111111222222
    987654321098 qwertyuiop123 Qwerty123456! asdfghjkl;'123 1qaz2wsx3edc 1q2w3e4r5t6y zaq12wsxcde3 abcdefghijkl
    qwertyuiopasdf iloveyou1234 Welcome12345 letmein123456 changeme12345 trustno1trustno1 Summer2026!!! january2026!
    administrator1 adminadmin123 superman1234 princess1234 sunshine1234 michael123456 jennifer1984! footballfootball
    monkeydragon1 liverpool1892! aaaaaaaaaaaa abcabcabcabc abababababab lockgate12345 lockgate-lockgate L0ckg4te2026!
    corner-shop-12 AliceCooper1 alice.cooper1 cooper-cooper1 shop1234shop
""".split()
GOOD = [
    "correct horse battery staple", "seven quiet otters paint the harbour", "tr0ub4dor&3-zebra-lamp", "k9Q!zR7m#Lp2x",
    "Żółta łódź podwodna 7", "長い秘密の合言葉を選びました", "83917465028137", "dragon monkey sunshine velvet",
    "a long and winding password", "this is a very long password", "🦊🦉🐙🦀🐌🦋🐝🐞🦗🕷🦂🐢",
    "xK8#mP2$vL9@nQ", "7#92!4$8k1&6z",
    "alice paints seven quiet otters",
]  # fmt: skip


@pytest.mark.parametrize("password", GUESSED_FIRST)
def test_what_is_guessed_first_is_refused(password):
    assert len(password) >= 12
    assert too_weak(password, context=ABOUT) is not None


@pytest.mark.parametrize("password", GOOD)
def test_no_composition_is_asked_of_a_good_one(password):
    assert too_weak(password, context=ABOUT) is None


def test_length_counts_characters_and_nothing_else():
    assert "at least 12" in (too_weak("kq8#zR7m!Lp", context=[]) or "")
    assert too_weak("kq8#zR7m!Lpä", context=[]) is None
    whole = ("vq7 " + "otters paint harbours while kettles sing; " * 10)[:LONGEST]
    assert len(whole) == LONGEST and too_weak(whole, context=[]) is None
    assert "at most 256" in (too_weak(whole + "x", context=[]) or "")


def test_why_never_repeats_the_password():
    for password in GUESSED_FIRST:
        assert password not in (too_weak(password, context=ABOUT) or "")
