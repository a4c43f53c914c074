"""Raw pointer trails as the strokes that the collector would have sent: its arithmetic once more, in Python."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import atan2, degrees, hypot, pi
from typing import Literal, NamedTuple

from lockgate.gateway.signals.core.pointer import LIMITS, Stroke

REST_MS, MOST_POINTS, FEWEST_POINTS = 1000, 40, 4


Happening = Literal["move", "press", "release"]


class Point(NamedTuple):
    """Something that happened to the pointer; ``kind`` is move, press or release."""

    at: float
    x: float
    y: float
    kind: Happening = "move"


def strokes(trail: Iterable[Point]) -> Iterator[Stroke]:
    """Every stroke of ``trail``, complete with the press that ended it."""
    points: list[Point] = []
    waiting: Stroke | None = None
    pressed: float | None = None
    for point in trail:
        match point.kind:
            case "move":
                if points and (point.at - points[-1].at > REST_MS or len(points) >= MOST_POINTS):
                    yield from _known(stroke(points))
                    points = []
                points.append(point)
            case "press":
                yield from _known(waiting)
                waiting = stroke(points, rested=point.at - points[-1].at if points else 0)
                points, pressed = [], point.at
            case "release":
                if waiting is not None and pressed is not None:
                    yield waiting._replace(hold=1 + _cap(point.at - pressed, 2000))
                points, waiting, pressed = [], None, None
    yield from _known(waiting)
    yield from _known(stroke(points))


def _known(one: Stroke | None) -> Iterator[Stroke]:
    if one is not None:
        yield one


def stroke(points: Sequence[Point], *, rested: float | None = None) -> Stroke | None:
    """The numbers of one run of movements; None where it is too short to say anything."""
    if len(points) < FEWEST_POINTS:
        return None
    first, end = points[0], points[-1]
    took = end.at - first.at
    path = peak = peak_at = turned = sharpest = longest = 0.0
    still, heading = 0, None
    speeds, gaps = [], []
    for before, point in pairwise(points):
        dx, dy, gap = point.x - before.x, point.y - before.y, point.at - before.at
        far = hypot(dx, dy)
        gaps.append(gap)
        if not far:
            still += 1
            continue
        path, longest = path + far, max(longest, far)
        speed, angle = far / max(gap, 1) * 1000, atan2(dy, dx)
        speeds.append(speed)
        if speed > peak and took > 0:
            peak, peak_at = speed, (point.at - first.at) / took
        if heading is not None:
            by = abs(angle - heading)
            turn = min(by, 2 * pi - by)
            turned, sharpest = turned + turn, max(sharpest, turn)
        heading = angle
    if not speeds or took <= 0:
        return None
    dx, dy = end.x - first.x, end.y - first.y
    numbers = (
        len(points), took, path, 1000 * hypot(dx, dy) / path, *(_at(speeds, part) for part in (0.25, 0.5, 0.75)), peak,
        1000 * peak_at, 1000 * turned / len(speeds), 1000 * sharpest, longest, still,
        *(_at(gaps, part) for part in (0.1, 0.5, 0.9)), max(gaps), (degrees(atan2(dy, dx)) + 360) % 360,
        0 if rested is None else 1 + _cap(rested, 9998), 0,
    )  # fmt: skip
    return Stroke(*(_cap(number, most) for number, most in zip(numbers, LIMITS, strict=True)))


def _at(values: Sequence[float], part: float) -> float:
    return sorted(values)[int(part * (len(values) - 1))]


def _cap(number: float, most: float) -> int:
    """Rounded as JavaScript rounds."""
    return int(min(most, max(0, int(number + 0.5))))
