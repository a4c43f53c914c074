"""Draws that the standard library lacks."""

import math
from random import Random


def poisson(random: Random, mean: float) -> int:
    """How many rare things happen when ``mean`` happen on average (Knuth's product of uniforms; small means only)."""
    if not 0 <= mean <= 500:
        raise ValueError("a mean lies between 0 and 500")
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count
