"""The script that solves puzzles, for merchants' pages: anybody may load it, and keep it for an hour."""

from functools import cache
from hashlib import sha256
from importlib import resources

from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Page, Visit

_NAME = "v1.js"
_TYPE = "text/javascript; charset=utf-8"


def pages() -> list[Page]:
    """What browsers load here."""

    async def load(visit: Visit) -> Answer:
        if visit.path["name"] != _NAME:
            raise Refusal(Kind.NOT_FOUND, "There is no such script.")
        body, tag = script()
        headers = (("ETag", tag), ("Cache-Control", "public, max-age=3600"))
        if visit.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Answer(304, b"", headers, _TYPE, public=True)
        return Answer(200, body, headers, _TYPE, public=True)

    return [Page("GET", "/puzzle/{name}", load, "browser")]


@cache
def script() -> tuple[bytes, str]:
    """The script and the tag of its content."""
    body = resources.files("lockgate.gateway.risk").joinpath("static", "puzzle.js").read_bytes()
    return body, f'"{sha256(body).hexdigest()[:20]}"'
