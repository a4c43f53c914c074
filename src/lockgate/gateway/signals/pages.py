"""The collector script, for our own page and for merchants': anybody may load it, and keep it."""

from lockgate.gateway.signals.script import STABLE, script
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Page, Visit

_TYPE = "text/javascript; charset=utf-8"
_FOREVER = "public, max-age=31536000, immutable"
_AN_HOUR = "public, max-age=3600"


def pages() -> list[Page]:
    """What browsers load here."""

    async def load(visit: Visit) -> Answer:
        return serve(f"/collector/{visit.path['name']}", visit.headers.get("if-none-match", ""))

    return [Page("GET", "/collector/{name}", load, "browser")]


def serve(path: str, known: str) -> Answer:
    """The script under either of its names; nothing but its tag where the browser has it (``known``)."""
    ours = script()
    if path not in (STABLE, ours.path):
        raise Refusal(Kind.NOT_FOUND, "There is no such script.")
    kept = _FOREVER if path == ours.path else _AN_HOUR
    headers = (("ETag", ours.etag), ("Cache-Control", kept), ("Timing-Allow-Origin", "*"))
    if known.removeprefix("W/") == ours.etag:
        return Answer(304, b"", headers, _TYPE, public=True)
    return Answer(200, ours.body, headers, _TYPE, public=True)
