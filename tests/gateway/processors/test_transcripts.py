"""Replays every golden transcript: the orders an adapter must yield, the replies it gets, the Result it must return."""

import json
from pathlib import Path

import pytest

from lockgate.gateway.processors import registry
from tests.gateway.processors.driving import TRANSCRIPTS, build, render_order, render_result, reply_from

FILES = sorted(file for file in TRANSCRIPTS.glob("*/*.json") if file.name != "settings.json")


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_transcript(file: Path):
    told = json.loads(file.read_text())
    assert set(told) == {"method", "request", "exchanges", "result"}
    processor = file.parent.name
    steps = getattr(registry.get(processor), told["method"])(build(processor, told["method"], **told["request"]))
    order = next(steps)
    for number, exchange in enumerate(told["exchanges"], start=1):
        assert render_order(order) == exchange["order"], f"order {number} differs"
        try:
            order = steps.send(reply_from(exchange["reply"]))
        except StopIteration as end:
            assert number == len(told["exchanges"]), "the adapter ended before the transcript"
            assert render_result(end.value) == told["result"]
            return
    raise AssertionError("the transcript ended before the adapter")


def test_there_are_transcripts_of_installed_processors_only():
    assert FILES
    assert {folder.name for folder in TRANSCRIPTS.iterdir()} <= set(registry.installed())
