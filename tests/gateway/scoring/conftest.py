"""Pools of the programs' own roles for tests of the score."""

from tests.gateway.velocity.conftest import pool, worker

__all__ = ["pool", "worker"]
