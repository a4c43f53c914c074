"""Templates to answers: every value escaped, none forgotten, and a policy that lets nothing run but our own script."""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from lockgate.gateway.pages.cookies import SetCookie
from lockgate.kernel.operations import Answer

_ROOMS = "lockgate.gateway"
_OWN_ROOM = "pages"
_NAME = re.compile(r"(?:([a-z]+)/)?([a-z_]+\.(?:html|css|js))")
_SOURCE = re.compile(r"(?:https?://[A-Za-z0-9.:\[\]-]+|[a-z][a-z0-9+.-]*:)")
_TYPE = "text/html; charset=utf-8"


class _RoomsTemplates(BaseLoader):
    """``portal/sign_in.html`` stands in the portal's ``templates`` folder; a bare name in that of this room."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool]]:
        return _text(template), None, lambda: True


@cache
def _text(name: str) -> str:
    match = _NAME.fullmatch(name)
    if match is None:
        raise TemplateNotFound(name)
    file = resources.files(_ROOMS).joinpath(match[1] or _OWN_ROOM, "templates", match[2])
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise TemplateNotFound(name) from None


_environment = Environment(
    loader=_RoomsTemplates(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    auto_reload=False,
)  # fmt: skip
_environment.globals["style"] = Markup(_text("style.css"))  # noqa: S704 - our own file, allowed by its hash


def page(
    template: str,
    *,
    status: int = 200,
    headers: Sequence[SetCookie] = (),
    script: str | None = None,
    submits_to: Sequence[str] = (),
    **values: Any,
) -> Answer:
    """The page that ``template`` (``room/name.html``) makes of ``values``; a value that it lacks is an error.

    ``headers`` carries cookies. ``script`` (``room/name.js``) runs on this page; everything else works without one.
    ``submits_to`` names the origins or schemes that a form's answer may lead on to, beside our own.
    """
    given = None if script is None else Markup(_text(script))  # noqa: S704 - our own file, allowed by its hash
    body = _environment.get_template(template).render(script=given, **values)
    policy = ("Content-Security-Policy", _policy(script, tuple(submits_to)))
    return Answer(status, body.encode(), (policy, *headers), _TYPE)


def see_other(path: str, *, headers: Sequence[SetCookie] = ()) -> Answer:
    """The answer to a form that was taken: look there next. ``path`` is one of ours, or one that was checked."""
    assert not any(sign in path for sign in "\r\n"), "a location of one line"
    return Answer(303, b"", (("Location", path), *headers), _TYPE)


def refused(status: int, message: str) -> Answer:
    """What a browser sees where a program would get an error."""
    return page("refused.html", status=status, message=message)


@cache
def _policy(script: str | None, submits_to: tuple[str, ...]) -> str:
    assert all(_SOURCE.fullmatch(source) for source in submits_to), "origins and schemes only"
    onward = " ".join(("'self'", *submits_to))
    runs = f" script-src {_hash(_text(script))};" if script else ""
    return (
        f"default-src 'none'; style-src {_hash(_text('style.css'))};{runs}"
        f" form-action {onward}; base-uri 'none'; frame-ancestors 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
