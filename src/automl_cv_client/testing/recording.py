"""Records real traffic to a file without keys and images, and replays it offline."""

from __future__ import annotations

import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_cv_client._files import write_text
from automl_cv_client._keywords import named_methods
from automl_cv_client.errors import InvalidInput
from automl_cv_client.testing.over_httpx import AsyncRecordingTransport, FakeTransport, RecordingTransport, Verify
from automl_cv_client.testing.replies import Reply
from automl_cv_client.testing.scrubbing import clean_reply, clean_request, signature
from automl_cv_client.testing.sent import SentRequest

if TYPE_CHECKING:
    import httpx

FORMAT = "automl-cv-recording/1"


class Recorder:
    """Notes exchanges, clean of keys and images. Thread-safe. Made by :func:`record`."""

    def __init__(self) -> None:
        self._exchanges: list[dict[str, Any]] = []
        self._clients: list[httpx.Client] = []
        self._lock = threading.Lock()

    def http_client(self, *, verify: Verify = True, proxy: str | None = None) -> httpx.Client:
        """An ``httpx.Client`` that sends for real and notes, closed when the recording ends.

        Args:
            verify: as for ``httpx.Client``: a context of ``ssl``, or False to trust any certificate.
            proxy: the URL of a proxy; environment variables are not read.
        """
        from automl_cv_client._transports.libraries import httpx

        client = httpx.Client(transport=RecordingTransport(self._note, verify, proxy), trust_env=False)
        self._clients.append(client)
        return client

    def async_http_client(self, *, verify: Verify = True, proxy: str | None = None) -> httpx.AsyncClient:
        """As :meth:`http_client`, awaited; yours to close: ``async with recorder.async_http_client() as …``."""
        from automl_cv_client._transports.libraries import httpx

        return httpx.AsyncClient(transport=AsyncRecordingTransport(self._note, verify, proxy), trust_env=False)

    def close(self) -> None:
        """Close the blocking clients."""
        for client in self._clients:
            client.close()

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        text = json.dumps({"format": FORMAT, "exchanges": self._exchanges}, indent=1)
        write_text(path, text + "\n")

    def _note(self, request: SentRequest, reply: Reply) -> None:
        exchange = {"request": clean_request(request), "reply": clean_reply(reply, request.key)}
        with self._lock:
            self._exchanges.append(exchange)


@contextmanager
def record(path: str | os.PathLike[str]) -> Iterator[Recorder]:
    """Record real traffic: give ``recorder.http_client()`` to the client; the file is written at the end.

    with record("cat.json") as recorder:
        Client(uri, key, http_client=recorder.http_client()).detect("cat.jpg")

    The file holds statuses, scores, a few named headers, and a SHA-256 of each image. It holds no key, no host
    name and no image; an image in a reply (an explanation) becomes one grey pixel. Labels and scores stay.
    Nothing is written when the block ends with an exception.
    """
    recorder = Recorder()
    try:
        yield recorder
    finally:
        recorder.close()
    recorder.write(Path(path))


@named_methods
class Replay(FakeTransport):
    """Answers from a recording, offline. The same question gets its recorded answers in order, the last repeats.

    Questions are the same when deployment, images (as sent, by hash) and explanation parameters are. An image
    that the client has to decode and encode again may hash differently under another version of Pillow.

    Args:
        path: a file written by :func:`record`.

    Raises:
        InvalidInput: the file is no recording.
    """

    @property
    def scoring_uri(self) -> str:
        """An address that only this recording knows."""
        return "https://replay.test/score"

    @property
    def key(self) -> str:
        """Any key is let in."""
        return "no-key-needed"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._name = Path(path).name
        self._answers: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._lock = threading.Lock()
        for exchange in _exchanges(Path(path)):
            self._answers[signature(exchange["request"])].append(exchange["reply"])

    def answer(self, request: SentRequest) -> Reply:
        """The recorded answer. Raises AssertionError for a question that was not recorded."""
        asked = signature(clean_request(request))
        with self._lock:
            answers = self._answers.get(asked)
            if not answers:
                raise AssertionError(f"{self._name} holds no answer to this request: record it again ({asked[:300]})")
            reply = answers.pop(0) if len(answers) > 1 else answers[0]
        return Reply(reply["status"], reply["body"].encode(), reply["headers"])


def _exchanges(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as a recording: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InvalidInput(f"{path} is not a recording of format {FORMAT}")
    exchanges: list[dict[str, Any]] = content["exchanges"]
    return exchanges
