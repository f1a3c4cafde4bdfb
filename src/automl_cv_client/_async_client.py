"""The client for event loops: the same flows as the blocking one, awaited."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, Unpack, cast, overload

from automl_cv_client._flow import scoring, service
from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.plan import Plan, RetryPolicy
from automl_cv_client._flow.run import run_async
from automl_cv_client._imaging import ImageInput, ImagePolicy
from automl_cv_client._options import (
    DEADLINE,
    TIMEOUT,
    CallOptions,
    changed_plan,
    checked_threshold,
    is_several,
    new_plan,
    task_of,
)
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client._transports.backends import AsyncWorld
from automl_cv_client.credentials import CredentialInput, credential_for
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detections,
    Health,
    Instances,
    MultilabelClassification,
    Outcome,
    Result,
)
from automl_cv_client.settings import EndpointSettings
from automl_cv_client.task import Task

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class AsyncClient:
    """Scores pictures with one deployed model of AutoML for Images, awaited. Make one an event loop and keep it.

    Connections are opened at the first call and shared by all calls. Use it in an ``async with`` block, or call
    :meth:`close`.

    Args:
        scoring_uri: the endpoint's scoring URI, ``https://<endpoint>.<region>.inference.ml.azure.com/score``.
        credential: the endpoint's key as ``str``, or an ``azure.core.credentials.AzureKeyCredential``.
        deployment: send every call to this deployment; by default the endpoint's traffic rules choose.
        timeout: seconds one attempt may take, from connecting to the last byte. The service itself stops
            scoring after at most 180 s.
        deadline: seconds a whole call may take, retries and pauses included; None for no bound.
        retry: how often and how patiently to try again.
        images: how pictures are read and prepared.
        dialect: how the endpoint wants to be asked; only for old or Hugging Face deployments.
        strict: refuse replies of other server versions and with unknown keys, instead of reading them.
        allow_http: allow plain http to another machine, for private networks. Loopback is always allowed.
        http_client: a configured ``httpx.AsyncClient`` (or one with its interface) to send with. It stays yours to
            close.

    Raises:
        InvalidInput: an argument cannot be used; nothing is sent.
    """

    def __init__(
        self,
        scoring_uri: str,
        credential: CredentialInput,
        *,
        deployment: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect = "automl",
        strict: bool = False,
        allow_http: bool = False,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        from automl_cv_client._transports.httpx import AsyncHttpxTransport  # httpx takes 60 ms to import

        authorizer = credential_for(credential)
        self._plan = new_plan(
            scoring_uri,
            authorizer.mode,
            allow_http=allow_http,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=RetryPolicy() if retry is None else retry,
            images=ImagePolicy() if images is None else images,
            dialect=dialect,
            strict=strict,
        )
        self._world = AsyncWorld(authorizer, AsyncHttpxTransport(http_client))

    @classmethod
    def from_env(cls) -> Self:
        """A client from the variables ``AUTOML_CV_SCORING_URI``, ``AUTOML_CV_KEY`` and ``AUTOML_CV_DEPLOYMENT``.

        Raises:
            InvalidInput: a variable is missing; the message names it.
        """
        settings = EndpointSettings.from_env()
        return cls(settings.scoring_uri, settings.secret(), deployment=settings.deployment)

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """A copy with other options that shares the connections, the credential and the retry budget.

        Args:
            options: any of ``deployment``, ``timeout``, ``deadline``, ``retry``, ``images``, ``dialect``, ``strict``.
        """
        return self._with_plan(changed_plan(self._plan, **options))

    async def classify(self, image: ImageInput) -> Classification:
        """The probability of every class, for a multi-class model.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (RGB), or a data URI.

        Raises:
            ImageError: the picture cannot be read; nothing was sent.
            StatusError: the endpoint said no. TransportError: no answer came.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the picture.
        """
        return cast(Classification, await self._score_one(image, Task.CLASSIFICATION))

    async def classify_multilabel(self, image: ImageInput, *, threshold: float = 0.5) -> MultilabelClassification:
        """The probability of every label, for a multi-label model. Arguments and errors as :meth:`classify`.

        Args:
            image: as for :meth:`classify`.
            threshold: the probability above which :meth:`MultilabelClassification.above` counts a label as present.
        """
        return cast(MultilabelClassification, await self._score_one(image, Task.MULTILABEL, threshold))

    async def detect(self, image: ImageInput) -> Detections:
        """The objects in the picture, each with label, score and box. Arguments and errors as :meth:`classify`."""
        return cast(Detections, await self._score_one(image, Task.DETECTION))

    async def segment(self, image: ImageInput) -> Instances:
        """The objects in the picture with their outlines. Arguments and errors as :meth:`classify`."""
        return cast(Instances, await self._score_one(image, Task.SEGMENTATION))

    @overload
    async def score(
        self, images: list[ImageInput] | tuple[ImageInput, ...], task: Task | str, *, threshold: float = 0.5
    ) -> list[Outcome[Result]]: ...
    @overload
    async def score(self, images: ImageInput, task: Task | str, *, threshold: float = 0.5) -> Result: ...
    async def score(
        self, images: ImageInput | Sequence[ImageInput], task: Task | str, *, threshold: float = 0.5
    ) -> Result | list[Outcome[Result]]:
        """Score one picture, or several in one request, for a task held in a variable.

        Args:
            images: one picture as for :meth:`classify`; or a list or tuple of them, sent together.
            task: :class:`Task`, or AutoML's name of it such as ``"image-object-detection"``.
            threshold: for multi-label, as in :meth:`classify_multilabel`.

        Returns:
            For one picture its result. For a list one :class:`Outcome` a picture, in order: a picture that cannot be
            read, here or by the server, is an error in its own place and does not harm the others.
        """
        kind, limit = task_of(task), checked_threshold(threshold)
        if is_several(images):
            several = cast("Sequence[ImageInput]", images)
            return await self._run(scoring.score_together(several, kind, self._plan, limit))
        return await self._score_one(cast(ImageInput, images), kind, limit)

    async def health(self) -> Health:
        """Whether the endpoint answers and takes the credential: one small request, no model run, no retries."""
        return await self._run(service.health(self._plan))

    async def warm_up(self) -> CallInfo:
        """Get token, connection and model ready by scoring a tiny picture; raises what scoring would raise."""
        return await self._run(service.warm_up(self._plan))

    async def close(self) -> None:
        """Close the connections, also for the copies made by :meth:`with_options`."""
        await self._world.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        deployment = f", deployment={self._plan.deployment!r}" if self._plan.deployment else ""
        return f"{type(self).__name__}({shown(self._plan.url)!r}{deployment})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client is not pickled, as it holds a secret and connections: make one in each process")

    async def _score_one(self, image: Any, task: Task, threshold: float = 0.5) -> Result:
        return await self._run(scoring.score_one(image, task, self._plan, checked_threshold(threshold)))

    async def _run(self, flow: Flow[T]) -> T:
        return await run_async(flow, self._world)

    def _with_plan(self, plan: Plan) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, _plan=plan)
        return copy
