"""Many threads and tasks on one client: no header of one call in another, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from automl_cv_client import AsyncClient, Client, errors
from tests.servers import Answer, Received, ScriptedServer, Silence, boxes


class Echo(ScriptedServer):
    """Answers with the deployment it was asked for as the label."""

    def step_for(self, request: Received) -> Answer:
        deployment = request.headers.get("azureml-model-deployment", "none")
        return Answer(200, boxes(deployment), {"azureml-model-deployment": deployment})


@pytest.mark.bar(19)
@pytest.mark.parametrize("calls", [25, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_header_of_one_call_in_another(calls: int, image: bytes) -> None:
    server = Echo()
    server.start()
    with Client(server.url, "key") as client:

        def work(number: int) -> bool:
            mine = client.with_options(deployment=f"d{number}") if number % 4 else client
            expected = f"d{number}" if number % 4 else "none"
            return all(mine.detect(image)[0].label == expected for _ in range(calls))

        with ThreadPoolExecutor(32) as pool:
            assert all(pool.map(work, range(32)))
    server.stop()


@pytest.mark.bar(18)
def test_cancelled_calls_leave_nothing_behind(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Silence()]

    async def main() -> None:
        async with AsyncClient(server.url, "key") as client:
            tasks = [asyncio.create_task(client.detect(image)) for _ in range(50)]
            await asyncio.to_thread(server.wait_for, 30)
            for task in tasks:
                task.cancel()
            assert all(
                isinstance(outcome, asyncio.CancelledError)
                for outcome in await asyncio.gather(*tasks, return_exceptions=True)
            )
            server.steps = [Answer(200, boxes("cat"))]
            assert (await client.detect(image))[0].label == "cat"  # the pool is not used up
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect()  # a leaked socket would warn here, and warnings are errors


def test_with_options_shares_the_connections_and_leaves_the_first_client_alone(
    server: ScriptedServer, image: bytes
) -> None:
    server.steps = [Answer(200, boxes("cat"))]
    with Client(server.url, "key", deployment="blue") as client:
        green = client.with_options(deployment="green", timeout=30)
        client.detect(image)
        green.detect(image)
        client.with_options(deployment=None).detect(image)
    asked = [request.headers.get("azureml-model-deployment") for request in server.received]
    assert asked == ["blue", "green", None]
    with pytest.raises(errors.InvalidInput, match="closed"):
        green.detect(image)
