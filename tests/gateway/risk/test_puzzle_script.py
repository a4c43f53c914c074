"""The script that merchants' pages load: it solves what Lockgate asks, and sends a request again with the solution."""

import json
import shutil
import subprocess
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lockgate.gateway.risk import pages
from lockgate.kernel import puzzle
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Visit

NODE = shutil.which("node")
in_node = pytest.mark.skipif(NODE is None, reason="there is no node to run the script")


def run(words: str) -> str:
    source = pages.script()[0].decode() + words
    done = subprocess.run([NODE or "node", "-e", source], capture_output=True, text=True, timeout=60, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


@in_node
def test_it_solves_tokens_of_any_length_as_we_do() -> None:
    tokens = ["t" * length for length in (1, 54, 55, 56, 60, 61, 63, 64, 119, 128, 150)]
    asked = [{"algorithm": "sha-256", "bits": 4, "parts": puzzle.PARTS, "token": token} for token in tokens]
    each = f"Promise.all({json.dumps(asked)}.map(LockgatePuzzle.solve)).then(all => console.log(JSON.stringify(all)))"
    solutions = json.loads(run(each))
    assert solutions == [puzzle.solve(token, bits=4) for token in tokens]
    assert all(puzzle.is_solved(solution, bits=4) for solution in solutions)


@in_node
def test_it_refuses_work_that_we_would_never_ask_for() -> None:
    assert run(
        'LockgatePuzzle.solve({algorithm: "sha-256", bits: 40, parts: 16, token: "t"})'
        '.then(() => console.log("solved"), () => console.log("refused"))'
    ) == "refused"  # fmt: skip


@in_node
def test_it_sends_a_refused_request_again_with_the_solution_and_only_once() -> None:
    told = json.loads(
        run(
            """
            const asked = {error: {puzzle: {algorithm: "sha-256", bits: 2, parts: 16, token: "t"}}}, sent = [];
            globalThis.fetch = async (to, options) => {
                sent.push(new Headers(options.headers).get("lockgate-puzzle"));
                return new Response(JSON.stringify(asked), {status: 402});
            };
            LockgatePuzzle.fetch("/v1/x", {method: "POST", headers: {"X": "y"}})
                .then(answer => console.log(JSON.stringify([answer.status, sent])));
            """
        )
    )
    assert told == [402, [None, puzzle.solve("t", bits=2)]]


@in_node
def test_a_request_keeps_its_own_headers_and_body() -> None:
    told = json.loads(
        run(
            """
            const asked = {error: {puzzle: {algorithm: "sha-256", bits: 0, parts: 1, token: "t"}}}, sent = [];
            globalThis.fetch = async (to, options) => {
                const made = new Request(to, options), seen = made.headers;
                sent.push([seen.get("authorization"), seen.get("lockgate-puzzle"), made.method, await made.text()]);
                return new Response(JSON.stringify(asked), {status: 402});
            };
            const given = {method: "POST", body: "a=b", headers: {Authorization: "Bearer pk"}};
            LockgatePuzzle.fetch(new Request("https://pay.test/v1/x", given))
                .then(() => console.log(JSON.stringify(sent)));
            """
        )
    )
    assert told == [["Bearer pk", None, "POST", "a=b"], ["Bearer pk", "t~0", "POST", "a=b"]]


@in_node
@pytest.mark.parametrize("body", ["", "null", "not json", '{"error": null}'])
def test_an_answer_without_a_puzzle_is_given_as_it_is(body: str) -> None:
    told = run(
        f"""
        globalThis.fetch = async () => new Response({json.dumps(body)}, {{status: 402}});
        LockgatePuzzle.fetch("/x").then(async answer => console.log(answer.status + await answer.text()));
        """
    )
    assert told == f"402{body}"


async def test_it_is_served_under_its_name_alone_and_not_twice() -> None:
    (page,) = pages.pages()

    def visit(name: str, known: str = "") -> Visit:
        return cast(Any, SimpleNamespace(path={"name": name}, headers={"if-none-match": known}))

    body, tag = pages.script()
    first = await page.handler(visit("v1.js"))
    assert (first.status, first.body, dict(first.headers)["ETag"]) == (200, body, tag)
    assert (await page.handler(visit("v1.js", f"W/{tag}"))).status == 304
    with pytest.raises(Refusal):
        await page.handler(visit("v2.js"))
