"""Signals of one device that contradict each other: what honest browsers do not do, and disguises often do."""

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate.gateway.signals.core.fingerprint import agent_hash, system

_PLATFORMS = {
    "Windows": ("Win",), "macOS": ("Mac",), "iOS": ("iPhone", "iPad", "iPod", "Mac"),
    "Android": ("Linux", "Android"), "Linux": ("Linux", "FreeBSD", "X11"), "Chrome OS": ("Linux", "CrOS"),
}  # fmt: skip
_HINTED = {"Windows": "Windows", "macOS": "macOS", "Android": "Android", "Linux": "Linux", "Chrome OS": "Chrome OS"}
_LEAST_PIXELS = 200


def conflicts(
    report: Mapping[str, Any], *, user_agent: str, whole_agent: bool, language: str, offset: int | None
) -> list[str]:
    """The contradictions in ``report``, a word for each.

    ``user_agent`` and ``language`` are the request's own headers (the first shortened unless ``whole_agent``), and
    ``offset`` is how many minutes the named time zone really is ahead of UTC, None where the name is unknown.
    """
    return list(_found(report, user_agent, whole_agent=whole_agent, language=language, offset=offset))


def _found(
    report: Mapping[str, Any], user_agent: str, *, whole_agent: bool, language: str, offset: int | None
) -> Iterator[str]:
    device, visit, pointer = report["device"], report["visit"], report.get("pointer", {})
    claimed, platform, hinted = system(user_agent), device.get("platform", ""), device.get("hint_platform", "")
    if whole_agent and device["agent"] != agent_hash(user_agent):
        yield "user_agent"
    if platform and claimed in _PLATFORMS and not platform.startswith(_PLATFORMS[claimed]):
        yield "platform"
    if hinted and _HINTED.get(claimed, hinted) != hinted:
        yield "hints"
    if device.get("hint_brands") and not ("Chrom" in user_agent or "Edg/" in user_agent):
        yield "brands"
    if _is_mobile(claimed) and device.get("touch") == 0:
        yield "touch"
    if pointer.get("touches") and device.get("touch") == 0:
        yield "touch_events"
    if device.get("hint_mobile") and device.get("pointer") == "fine" and device.get("touch") == 0:
        yield "mobile"
    if offset is not None and "offset" in device and device["offset"] != offset:
        yield "time_zone"
    elif device.get("timezone") and offset is None:
        yield "time_zone_name"
    first = device.get("languages", "").split(",")[0].split("-")[0].lower()
    if first and language and first not in {word.split("-")[0].strip().lower() for word in _languages(language)}:
        yield "language"
    if _shapes_disagree(device):
        yield "screen"
    if visit.get("visible_ms", 0) > visit["form_ms"] + 1000:
        yield "visible"


def _is_mobile(system_: str) -> bool:
    return system_ in ("Android", "iOS")


def _languages(header: str) -> list[str]:
    return [part.split(";")[0] for part in header.split(",")]


def _shapes_disagree(device: Mapping[str, Any]) -> bool:
    """A screen smaller than any, or a window that is seen larger than its screen."""
    if "screen" not in device:
        return False
    width, height, _ = (int(word) for word in device["screen"].split("x"))
    if min(width, height) < _LEAST_PIXELS:
        return True
    if "window" not in device:
        return False
    outer_width, outer_height, *_ = (int(word) for word in device["window"].split("x"))
    most = 1.25 * max(width, height)  # turned, and with a frame around it
    return max(outer_width, outer_height) > most
