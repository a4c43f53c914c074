"""Back-tests the way of training: week after week, a model of what was known then judges the week that followed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.scoring.core import measures
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.score import Served
from lockgate.gateway.scoring.train import Plan, train

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class Week:
    """One week that was judged by a model trained on what was known when it began; ``scores`` are 0 to 100."""

    start_ms: int
    model: str
    table: Table
    scores: NDArray[np.float64]

    @property
    def auc(self) -> float:
        return measures.auc(self.table.fraud, self.scores)

    @property
    def average_precision(self) -> float:
        return measures.average_precision(self.table.fraud, self.scores)

    def precision_at(self, most: int = 100) -> float:
        """Of a day's cards with the highest scores, the part with a fraud that day; the mean over days."""
        days = (self.table.at_ms - self.start_ms) // DAY_MS
        found = [
            measures.precision_at(
                self.table.fraud[days == day], self.scores[days == day], self.table.card[days == day], most=most
            )
            for day in np.unique(days)
        ]
        return float(np.mean(found)) if found else float("nan")


def weeks(
    table: Table, *, first_ms: int, count: int, plan: Plan | None = None, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Week]:
    """``count`` weeks from ``first_ms`` on. Raises train.TooLittle where a week has too little before it."""
    for number in range(count):
        start = first_ms + number * WEEK_MS
        tell(f"week {number + 1} of {count}")
        before = table.part(table.at_ms < start)
        model = train(before, now_ms=start, origin="back-test", plan=plan, tell=tell)
        test = table.between(start, start + WEEK_MS)
        yield Week(start, model.id, test, np.array(Served(model).scores(test.rows)))
