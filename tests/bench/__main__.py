"""``python -m tests.bench``: the benchmarks."""

from tests.bench.payments import main

main()
