"""A scripted endpoint for tests: an httpx transport, an ASGI application, and a loopback server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from automl_cv_client._keywords import named_methods
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task, TaskInput, task_of
from automl_cv_client.testing.over_asgi import Receive, Scope, Send, serve_asgi
from automl_cv_client.testing.over_httpx import FakeTransport
from automl_cv_client.testing.over_sockets import SocketServer
from automl_cv_client.testing.replies import Reply
from automl_cv_client.testing.script import Script, Step
from automl_cv_client.testing.sent import SentRequest


@named_methods
class FakeEndpoint(FakeTransport):
    """An endpoint that answers by a script and remembers what it was asked. Thread-safe.

        fake = FakeEndpoint(throttled(retry_after=1), detections(("cat", 0.9, (0.1, 0.2, 0.5, 0.6))))
        with no_waiting(), fake.client() as client:
            assert client.detect(image)[0].label == "cat"
        fake.assert_sent(times=2)

    It is an httpx transport (``httpx.Client(transport=fake)``, which :meth:`client` does for you), an ASGI
    application, and within :meth:`serving` a server on loopback, for code that makes its own client.

    Args:
        steps: request number n gets step n; the last one repeats. A step is a result (for every image of the
            request), an answer of :mod:`automl_cv_client.testing` such as ``throttled()``, or a function from the
            :class:`SentRequest` to one of these. Without steps every image shows a cat, score 0.9. Classifications
            come with a small explanation where one is asked for.
        task: what :attr:`scoring_uri` serves; it matters only without steps.
        key: what requests must carry; others get 401.
        deployments: their names; the first has the traffic, unknown ones get 404.
    """

    def __init__(
        self,
        *steps: Step,
        task: TaskInput = Task.DETECTION,
        key: str = "fake-key",
        deployments: Sequence[str] = ("default",),
    ) -> None:
        self._task = task_of(task)
        self._script = Script(steps, key, deployments)
        self._server: SocketServer | None = None

    @property
    def key(self) -> str:
        """The key that is let in."""
        return self._script.key

    @property
    def scoring_uri(self) -> str:
        """Where to score the task it was made for."""
        return self.scoring_uri_of(self._task)

    def scoring_uri_of(self, task: TaskInput) -> str:
        """Where to score ``task``: on loopback within :meth:`serving`, else under a name only this fake knows."""
        base = "https://fake-endpoint.test" if self._server is None else self._server.base
        return f"{base}/{task_of(task).value}/score"

    def reply_with(self, *steps: Step) -> None:
        """Begin another script."""
        self._script.rewrite(steps)

    @property
    def requests(self) -> tuple[SentRequest, ...]:
        """All requests so far, refused ones too."""
        return tuple(self._script.requests)

    @property
    def last_request(self) -> SentRequest:
        """The latest request. Raises AssertionError when there was none."""
        if not self._script.requests:
            raise AssertionError("nothing was sent")
        return self._script.requests[-1]

    def assert_sent(
        self,
        *,
        times: int | None = None,
        images: int | None = None,
        deployment: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Fail unless something was sent, and as told.

        Args:
            times: requests in all, retries included; 0 is :meth:`assert_nothing_sent`.
            images: images in every request.
            deployment: asked for by every request.
            headers: in every request, names in lower case.
        """
        sent = self.requests
        if len(sent) != times if times is not None else not sent:
            raise AssertionError(f"{len(sent)} requests were sent, not {'any' if times is None else times}")
        for number, request in enumerate(sent, 1):
            _compare(number, "images", images, None if images is None else len(request.images))
            _compare(number, "deployment", deployment, request.deployment)
            for name, value in (headers or {}).items():
                _compare(number, f"header {name}", value, request.headers.get(name))

    def assert_nothing_sent(self) -> None:
        """Fail when anything was sent."""
        if self.requests:
            raise AssertionError(f"{len(self.requests)} requests were sent, the first to {self.requests[0].path}")

    def assert_script_done(self) -> None:
        """Fail when a step of the script was never asked for."""
        if self._script.left:
            raise AssertionError(f"{self._script.left} steps of the script were never asked for")

    def answer(self, request: SentRequest) -> Reply:
        """What the script says to a request."""
        return self._script.answer(request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        await serve_asgi(self.answer, scope, receive, send)

    @contextmanager
    def serving(self) -> Iterator[Self]:
        """While open, a real HTTP server on loopback; :attr:`scoring_uri` names it then."""
        if self._server is not None:
            raise InvalidInput("this fake endpoint is serving already")
        self._server = SocketServer(self.answer)
        try:
            yield self
        finally:
            self._server.stop()
            self._server = None

    def __repr__(self) -> str:
        return f"FakeEndpoint({self.scoring_uri!r}, {len(self.requests)} requests so far)"


def _compare(number: int, what: str, wanted: object, found: object) -> None:
    if wanted is not None and found != wanted:
        raise AssertionError(f"request {number} was sent with {what} {found!r}, not {wanted!r}")
