"""An endpoint on this machine, to start and stop; loads its libraries when it is made, not on import."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from automl_cv_client._extras import need
from automl_cv_client._keywords import named_methods
from automl_cv_client.errors import InvalidInput
from automl_cv_client.local.rules import EndpointRules, LocalDeployment, deployments_of
from automl_cv_client.local.tokens import Tokens
from automl_cv_client.task import Task, TaskInput, task_of

if TYPE_CHECKING:
    from automl_cv_client.local.management import Management
    from automl_cv_client.local.models import Model
    from automl_cv_client.local.site import Site
    from automl_cv_client.local.web_server import WebServer

_LIBRARIES = ("numpy", "onnxruntime", "uvicorn", "automl_cv_client_models")


@named_methods
class LocalEndpoint:
    """A real HTTP server on loopback that scores with real models and answers as AutoML endpoints do.

        with LocalEndpoint("image-object-detection") as endpoint, Client(endpoint.scoring_uri, endpoint.key) as client:
            client.detect("cat.png")

    It can be started again after it was stopped. The models are demo models, loaded at the first request, or one of
    your own, an ONNX file that AutoML exported:

        LocalEndpoint("image-classification", model="model.onnx", labels="labels.json")

    Own classifiers are explained without gradients, by occlusion; the reply's header ``x-automl-cv-explainer`` says so.

    Args:
        task: the task to serve, or its AutoML name; None for all tasks, see ``for_all_tasks``.
        model: an exported ``model.onnx`` of any family: classification, Faster R-CNN, RetinaNet, YOLOv5, Mask R-CNN,
            or MMDetection by mmdeploy. Loaded here. Which family it is, is read from its inputs and outputs.
        labels: its ``labels.json``, a list of names; by default the one beside the model.
        normalized: whether the model normalises the image by itself (``enable_onnx_normalization``, or an export
            from a saved checkpoint); None to read it from the file.
        resize: for classification: pixels the shorter side was brought to in training; 256 for a crop of 224.
        crop: for classification: pixels of the crop in training, where the file leaves it open; 224 by default.
        key: what requests must carry as bearer token; random when left out.
        host: a loopback address. Others are refused: this is no server for the open network.
        port: 0 for a free one, another at each start.
        deployments: names, or a :class:`LocalDeployment` each, which may have its own model, traffic, instances,
            timeout and server version. Of names, the first has the traffic, and the header
            ``azureml-model-deployment`` reaches the others.
        max_in_flight: requests a deployment takes at once; those above get 429. A default deployment of the service
            takes 2. None for any number.
        rules: what the front end does: authentication, quotas, faults on purpose.
        control_plane: stand in for Resource Manager and a managed identity, too: see :attr:`variables`.

    Raises:
        InvalidInput: an argument cannot be used, such as a model that is none or has another number of labels.
        ModuleNotFoundError: the extra ``local`` is not installed.
    """

    def __init__(
        self,
        task: TaskInput | None,
        *,
        model: str | os.PathLike[str] | None = None,
        labels: str | os.PathLike[str] | None = None,
        normalized: bool | None = None,
        resize: int | None = None,
        crop: int | None = None,
        key: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        deployments: Sequence[str | LocalDeployment] = ("default",),
        max_in_flight: int | None = None,
        rules: EndpointRules | None = None,
        control_plane: bool = False,
    ) -> None:
        check_installed()
        self._paths = _paths(task)
        self.key: str = secrets.token_urlsafe(32) if key is None else _checked_key(key)
        self._host = _checked_host(host)
        self._port = port
        self._deployments = deployments_of(deployments)
        self._rules = EndpointRules() if rules is None else rules
        if max_in_flight is not None and max_in_flight < 1:
            raise InvalidInput(f"max_in_flight must be 1 or more, or None; it is {max_in_flight}")
        self._max_in_flight = max_in_flight
        self._models = self._loaded(model, labels, normalized, resize, crop)
        self._tokens = Tokens(self._rules.token_seconds)
        self._second_key = secrets.token_urlsafe(32)
        self._management = _management(self._tokens) if control_plane else None
        self._running: tuple[WebServer, Site] | None = None
        self._base = ""

    @classmethod
    def for_all_tasks(
        cls,
        *,
        key: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        deployments: Sequence[str | LocalDeployment] = ("default",),
        max_in_flight: int | None = None,
        rules: EndpointRules | None = None,
    ) -> Self:
        """One server for the four tasks, at ``/<task>/score``; ask ``scoring_uri_of(task)`` for each URI."""
        return cls(
            None, key=key, host=host, port=port, deployments=deployments, max_in_flight=max_in_flight, rules=rules
        )

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks served."""
        return tuple(self._paths)

    @property
    def scoring_uri(self) -> str:
        """Where to POST, such as ``http://127.0.0.1:54321/score``.

        Raises:
            InvalidInput: not started, or several tasks are served.
        """
        if len(self._paths) > 1:
            raise InvalidInput("this endpoint serves several tasks: ask scoring_uri_of(task)")
        return self.scoring_uri_of(self.tasks[0])

    def scoring_uri_of(self, task: TaskInput) -> str:
        """Where to POST for one of the tasks served.

        Raises:
            InvalidInput: not started, or the task is not served.
        """
        wanted = task_of(task)
        if wanted not in self._paths:
            raise InvalidInput(f"this endpoint does not serve {wanted.value}; it serves {', '.join(self._paths)}")
        self._check_running()
        return f"{self._base}{self._paths[wanted]}/score"

    @property
    def status_uri(self) -> str:
        """A page for people: requests, latencies, the last images. The address holds the key."""
        self._check_running()
        return f"{self._base}/status?key={self.key}"

    @property
    def has_control_plane(self) -> bool:
        """Whether it stands in for Resource Manager, too."""
        return self._management is not None

    @property
    def variables(self) -> dict[str, str]:
        """What to export so that ``from_workspace``, ``doctor`` and azure-identity come here; needs ``control_plane``.

        Raises:
            InvalidInput: not started, or without ``control_plane``.
        """
        self._check_running()
        if self._management is None:
            raise InvalidInput("this endpoint has no control plane: make it with control_plane=True")
        return self._management.variables()

    def token(self, scope: str = "https://ml.azure.com/.default") -> str:
        """A token as Entra ID gives out, for scoring unless another scope is named; ``workspace`` for an aml_token."""
        return self._tokens.issue(scope).token

    def start(self) -> Self:
        """Return once requests are answered; nothing happens when it runs already.

        Raises:
            InvalidInput: the port is taken.
        """
        if self._running is None:
            listening = _open_socket(self._host, self._port)
            try:
                self._running = self._serve(listening)
            except BaseException:
                listening.close()
                raise
        return self

    def stop(self) -> None:
        """Close the port; returns within about a second. Nothing happens when it does not run."""
        if self._running is not None:
            (server, site), self._running = self._running, None
            site.close()
            server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        served = ", ".join(self._paths)
        return f"LocalEndpoint({served}; {f'at {self._base}' if self._running else 'not running'})"

    def _serve(self, listening: socket.socket) -> tuple[WebServer, Site]:
        # Imported here, so that `import automl_cv_client.local` needs none of the extra's libraries.
        from automl_cv_client.local.front_end import FrontEnd
        from automl_cv_client.local.management import Managed
        from automl_cv_client.local.site import Site
        from automl_cv_client.local.web_server import WebServer

        self._base = _base_uri(listening)
        keys = (self.key, self._second_key)
        if self._management is not None:
            uri = f"{self._base}{self._paths[self.tasks[0]]}/score"
            self._management.managed = Managed(self._base, uri, keys, self._deployments, self._rules)
        front_end = FrontEnd(keys, self._deployments, self._rules, self._tokens, self._max_in_flight)
        site = Site(self._models, self._paths, self._deployments, front_end, self._rules, self._management)
        server = WebServer(site.app, listening)
        try:
            server.start()
        except BaseException:
            site.close()
            raise
        return server, site

    def _check_running(self) -> None:
        if self._running is None:
            raise InvalidInput("the endpoint is not running: use it in a with statement, or call start()")

    def _loaded(
        self,
        model: str | os.PathLike[str] | None,
        labels: str | os.PathLike[str] | None,
        normalized: bool | None,
        resize: int | None,
        crop: int | None,
    ) -> dict[tuple[Task, str], Model]:
        """What scores each task in each deployment: its own model, or the one they share."""
        from automl_cv_client.local.recognition import model_for
        from automl_cv_client.local.wires import check_wire

        own = model is not None or any(deployment.model is not None for deployment in self._deployments)
        if own and len(self._paths) > 1:
            raise InvalidInput(f"a model of your own needs its task, one of {', '.join(self.tasks)}")
        models = {}
        for task in self.tasks:
            prepared = partial(model_for, task, normalized=normalized, resize=resize, crop=crop)
            shared = prepared(model, labels)
            for deployment in self._deployments:
                check_wire(deployment.wire, task)
                mine = deployment.model is not None
                models[task, deployment.name] = prepared(deployment.model, deployment.labels) if mine else shared
        return models


def _management(tokens: Tokens) -> Management:
    from automl_cv_client.local.management import Management

    return Management(tokens)


def check_installed() -> None:
    """Do nothing when the extra ``local`` is there. Raises ModuleNotFoundError, naming what is missing."""
    need("local", *_LIBRARIES)


def _paths(task: TaskInput | None) -> dict[Task, str]:
    """Each task served, and the path prefix it is served under."""
    if task is None:
        return {each: f"/{each.value}" for each in Task}
    return {task_of(task): ""}


def _checked_key(key: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput("key must be printable ASCII without spaces, and not empty")
    return key


def _checked_host(host: str) -> str:
    """The loopback address a host stands for."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise InvalidInput(f"the local endpoint serves loopback only (127.0.0.1 or ::1), not {host!r}")
    return address


def _open_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off for such sockets only: 40 ms a reply.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this option would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        # Listening at once: two sockets may be bound to one port, but only one may listen.
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise InvalidInput(
            f"port {port} on {host} cannot be opened ({error}): leave port out to get a free one"
        ) from error
    return listening


def _base_uri(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
