"""The 3-D Secure challenge: one plain page where the cardholder says yes or no, and goes back to the merchant."""

import base64
import hashlib
import html
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from lockgate.kernel import money
from lockgate.simulator.acquirer import Held
from lockgate.simulator.clerk import Clerk

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1f; --line: #6b6b76; --go: #0b5d3b; --on-go: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16161a; --ink: #f2f2f5; --line: #9a9aa6; --go: #7ddcb0; --on-go: #10231a; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.125rem/1.5 system-ui, sans-serif; }
main { max-width: 32rem; margin: 4rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; }
form { display: flex; gap: 1rem; flex-wrap: wrap; margin-top: 2rem; }
button { font: inherit; padding: .75rem 1.5rem; min-height: 2.75rem; border: 2px solid var(--line);
  border-radius: .375rem; background: var(--paper); color: var(--ink); cursor: pointer; }
button[value=pass] { background: var(--go); border-color: var(--go); color: var(--on-go); }
button:focus-visible, a:focus-visible { outline: 3px solid currentColor; outline-offset: 3px; }
a { color: inherit; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
_RESULTS = ("pass", "fail")


@dataclass(frozen=True, slots=True)
class Acs:
    """Serves the page; writes the cardholder's answer to the journal before sending her back."""

    clerk: Clerk

    def routes(self) -> list[web.RouteDef]:
        path = "/acs/{challenge}"
        return [web.get(path, self._page(self._show)), web.post(path, self._page(self._take))]

    def _page(
        self, handler: Callable[[web.Request, Held], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            held = self.clerk.books.acquirer.by_challenge.get(request.match_info["challenge"])
            if held is None:
                return _render("This request is not known", "<p>Go back to the shop and start again.</p>", status=404)
            return await handler(request, held)

        return handle

    async def _show(self, _request: web.Request, held: Held) -> web.Response:
        if held.status != "action_required" or held.challenge_result is not None:
            back = html.escape(held.return_url or "", quote=True)
            return _render(
                "This request was already answered",
                f'<p><a href="{back}" rel="noreferrer">Back to the shop</a></p>',
                status=410,
            )
        asked = "to keep this card for later payments"
        if held.amount:
            asked = f"to pay {money.shown(held.amount, held.currency)}"
        content = (
            f"<p>Your bank asks: is it you who wants {asked}?</p><p>"
            "This is a simulator. No money moves.</p>"
            '<form method="post">'
            '<button type="submit" name="result" value="pass">Complete</button>'
            '<button type="submit" name="result" value="fail">Fail</button></form>'
        )
        return _render("Confirm that it is you", content, form_to=held.return_url)

    async def _take(self, request: web.Request, held: Held) -> web.Response:
        form = await request.post()
        result = form.get("result")
        if result not in _RESULTS or len(form) != 1:
            return _render("That answer is not known", "<p>Choose Complete or Fail.</p>", status=400)
        if held.status == "action_required" and held.challenge_result is None:
            self.clerk.record(self.clerk.books.acquirer.challenge(held, str(result)))
        await self.clerk.journal.durable(self.clerk.journal.last_seq)
        return web.Response(status=303, headers={"Location": held.return_url or "/"})


def _render(title: str, content: str, *, status: int = 200, form_to: str | None = None) -> web.Response:
    """The page under a policy that allows its own style and its own form, nothing else."""
    target = "'none'"
    if form_to:
        shop = urlsplit(form_to)  # browsers hold a form's redirect to the same rule
        target = f"'self' {shop.scheme}://{shop.netloc}"
    policy = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {target}; base-uri 'none'; "
    return web.Response(
        text=_PAGE.format(title=html.escape(title), style=_STYLE, content=content),
        content_type="text/html",
        status=status,
        headers={"Content-Security-Policy": policy + "frame-ancestors 'none'"},
    )
