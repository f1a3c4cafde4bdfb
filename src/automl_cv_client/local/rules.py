"""What an endpoint on this machine is told to be: its deployments, and the service's rules it keeps (§6, §7)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local.faults import Fault, read_fault

Authentication = Literal["key", "aml_token", "aad_token"]
Wire = Literal[
    "1.62", "1.51", "1.47", "legacy", "huggingface", "catalogue-huggingface", "mmdetection", "doubly-encoded"
]
"""Which version of the service's server answers, and so how a request and its reply are written; see ``wires.py``."""


@dataclass(frozen=True, kw_only=True)
class LocalDeployment:
    """One deployment of a local endpoint.

    Attributes:
        name: what ``azureml-model-deployment`` calls it.
        model: its own ONNX file; by default the endpoint's model.
        labels: its own ``labels.json``; by default the one beside its model.
        traffic: percent of the requests that name no deployment; None for 100 of the first one and 0 of the others.
        mirror: percent of the traffic that is scored here, too; the answers are thrown away.
        instances: how many there are; with 0, requests fail with ``too_few_model_instance``.
        concurrency: ``max_concurrent_requests_per_instance``: of more than 2 x concurrency x instances requests in
            flight the rest get 429. None for any number.
        request_timeout: seconds a request may take before it gets 408; None for any time. The service's default is 5.
        cold_start: seconds after the start in which requests fail with ``model_not_ready``.
        wire: the version of the service's server that answers.
    """

    name: str
    model: str | os.PathLike[str] | None = None
    labels: str | os.PathLike[str] | None = None
    traffic: int | None = None
    mirror: int = 0
    instances: int = 1
    concurrency: int | None = None
    request_timeout: float | None = None
    cold_start: float = 0.0
    wire: Wire = "1.62"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidInput('a deployment needs a name, such as "blue"')
        for what, percent in (("traffic", self.traffic or 0), ("mirror", self.mirror)):
            if not 0 <= percent <= 100:
                raise InvalidInput(f"{what} of {self.name} is a percentage, 0 to 100, not {percent}")
        if self.instances < 0 or (self.concurrency is not None and self.concurrency < 1):
            raise InvalidInput(f"{self.name} cannot have {self.instances} instances of {self.concurrency} requests")
        if self.request_timeout is not None and not 0 < self.request_timeout <= 180:
            raise InvalidInput(f"request_timeout of {self.name} is above 0 and at most 180 seconds, as the service's")
        if self.wire not in get_args(Wire):
            raise InvalidInput(f"wire of {self.name} is one of {', '.join(get_args(Wire))}, not {self.wire!r}")

    @property
    def most_in_flight(self) -> int | None:
        """The request after this many gets 429."""
        return None if self.concurrency is None else 2 * self.concurrency * self.instances


@dataclass(frozen=True, kw_only=True)
class EndpointRules:
    """What the front end of a local endpoint does.

    Attributes:
        auth: what lets a request in: a key, a token of the workspace, or a token of Entra ID.
        token_seconds: how long a token that is given out is good.
        requests_per_second: above it, 429; the service's quota is 500. None for any number.
        bytes_per_second: above it, 429; the service's quota is 5,000,000. None for any number.
        max_body_bytes: larger bodies get 413.
        faults: what goes wrong on purpose, such as ``"status=503:0.1"``; see ``faults.py``.
        seed: of everything that is left to chance: traffic, mirroring and faults.
        front_end: False for a bare container, as of a local deployment in Docker: no key, and its own statuses in
            place of 424.
    """

    auth: Authentication = "key"
    token_seconds: float = 3600.0
    requests_per_second: float | None = None
    bytes_per_second: float | None = None
    max_body_bytes: int = 200_000_000
    faults: Sequence[str] = ()
    seed: int = 0
    front_end: bool = True

    def __post_init__(self) -> None:
        if self.auth not in get_args(Authentication):
            raise InvalidInput(f"auth is one of {', '.join(get_args(Authentication))}, not {self.auth!r}")
        for name in ("token_seconds", "requests_per_second", "bytes_per_second", "max_body_bytes"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InvalidInput(f"{name} must be above 0, not {value}")
        if isinstance(self.faults, str):
            raise InvalidInput('faults is a list of texts, such as ["status=503:0.1"]')
        self.read_faults()

    def read_faults(self) -> list[Fault]:
        """The faults. Raises InvalidInput for a text that is none."""
        return [read_fault(text) for text in self.faults]


def deployments_of(given: Sequence[str | LocalDeployment]) -> tuple[LocalDeployment, ...]:
    """Deployments with their share of the traffic. Raises InvalidInput for none, two of a name, or another sum."""
    if isinstance(given, str) or not given or not all(given):
        raise InvalidInput('deployments must be names, one or more, such as ("blue", "green")')
    deployments = tuple(LocalDeployment(name=each) if isinstance(each, str) else each for each in given)
    names = [deployment.name for deployment in deployments]
    if len(set(names)) < len(names):
        raise InvalidInput(f"two deployments have the same name: {', '.join(names)}")
    total = sum(deployment.traffic or 0 for deployment in deployments)
    if total not in (0, 100):
        raise InvalidInput(f"the traffic of all deployments is {total} %: it must be 100, or 0 for none")
    return deployments


def shares_of(deployments: Sequence[LocalDeployment]) -> dict[str, int]:
    """Percent of the traffic by name."""
    if all(deployment.traffic is None for deployment in deployments):
        return {deployment.name: 100 * (number == 0) for number, deployment in enumerate(deployments)}
    return {deployment.name: deployment.traffic or 0 for deployment in deployments}
