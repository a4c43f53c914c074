"""``lockgate webhooks``: brings events to a developer's machine, without a public address and without an endpoint."""

import json
import os
import signal
import threading
import urllib.error
import urllib.request
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from lockgate.cli.merchant import ApiOption, CaOption, KeyOption, Merchant, Refused, open_merchant
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.webhooks.core import sign
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
_EVERY_S = 0.5
_LOOK_BACK_S = 30  # an event's id is older than its commit: one that commits late must not be missed
_TIMEOUT_S = 15


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917 - the library calls it so
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """A redirect is the receiver's answer, not a place to go."""


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


@app.callback()
def webhooks() -> None:
    """Work with webhooks from the command line."""


@app.command()
def listen(
    forward_to: Annotated[str, typer.Option("--forward-to", help="Where each event is posted.", metavar="URL")],
    home: HomeOption = DEFAULT_HOME,
    api: ApiOption = None,
    key: KeyOption = None,
    ca: CaOption = None,
) -> None:
    """Forward new events to a URL, signed with a secret that is printed first. Ctrl-C stops."""
    if urlsplit(forward_to).scheme not in ("http", "https"):
        raise ConfigError("--forward-to must begin with http:// or https://")
    merchant = open_merchant(home, api=api, key=key, ca=ca)
    secret = sign.secret_from(os.urandom(sign.SECRET_BYTES))
    stopping = _stopping()
    try:
        seen = {event["id"]: event["created"] for event in _recent(merchant)}
        print(f"Listening at {merchant.api}. Your webhook signing secret is {secret} (Ctrl-C to stop)", flush=True)
        while not stopping.is_set():
            for event in reversed([event for event in _recent(merchant) if event["id"] not in seen]):
                seen[event["id"]] = event["created"]
                print(f"{event['type']}  {event['id']}  {_forward(forward_to, event, secret)}", flush=True)
            oldest = clock.now() - 2 * _LOOK_BACK_S
            seen = {id_: created for id_, created in seen.items() if created >= oldest}
            stopping.wait(_EVERY_S)
    except Refused as refusal:
        raise ConfigError(f"the API refused to list events: {refusal}") from None
    except KeyboardInterrupt:  # a second one, while an answer was awaited
        pass
    print("stopped", flush=True)


def _stopping() -> threading.Event:
    """Set by the first Ctrl-C: raised anywhere, it might be lost in a destructor. The second is raised."""
    asked = threading.Event()

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        asked.set()

    signal.signal(signal.SIGINT, ask)
    return asked


def _recent(merchant: Merchant) -> list[dict[str, Any]]:
    """The events of the last half minute, newest first."""
    fields: dict[str, Any] = {"limit": 100, "created[gte]": clock.now() - _LOOK_BACK_S}
    events: list[dict[str, Any]] = []
    while True:
        page = merchant.get("/v1/events", fields)
        events += page["data"]
        if not page["has_more"]:
            return events
        fields["starting_after"] = events[-1]["id"]


def _forward(url: str, event: dict[str, Any], secret: str) -> str:
    """Post one event; what came of it, in a few words."""
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        **sign.headers(event["id"], body, timestamp=clock.now(), secrets=[secret]),
    }
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - checked
    try:
        with _opener.open(request, timeout=_TIMEOUT_S) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return str(error.code)
    except OSError as error:
        return f"not delivered: {error}"
