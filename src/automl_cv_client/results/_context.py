"""What is known of an endpoint: how a call went, whether it answers, and its deployments."""

from __future__ import annotations

from automl_cv_client._image_info import ImageInfo as ImageInfo  # pickled results name it here
from automl_cv_client._notebook import Display, Displayed, fields_of
from automl_cv_client._record import Record


class CallInfo(Record, frozen=True):
    """How the call went.

    Attributes:
        request_id: the service's id (``x-ms-request-id``, else ``x-request-id``).
        client_request_id: the id we sent (``x-ms-client-request-id``).
        deployment: the deployment that answered (``azureml-model-deployment``).
        attempts: requests sent, 1 when the first one succeeded.
        elapsed: seconds from the call to its reply, pauses included.
        model_time: seconds the model took by its own account (``x-ms-run-fn-exec-ms``, else
            ``ms-azureml-model-time``); None when not told.
        answered_by: ``endpoint``, or which model on this machine answered in its place, such as
            ``model.onnx, on this machine``; of old results the service, such as ``Custom Vision``.
    """

    request_id: str | None = None
    client_request_id: str | None = None
    deployment: str | None = None
    attempts: int = 1
    elapsed: float = 0.0
    model_time: float | None = None
    answered_by: str = "endpoint"


class Health(Record, Displayed, frozen=True):
    """Whether the endpoint answers and takes the credential.

    Attributes:
        ok: yes or no.
        status: HTTP status of the answer; None when none came.
        detail: what was found, and what to do about it.
        deployment: the deployment that answered.
        request_id: the service's id of the request.
        elapsed: seconds until the answer.
    """

    ok: bool
    status: int | None = None
    detail: str = ""
    deployment: str | None = None
    request_id: str | None = None
    elapsed: float = 0.0

    def __bool__(self) -> bool:
        return self.ok

    def _display(self) -> Display:
        return fields_of(self, self.__dict__)


class Deployment(Record, frozen=True):
    """One deployment behind the endpoint.

    Attributes:
        name: give it as ``deployment=`` to send calls to it.
        traffic: percent of the calls without ``deployment=`` that it gets, 0 to 100.
        state: ``Succeeded`` when it is ready, else ``Creating``, ``Updating``, ``Deleting``, ``Failed``, ``Canceled``.
        instances: machines it runs on; None where that changes by itself (Kubernetes, autoscale) or is not told.
        requests_at_once: requests it takes before it answers 429: twice ``maxConcurrentRequestsPerInstance`` on each
            instance, as one waits for each that is scored; None where it cannot be known. See ``concurrency="ask"``.
        request_timeout: seconds after which the service stops scoring; give some more as ``timeout=``. None where it is
            not told.
    """

    name: str
    traffic: int = 0
    state: str = ""
    instances: int | None = None
    requests_at_once: int | None = None
    request_timeout: float | None = None
