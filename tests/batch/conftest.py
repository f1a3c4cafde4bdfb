"""The embedded endpoint with all four tasks, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from automl_cv_client.local import LocalEndpoint


@pytest.fixture(scope="session")
def endpoint() -> Iterator[LocalEndpoint]:
    with LocalEndpoint.for_all_tasks() as running:
        yield running
