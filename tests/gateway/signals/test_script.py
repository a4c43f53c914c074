"""The script as it lies there: small, alone, and without a word for what is typed."""

import gzip
import re

import pytest

from lockgate.gateway.signals import pages
from lockgate.gateway.signals.script import STABLE, script
from lockgate.kernel.errors import Refusal

TEXT = script().body.decode()
CODE = re.sub(r"/\*.*?\*/|//[^\n]*", "", TEXT, flags=re.DOTALL)


def test_it_is_small():
    assert len(gzip.compress(script().body, 9)) <= 8 * 1024


@pytest.mark.parametrize(
    "word", ["key", "code", "keyCode", "which", "charCode", "value", "data", "innerText", "textContent"]
)
def test_it_never_reads_what_a_key_or_a_field_is(word):
    read = re.findall(rf"(?:event|target|field|form|box)(?:\.\w+)*[.?]+{word}\b(?!set)", CODE)
    assert read == [] and f'["{word}"]' not in CODE


@pytest.mark.parametrize("word", ["document.cookie", "eval(", "innerHTML", "document.write", "http://", "getImageData"])
def test_it_does_nothing_that_it_need_not(word):
    assert word not in CODE


def test_its_address_changes_with_its_content_and_a_browser_that_has_it_gets_nothing():
    for path in (STABLE, script().path):
        answer = pages.serve(path, "")
        assert answer.status == 200 and answer.public and answer.body == script().body
        for known in (script().etag, f"W/{script().etag}"):
            again = pages.serve(path, known)
            assert again.status == 304 and again.body == b"" and dict(again.headers)["ETag"] == script().etag
    assert "immutable" in dict(pages.serve(script().path, "").headers)["Cache-Control"]
    assert "immutable" not in dict(pages.serve(STABLE, "").headers)["Cache-Control"]
    for path in ("/collector/", "/collector/x.js", "/collector/../static/rhythm.json"):
        with pytest.raises(Refusal):
            pages.serve(path, "")
