"""A Flask application whose client has scored before the workers are forked, as under ``gunicorn --preload``."""

from __future__ import annotations

import asyncio
import os

import flask

from automl_cv_client import AsyncClient, Client

URL = os.environ["PRELOADED_URL"]
client = Client(URL, "the-key")
awaited = AsyncClient(URL, "the-key")


async def warm_up() -> None:
    await awaited.warm_up()


client.warm_up()
asyncio.run(warm_up())

app = flask.Flask(__name__)


@app.post("/blocking")
def score() -> str:
    return client.detect(flask.request.get_data())[0].label


@app.post("/awaited")
def score_awaited() -> str:
    async def main() -> str:
        return (await awaited.detect(flask.request.get_data()))[0].label

    return asyncio.run(main())
