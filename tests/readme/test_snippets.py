"""What the documents claim is tried: the README's snippets run as they stand, links lead somewhere, commands exist."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running import Running, discard, lockgate_command, start_lockgate

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "tests" / "sdk" / "node" / "node_modules"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SNIPPET = re.compile(r"<!-- snippet: (\w+) -->\n```\w*\n(.*?)```", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


@pytest.fixture(scope="module")
def lockgate() -> Iterator[Running]:
    running = start_lockgate()
    try:
        yield running
    finally:
        discard(running)


def snippets() -> dict[str, str]:
    return dict(SNIPPET.findall((ROOT / "README.md").read_text()))


def run(running: Running, command: list[str], cwd: Path, **extra: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
        env={
            **os.environ, "LOCKGATE_URL": running["api"], "LOCKGATE_CA": running["ca_file"],
            "LOCKGATE_KEY": running["secret_key"], **extra,
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_pays_in_three_languages() -> None:
    assert set(snippets()) == {"curl", "python", "node"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(lockgate: Running, tmp_path: Path) -> None:
    script = tmp_path / "pay.sh"
    script.write_text(snippets()["curl"])
    answer = run(lockgate, ["sh", str(script)], tmp_path)
    assert re.search(r'"status":\s*"succeeded"', answer), answer


def test_python(lockgate: Running, tmp_path: Path) -> None:
    script = tmp_path / "pay.py"
    script.write_text(snippets()["python"])
    assert run(lockgate, [sys.executable, str(script)], tmp_path).strip() == "succeeded"


@pytest.mark.skipif(
    shutil.which("node") is None or not NODE_MODULES.is_dir(),
    reason="node or its packages are not installed: run 'npm ci' in tests/sdk/node",
)
def test_node(lockgate: Running, tmp_path: Path) -> None:
    script = tmp_path / "pay.js"
    script.write_text(snippets()["node"])
    assert run(lockgate, ["node", str(script)], tmp_path, NODE_PATH=str(NODE_MODULES)).strip() == "succeeded"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = CODE.sub("", page.read_text())
    dead = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and found.suffix == ".md" and anchor not in anchors(found)):
            dead.append(target)
    assert not dead, f"{page.name} links to nothing at {dead}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def spoken(pattern: str) -> set[tuple[str, str]]:
    """What is written as code in some page: (page, what the pattern's group caught)."""
    return {
        (page.name, match)
        for page in PAGES
        for code in CODE.findall(page.read_text())
        for match in re.findall(pattern, code, re.MULTILINE)
    }


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = spoken(r"(?:^|[`(]|&& )make ([a-z][a-z-]*)")
    assert {target for _, target in named} >= {"up", "test"}
    missing = {(page, target) for page, target in named if target not in targets}
    assert not missing, missing


def test_every_command_exists() -> None:
    named = spoken(r"(?:^|[`/] ?|\$ )lockgate ([a-z]+(?:[ |][a-z][a-z|-]*)?)")
    commands = {command for _, words in named for command in expand(words)}
    assert {("up",), ("verify",)} <= commands
    missing = []
    for words in sorted(commands):
        done = subprocess.run(
            [*lockgate_command(), *words, "--help"], capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            missing.append((" ".join(words), sorted(page for page, said in named if words in expand(said))))
    assert not missing, missing


def expand(words: str) -> list[tuple[str, ...]]:
    """``keys create|list`` as the commands it stands for."""
    first, _, rest = words.partition(" ")
    heads = first.split("|")
    return [(head, tail) for head in heads for tail in rest.split("|")] if rest else [(head,) for head in heads]
