"""The names of Checkout's ui_mode: the dialect renamed them, so what is said and shown depends on the version asked."""

from collections.abc import Mapping

from lockgate.kernel.errors import invalid

RENAMED_IN = "2026-03-25"
HOSTED, EMBEDDED, ELEMENTS = "hosted_page", "embedded_page", "elements"
MODES = (HOSTED, EMBEDDED, ELEMENTS)
_OLD: Mapping[str, str] = {HOSTED: "hosted", EMBEDDED: "embedded", ELEMENTS: "custom"}
WORDS = (*MODES, *_OLD.values())


def read(word: str | None, version: str) -> str:
    """The mode that ``word`` means in ``version``; a word of the other time is refused as the dialect does."""
    if word is None:
        return HOSTED
    known = {mode: mode for mode in MODES} if version[:10] >= RENAMED_IN else {old: mode for mode, old in _OLD.items()}
    if word not in known:
        raise invalid(
            f"Invalid ui_mode: must be one of {', '.join(known)} in this Stripe-Version.", param="ui_mode"
        )
    return known[word]


def shown(mode: str, version: str) -> str:
    """What ``mode`` is called in ``version``."""
    return mode if version[:10] >= RENAMED_IN else _OLD[mode]
