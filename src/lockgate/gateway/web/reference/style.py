"""The style of the readable API page: one sheet, allowed by its hash; no script, no font, no picture from anywhere."""

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root { color-scheme: light dark;
  --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --shade: #f5f6f8; --line: #d5dae0; --link: #0a55b8;
  --mark: #8a3b00; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e8eaed; --soft: #a6afba; --paper: #14171b; --shade: #1d2228; --line: #363d47; --link: #86b8ff;
  --mark: #ffb27a; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 1rem/1.6 system-ui, sans-serif;
  overflow-wrap: break-word; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible {
  outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--paper); z-index: 1; }
header { padding: 1.2rem 1.5rem; border-bottom: 1px solid var(--line); }
header a { color: inherit; font-weight: 700; font-size: 1.15rem; text-decoration: none; }
header p { margin: 0; color: var(--soft); }
.page { display: grid; grid-template-columns: 15rem minmax(0, 1fr); max-width: 82rem; margin: 0 auto; }
nav { padding: 1.5rem; border-right: 1px solid var(--line); }
nav ul { list-style: none; margin: 0; padding: 0; position: sticky; top: 1.5rem; }
nav li a { display: block; padding: .25rem .6rem; border-radius: .4rem; text-decoration: none; color: inherit; }
nav li a:hover { background: var(--shade); }
nav a[aria-current] { background: var(--shade); font-weight: 600; color: var(--link); }
main { padding: 1rem 2rem 4rem; min-width: 0; }
h1 { font-size: 1.9rem; line-height: 1.25; margin: .8rem 0; }
h2 { font-size: 1.3rem; margin: 0 0 .4rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
section { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1.6rem; }
code, pre { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; font-size: .875em; }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem;
  overflow-x: auto; line-height: 1.5; }
.call { display: block; margin: .2rem 0 .6rem; color: var(--soft); }
.call b { color: var(--link); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .925rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
td:first-child { max-width: 24rem; overflow-wrap: anywhere; }
td:last-child { min-width: 14rem; }
.must { color: var(--mark); font-weight: 600; }
.soft { color: var(--soft); }
details { margin: .8rem 0; }
summary { cursor: pointer; color: var(--link); }
ul.columns { columns: 18rem; padding-left: 1.2rem; }
@media (max-width: 52rem) {
  .page { display: block; }
  nav { border-right: 0; border-bottom: 1px solid var(--line); padding: .8rem 1rem; }
  nav ul { position: static; display: flex; flex-wrap: wrap; gap: .1rem; }
  main { padding: 1rem 1rem 3rem; }
  td:first-child { min-width: 9rem; }
}
"""

POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
