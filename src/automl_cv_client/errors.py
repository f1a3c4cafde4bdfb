"""
Everything this package raises on purpose:

    * AutoMLVisionError
      x InvalidInput             yours to fix; nothing was sent
        + ImageError               the image is unreadable, truncated, too large, or of a wrong dtype
        + PassedOverWarning        a warning: a conversion of training data left something out
        + UnsupportedTask          the task cannot do this, e.g. an explanation of a detection
      x CallError                a request was sent, or was to be
        x TransportError           no answer came back
          + ConnectionFailed         no connection, or it broke
          + TimedOut                 one attempt took longer than ``timeout``
          + DeadlineExceeded         the whole call took longer than ``deadline``
        x StatusError              an answer came back, and it says no
          + AuthenticationFailed     401
          + PermissionDenied         403
          + EndpointNotFound         404
          + PayloadTooLarge          413
          + ModelError               424: the container behind the endpoint failed
          + Throttled                429
          + ServiceUnavailable       500, 502, 503, 504
        x UnexpectedReply          an answer of status 200 that is not what the task returns
          + ImageDropped             the server could not read this image and left it out
      x BatchError               a batch job cannot go on

Every error holds plain values only and can be pickled. None holds a secret or an image.

And one more warning: ManyClassesWarning, an explanation of so many classes that it may take too long.
"""

from __future__ import annotations

from typing import Any, Self


class AutoMLVisionError(Exception):
    """Base class of every error this package raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle by their positional arguments; ours have keyword ones too.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[AutoMLVisionError], args: tuple[Any, ...], state: dict[str, Any]) -> AutoMLVisionError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidInput(AutoMLVisionError):
    """An argument cannot be used. Nothing was sent."""


class PassedOverWarning(InvalidInput, UserWarning):
    """A conversion of training data is done, and something of the source is in no row; the message says what and why.

    Where warnings are errors it is one of ours, as under ``strict=True``.
    """


class ImageError(InvalidInput):
    """The image cannot be read, is truncated, has too many pixels, or a dtype with no clear meaning."""


class UnsupportedTask(InvalidInput):
    """The task cannot do what was asked. Nothing was sent."""


class CallError(AutoMLVisionError):
    """Common to the errors of a call that left this machine: how the call went.

    Attributes:
        attempts: requests sent for this call, at least 1 once something was sent.
        elapsed: seconds since the call began, pauses included.
        client_request_id: what we sent as ``x-ms-client-request-id``; quote it to the service's support.
    """

    def __init__(
        self, message: str, *, attempts: int = 0, elapsed: float = 0.0, client_request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.attempts: int = attempts
        self.elapsed: float = elapsed
        self.client_request_id: str | None = client_request_id

    def add(self, *, attempts: int, elapsed: float, client_request_id: str | None) -> Self:
        """The same error, with how its call went."""
        self.attempts = attempts
        self.elapsed = elapsed
        self.client_request_id = client_request_id
        return self

    def __str__(self) -> str:
        story = [*self._story()]
        if self.attempts > 1:
            story.append(f"{self.attempts} attempts in {self.elapsed:.1f} s")
        if self.client_request_id:
            story.append(f"client request id {self.client_request_id}")
        return f"{self.message} [{', '.join(story)}]" if story else self.message

    def _story(self) -> list[str]:
        return []


class TransportError(CallError):
    """No usable answer came back."""


class ConnectionFailed(TransportError):
    """No connection could be made, or it broke before the answer was whole.

    Attributes:
        retryable: False when another try cannot help, as with a bad certificate.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        attempts: int = 0,
        elapsed: float = 0.0,
        client_request_id: str | None = None,
    ) -> None:
        super().__init__(message, attempts=attempts, elapsed=elapsed, client_request_id=client_request_id)
        self.retryable = retryable


class TimedOut(TransportError):
    """One attempt took longer than ``timeout`` seconds."""


class DeadlineExceeded(TransportError):
    """The whole call, with its retries and pauses, took longer than ``deadline`` seconds."""


class StatusError(CallError):
    """The endpoint answered with a status other than 200.

    Attributes:
        status: the HTTP status.
        model_status: status of the container behind the front end (``ms-azureml-model-error-statuscode``), for 424.
        reason: ``ms-azureml-model-error-reason``, such as ``model_error`` or ``model_not_ready``, for 424;
            ``scoring_script_raised`` where a container without a front end says so itself.
        request_id: the service's id of the request (``x-ms-request-id``).
        deployment: the deployment that answered, or the one that was asked for.
        retry_after: seconds the service asked to wait, if it did.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        model_status: int | None = None,
        reason: str | None = None,
        request_id: str | None = None,
        deployment: str | None = None,
        retry_after: float | None = None,
        attempts: int = 0,
        elapsed: float = 0.0,
        client_request_id: str | None = None,
    ) -> None:
        super().__init__(message, attempts=attempts, elapsed=elapsed, client_request_id=client_request_id)
        self.status = status
        self.model_status = model_status
        self.reason = reason
        self.request_id = request_id
        self.deployment = deployment
        self.retry_after = retry_after

    def _story(self) -> list[str]:
        story = []
        if self.deployment:
            story.append(f"deployment {self.deployment}")
        if self.request_id:
            story.append(f"request id {self.request_id}")
        return story


class AuthenticationFailed(StatusError):
    """401: the key or token was refused."""


class PermissionDenied(StatusError):
    """403: the identity is known and may not score here."""


class EndpointNotFound(StatusError):
    """404: no such path, no such deployment, or no deployment with traffic."""


class PayloadTooLarge(StatusError):
    """413: the request body is larger than the endpoint takes."""


class Throttled(StatusError):
    """429: more requests at once, or per second, than the deployment takes."""


class ModelError(StatusError):
    """424: the container behind the endpoint answered with something other than 200."""


class ServiceUnavailable(StatusError):
    """500, 502, 503 or 504: the service, or on Kubernetes the scoring script, failed."""


class UnexpectedReply(CallError):
    """Status 200, and a body that is not what the task returns.

    Attributes:
        excerpt: at most 2 kB of the body, without secrets or images.
        request_id: the service's id of the request.
    """

    def __init__(
        self,
        message: str,
        *,
        excerpt: str = "",
        request_id: str | None = None,
        attempts: int = 0,
        elapsed: float = 0.0,
        client_request_id: str | None = None,
    ) -> None:
        super().__init__(message, attempts=attempts, elapsed=elapsed, client_request_id=client_request_id)
        self.excerpt = excerpt
        self.request_id = request_id

    def _story(self) -> list[str]:
        return [f"request id {self.request_id}"] if self.request_id else []


class ImageDropped(UnexpectedReply):
    """The server could not read this image and silently left it out of its reply."""


HOPELESS = (AuthenticationFailed, PermissionDenied, EndpointNotFound)
"""After one of these every other call would fail in the same way."""


def is_hopeless(error: BaseException | None) -> bool:
    """Whether every other call would fail in the same way: a refused credential, a missing role, no such endpoint.

    >>> is_hopeless(AuthenticationFailed("the key was refused", status=401))
    True
    """
    return isinstance(error, HOPELESS)


class BatchError(AutoMLVisionError):
    """A batch job cannot start, resume or go on."""


class ManyClassesWarning(UserWarning):
    """So many classes are explained at once that the service may run out of its time, 180 s at most."""
