"""The style of the checkout page: one sheet, allowed by its hash; no font, no picture, no script but our own."""

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root { color-scheme: light dark;
  --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --back: #f3f4f6; --line: #d5dae0; --link: #0a55b8;
  --on-link: #ffffff; --note: #fff6e0; --note-line: #d9a520; --good: #e7f6ec; --good-line: #2f8a4c; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e8eaed; --soft: #a6afba; --paper: #1a1e23; --back: #111417; --line: #363d47; --link: #86b8ff;
  --on-link: #10151b; --note: #2e2610; --note-line: #b8860b; --good: #12281a; --good-line: #4bab6b; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--back); font: 1rem/1.55 system-ui, sans-serif;
  overflow-wrap: anywhere; }
main { max-width: 34rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem;
  margin-top: 1rem; }
.who { color: var(--soft); margin: 0; font-weight: 600; }
.mode { float: right; border: 1px solid var(--note-line); background: var(--note); border-radius: 1rem;
  padding: .05rem .7rem; font-size: .85rem; font-weight: 600; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 0; }
.sum { font-size: 2rem; font-weight: 700; margin: .25rem 0 0; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { text-align: left; font-weight: 400; padding: .7rem 0; border-top: 1px solid var(--line);
  vertical-align: top; }
td { text-align: right; white-space: nowrap; padding-left: 1rem; font-variant-numeric: tabular-nums; }
tfoot th, tfoot td { font-weight: 700; }
.soft { display: block; color: var(--soft); font-size: .9rem; }
.note, .good { border-left: .3rem solid var(--note-line); background: var(--note); padding: .8rem 1rem;
  border-radius: .4rem; margin: 1.25rem 0 0; }
.good { border-color: var(--good-line); background: var(--good); }
.note p, .good p { margin: .25rem 0 0; }
.watch { color: var(--soft); font-size: .85rem; margin: 1rem 0 0; }
.watch label { display: flex; gap: .5rem; align-items: start; }
.ways { margin: 1.25rem 0 0; }
a { color: var(--link); }
a.go { display: block; text-align: center; background: var(--link); color: var(--on-link); font-weight: 600;
  padding: .8rem 1rem; border-radius: .5rem; text-decoration: none; }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 3px; }
footer { color: var(--soft); font-size: .85rem; margin-top: 1rem; text-align: center; }
"""

_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
_CLOSED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; {_CLOSED}"
POLICY_WITH_COLLECTOR = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; script-src 'self'; connect-src 'self';"
    f" require-trusted-types-for 'script'; {_CLOSED}"
)
"""Where the collector runs: scripts of our own origin, which serves no other, and reports to nowhere else."""
