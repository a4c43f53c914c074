"""The readable page: everything is on it, nothing runs, and all links lead somewhere."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from tools.contract.declared import operations

from lockgate.gateway.web.reference.page import pages
from lockgate.gateway.web.reference.style import POLICY
from lockgate.gateway.webhooks.core.types import EVENT_TYPES

_EMPTY = {"meta", "br"}


class Read(HTMLParser):
    """Checks that tags nest, and keeps ids, links and the order of headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.levels: list[int] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in _EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return {path: body.decode() for path, body in pages(operations()).items()}


def test_everything_is_on_a_page(made: dict[str, str]) -> None:
    for operation in operations():
        page = made[f"/docs/{operation.resource}"]
        assert f'id="{operation.name}"' in page and operation.path in page
        assert f'id="object-{operation.returns.kind}"' in page
    assert all(f"<code>{type_}</code>" in made["/docs"] for type_ in EVENT_TYPES)


def test_pages_are_well_formed_and_their_links_lead_somewhere(made: dict[str, str]) -> None:
    read = {}
    for path, page in made.items():
        read[path] = Read()
        read[path].feed(page)
        assert not read[path].open
        assert len(read[path].ids) == len(set(read[path].ids)), path
        levels = read[path].levels
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), path
    for path, one in read.items():
        for link in one.links:
            target, _, mark = link.partition("#")
            if target == "/openapi.json":
                continue
            assert (target or path) in made, link
            assert not mark or mark in read[target or path].ids, f"{path}: {link}"


def test_nothing_runs_and_nothing_is_fetched(made: dict[str, str]) -> None:
    for page in made.values():
        one = Read()
        one.feed(page)
        assert not one.tags & {"script", "img", "iframe", "object", "form", "link", "svg"}
        assert not {name for name in one.attributes if name.startswith("on")} | (one.attributes & {"style", "src"})
        (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
        assert b64encode(sha256(style.encode()).digest()).decode() in POLICY
        assert 'lang="en"' in page and 'href="#main"' in page
    assert POLICY.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in POLICY
