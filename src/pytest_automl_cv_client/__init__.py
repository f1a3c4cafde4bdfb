"""The pytest plugin: fixtures for tests of code that scores images, and the option that makes the endpoint real.

pytest loads this at every start in an environment that has the distribution, whatever is being tested. So it stands
beside the package, and not in it: it costs nothing, and breaks nothing, until one of its fixtures is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from automl_cv_client.local import LocalEndpoint
    from automl_cv_client.testing.fake import FakeEndpoint

_OPTION = "--automl-cv-endpoint"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option ``--automl-cv-endpoint``."""
    parser.getgroup("automl-cv-client").addoption(
        _OPTION,
        choices=("fake", "local"),
        default="fake",
        help="what the fixture automl_cv_endpoint is: a scripted fake (default), or demo models served on this "
        "machine (needs automl-cv-client[local])",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker ``automl_cv_fake``."""
    config.addinivalue_line(
        "markers", "automl_cv_fake: scripts the endpoint; skipped with --automl-cv-endpoint=local, which has no script"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a script when the endpoint is real."""
    if config.getoption(_OPTION) == "local":
        for item in items:
            if item.get_closest_marker("automl_cv_fake"):
                item.add_marker(pytest.mark.skip(reason=f"needs a script, which {_OPTION}=local has not"))


@pytest.fixture
def automl_cv_endpoint(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeEndpoint | LocalEndpoint]:
    """An endpoint on loopback for this test, with ``.scoring_uri_of(task)`` and ``.key``; a FakeEndpoint by default.

    ``AUTOML_CV_SCORING_URI`` and ``AUTOML_CV_KEY`` name it, its detection task, while the test runs.
    """
    if request.config.getoption(_OPTION) == "local":
        endpoint: FakeEndpoint | LocalEndpoint = request.getfixturevalue("_automl_cv_local_endpoint")
        _set_variables(endpoint, monkeypatch)
        yield endpoint
        return
    from automl_cv_client.testing.fake import FakeEndpoint

    with FakeEndpoint().serving() as fake:
        _set_variables(fake, monkeypatch)
        yield fake


@pytest.fixture(scope="session")
def _automl_cv_local_endpoint() -> Iterator[LocalEndpoint]:
    """One for the whole run: loading the models takes seconds."""
    from automl_cv_client.local import LocalEndpoint

    with LocalEndpoint.for_all_tasks() as endpoint:
        yield endpoint


@pytest.fixture
def automl_cv_no_waiting() -> Iterator[list[float]]:
    """No pauses between retries in this test; the value lists the pauses, in seconds, that were skipped."""
    from automl_cv_client.testing.waiting import no_waiting

    with no_waiting() as pauses:
        yield pauses


def _set_variables(endpoint: FakeEndpoint | LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", endpoint.scoring_uri_of("image-object-detection"))
    monkeypatch.setenv("AUTOML_CV_KEY", endpoint.key)
    monkeypatch.delenv("AUTOML_CV_DEPLOYMENT", raising=False)
