"""What the workspace tells about a deployment of the endpoint."""

from __future__ import annotations

from automl_cv_client._record import Record


class Deployment(Record, frozen=True):
    """One deployment behind the endpoint.

    Attributes:
        name: give it as ``deployment=`` to send calls to it.
        traffic: percent of the calls without ``deployment=`` that it gets, 0 to 100.
        state: ``Succeeded`` when it is ready, else ``Creating``, ``Updating``, ``Deleting``, ``Failed``, ``Canceled``.
    """

    name: str
    traffic: int = 0
    state: str = ""
