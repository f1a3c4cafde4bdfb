"""What the workspace tells about a deployment of the endpoint."""

from __future__ import annotations

from automl_cv_client._record import Record


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
