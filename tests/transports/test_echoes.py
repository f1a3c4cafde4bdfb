"""A server or proxy that gives the key back in its headers: it is in no result, error, event or log."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from automl_cv_client import Hooks, RetryPolicy
from automl_cv_client.errors import AutoMLVisionError
from tests.servers import Answer, ScriptedServer, boxes
from tests.transports.test_stray_answers import LIBRARIES, detecting

pytestmark = pytest.mark.bar(3)

KEY = "k3y-of-the-endpoint-0123456789"
NAMES = (
    "x-ms-request-id",
    "x-request-id",
    "azureml-model-deployment",
    "ms-azureml-model-error-reason",
    "ms-azureml-model-error-statuscode",
    "x-ms-run-fn-exec-ms",
    "retry-after",
    "location",
    "www-authenticate",
    "server",
    "content-encoding",
)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("status", [200, 307, 401, 424, 503])
def test_the_key_is_nowhere(
    library: str, status: int, server: ScriptedServer, image: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[Any] = []
    echoed = {name: f"Bearer {KEY}" for name in NAMES if status != 200 or name != "content-encoding"}
    server.steps = [Answer(status, boxes("cat") if status == 200 else b"", echoed)]
    hooks = Hooks(on_request=shown.append, on_response=shown.append, on_retry=shown.append)

    async def main() -> None:
        options = {"hooks": hooks, "retry": RetryPolicy(attempts=2, backoff=0)}
        async with detecting(library, server.url, key=KEY, **options) as detect:
            try:
                found = await detect(image)
                shown.extend([found, found.call, found.model_dump_json()])
            except AutoMLVisionError as error:
                shown.extend([str(error), vars(error), error.args])

    with caplog.at_level(logging.DEBUG, logger="automl_cv_client"):
        asyncio.run(main())
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert shown
    assert KEY not in f"{shown!r}{[vars(event) if hasattr(event, '__dict__') else event for event in shown]!r}"
    assert KEY not in caplog.text
