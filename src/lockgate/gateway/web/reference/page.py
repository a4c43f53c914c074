"""The readable API page, rendered once at start from the operations: one page for each resource, and an overview."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from lockgate.gateway.web.openapi import events, examples, responses
from lockgate.gateway.web.openapi.operation import description
from lockgate.gateway.web.openapi.words import Row, field_rows, rows
from lockgate.gateway.web.reference.style import STYLE
from lockgate.gateway.webhooks.core.types import EVENT_TYPES
from lockgate.kernel.operations import Operation
from lockgate.kernel.shapes import Shape

_FORMS = {
    "list": "A page of these in <code>data</code>, newest first, with <code>has_more</code> and <code>url</code>.",
    "search": "Those found, in <code>data</code>, with <code>has_more</code> and <code>next_page</code>.",
    "deleted": "What is left: <code>id</code>, <code>object</code> and <code>deleted</code>, which is true.",
}


def pages(operations: Sequence[Operation]) -> dict[str, bytes]:
    """Every page by its path."""
    by_resource: dict[str, list[Operation]] = {}
    for operation in operations:
        by_resource.setdefault(operation.resource, []).append(operation)
    resources = sorted(by_resource)
    made = {"/docs": _page("Overview", _overview(by_resource), resources, here=None)}
    for resource in resources:
        made[f"/docs/{resource}"] = _page(_title(resource), _resource(by_resource[resource]), resources, here=resource)
    return made


def _title(resource: str) -> str:
    return resource.replace("_", " ").capitalize()


def _page(title: str, body: str, resources: Sequence[str], *, here: str | None) -> bytes:
    entries = [("/docs", "Overview", here is None)]
    entries += [(f"/docs/{name}", _title(name), name == here) for name in resources]
    links = "".join(
        f'<li><a href="{path}"{" aria-current=page" if current else ""}>{escape(text)}</a></li>'
        for path, text, current in entries
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} - Lockgate API</title><style>{STYLE}</style></head><body>"
        '<a class="skip" href="#main">Skip to the content</a>'
        '<header><a href="/docs">Lockgate API</a>'
        '<p>Accepts requests from Stripe API clients; not affiliated.</p></header>'
        f'<div class="page"><nav aria-label="Resources"><ul>{links}</ul></nav>'
        f'<main id="main"><h1>{escape(title)}</h1>{body}</main></div></body></html>'
    ).encode()


def _overview(by_resource: Mapping[str, Sequence[Operation]]) -> str:
    listed = "".join(
        f'<h3><a href="/docs/{resource}">{escape(_title(resource))}</a></h3>'
        + '<ul class="columns">'
        + "".join(f'<li><a href="/docs/{resource}#{o.name}">{escape(_summary(o))}</a></li>' for o in operations)
        + "</ul>"
        for resource, operations in sorted(by_resource.items())
    )
    return (
        "<p>Parameters are form fields, nested ones in brackets: <code>card[exp_month]=8</code>, "
        "<code>expand[0]=customer</code>. Every answer is JSON. What is not documented here is refused by name, "
        'never ignored. The same as data: <a href="/openapi.json">openapi.json</a>.</p>'
        "<section><h2>Keys</h2><p>Send the key as the user name of Basic authentication, or as a bearer token. Secret "
        "keys (<code>sk_</code>) may do everything, restricted keys (<code>rk_</code>) what they were given, "
        "publishable keys (<code>pk_</code>) only what says so, from a browser. Test and live mode have keys of their "
        "own and share nothing.</p></section>"
        "<section><h2>Repeating a request</h2><p>With the header <code>Idempotency-Key</code> a POST takes effect "
        "once: a repetition gets the first answer again, marked <code>Idempotent-Replayed: true</code>. The same "
        "key with other parameters is refused. <code>Stripe-Should-Retry</code> says when another try is worth "
        "it.</p></section>"
        "<section><h2>Lists</h2><p><code>limit</code> is 1 to 100, 10 if not given; <code>starting_after</code> and "
        "<code>ending_before</code> take an object's id. <code>expand[]</code> replaces ids by their objects, at most "
        "four deep; in lists the names begin with <code>data.</code></p></section>"
        f'<section id="refusals"><h2>Refusals</h2>{_refusals()}</section>'
        f"<section><h2>Events</h2>{_event_types(EVENT_TYPES)}</section>"
        f"<section><h2>Operations</h2>{listed}</section>"
    )


def _refusals() -> str:
    shown = [(f"<code>{number}</code>", _prose(text)) for number, text in responses.said().items()]
    return (
        "<p>A refusal is <code>{&quot;error&quot;: {type, message, code, param, ...}}</code>; "
        "<code>param</code> names the parameter in its bracket form.</p>"
        + _table("Refusals", ("Status", "When"), shown)
    )


def _event_types(types: Iterable[str]) -> str:
    shown = [(f"<code>{type_}</code>", f"<code>{escape(events.carried(type_))}</code>") for type_ in types]
    return _table("Types of events", ("Type", "data.object"), shown)


def _resource(operations: Sequence[Operation]) -> str:
    shapes = examples.kinds(operations)
    contents = "".join(f'<li><a href="#{o.name}">{escape(_summary(o))}</a></li>' for o in operations)
    carried = [type_ for type_ in EVENT_TYPES if events.carried(type_) in shapes]
    said = f'<section id="events"><h2>Events</h2>{_event_types(carried)}</section>' if carried else ""
    return (
        f'<ul class="columns">{contents}</ul>'
        + "".join(_operation(operation) for operation in operations)
        + "".join(_object(shape) for shape in shapes.values())
        + said
    )


def _summary(operation: Operation) -> str:
    return operation.summary.rstrip(".")


def _operation(operation: Operation) -> str:
    given = list(rows(operation.params))
    taken, refused = [row for row in given if row.refused is None], [row for row in given if row.refused is not None]
    kind = escape(operation.returns.kind)
    link = f'<a href="#object-{kind}"><code>{kind}</code></a>'
    answered = f"<p>{_FORMS[operation.form]} Each is a {link}.</p>" if operation.form in _FORMS else f"<p>{link}</p>"
    return (
        f'<section id="{operation.name}" aria-labelledby="{operation.name}-name">'
        f'<h2 id="{operation.name}-name">{escape(_summary(operation))}</h2>'
        f'<code class="call"><b>{operation.method}</b> {escape(operation.path)}</code>'
        f"<p>{_prose(description(operation))}</p>"
        + (_parameters(taken) if taken else "<p>It takes no parameters.</p>")
        + (_refused(refused) if refused else "")
        + f"<h3>Answer</h3>{answered}{_statuses(operation)}<h3>Example</h3>"
        f'<pre tabindex="0" aria-label="Example of a request">{escape(examples.curl(operation))}</pre></section>'
    )


def _statuses(operation: Operation) -> str:
    declined = "with <code>402</code> if the card is declined, and else " if operation.declines else ""
    return f'<p>Refused {declined}as <a href="/docs#refusals">everything may be</a>.</p>'


def _parameters(given: Sequence[Row]) -> str:
    shown = []
    for row in given:
        must = ' <span class="must">required</span>' if row.required else ""
        said = [escape(row.says), *(escape(text) for text in (row.note, row.limited or "") if text)]
        if row.clearable:
            said.append('<span class="soft">An empty value clears it.</span>')
        shown.append((f"<code>{escape(row.name)}</code>{must}", "<br>".join(said)))
    return f"<h3>Parameters</h3>{_table('Parameters', ('Name', 'Value'), shown)}"


def _refused(refused: Sequence[Row]) -> str:
    by_reason: dict[str, list[str]] = {}
    for row in refused:
        by_reason.setdefault(row.refused or "Not supported.", []).append(row.name)
    shown = [
        (", ".join(f"<code>{escape(name)}</code>" for name in names), escape(why)) for why, names in by_reason.items()
    ]
    items = "".join(f"<li>{names}: {why}</li>" for names, why in shown)
    return f"<details><summary>Known, and refused by name ({len(refused)})</summary><ul>{items}</ul></details>"


def _object(shape: Shape) -> str:
    public = {name for name, field in shape.fields.items() if field.public}
    shown = [
        (f"<code>{escape(name)}</code>", escape(says) + (' <span class="soft">public</span>' if name in public else ""))
        for name, says in field_rows(shape)
    ]
    kind, example = escape(shape.kind), escape(json.dumps(examples.of_shape(shape), indent=2))
    return (
        f'<section id="object-{kind}"><h2>The object <code>{kind}</code></h2>'
        f"{_table('Fields', ('Field', 'Value'), shown)}"
        f"<details><summary>Example</summary><pre>{example}</pre></details></section>"
    )


def _table(label: str, heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _prose(text: str) -> str:
    """Text in which words between backticks are code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
