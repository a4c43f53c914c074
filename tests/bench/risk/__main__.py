"""``python -m tests.bench.risk``: how well risk does its work, beside the published figures (``--only G1,G5``)."""

import argparse
import importlib
import sys

from tests.bench.risk.figures import GOALS, Options, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-risk", description=__doc__)
    parser.add_argument("--only", default="", help="goals to measure, by comma: G1,G5 (default: all)")
    parser.add_argument("--data", default=None, help="where the fraud data lies (default: ../shared/data/fraud)")
    parser.add_argument("--quick", action="store_true", help="a smaller sample of everything, to try the commands")
    given = parser.parse_args()
    chosen = [name.strip().upper() for name in given.only.split(",") if name.strip()] or list(GOALS)
    unknown = sorted(set(chosen) - set(GOALS))
    if unknown:
        parser.error(f"there is no goal {', '.join(unknown)}; there are {', '.join(GOALS)}")
    options = Options.of(given.data, quick=given.quick)
    figures = []
    for name in chosen:
        print(f"{name}: {GOALS[name]}", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"tests.bench.risk.{name.lower()}").measure(options)
        print(table(figures[-8:]) if figures else "", file=sys.stderr, flush=True)
    print(table(figures))
    return 0 if all(figure.holds is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
