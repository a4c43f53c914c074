"""Fixtures that every room's tests share: one PostgreSQL for the run, a fresh migrated database for each test."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster, Database, make_template, run_apart, start_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL with our roles and the migrated template. Not durable: no test here pulls the plug."""
    started = start_cluster(settings={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
    try:
        run_apart(make_template(started))
        yield started
    finally:
        started.stop()


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A fresh copy of the template; ``await asyncpg.connect(**database["gateway"])`` connects as that role."""
    fresh = cluster.fresh()
    try:
        yield fresh
    finally:
        run_apart(cluster.drop(fresh.name))
