"""Times and browsers in a few words, for people who look over their own account."""

from datetime import UTC, datetime

_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)  # fmt: skip


def day_of(at: int | None) -> str:
    """A time in UTC to the minute; what never was is "never"."""
    return "never" if at is None else datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")


def browser_of(user_agent: str) -> str:
    """Which browser on which system, as far as it says so."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), None)
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    if browser is None:
        return "A program" if user_agent else "Unknown"
    return f"{browser} on {system}" if system else browser
