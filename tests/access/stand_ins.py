"""Loopback stand-ins of Entra ID, Azure Resource Manager and a scoring endpoint, over TLS, that keep what they saw."""

from __future__ import annotations

import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from automl_cv_client.credentials import Cloud
from tests.access.jwts import for_audience, jwt, unjwt
from tests.servers import boxes

SUBSCRIPTION, GROUP, WORKSPACE, ENDPOINT = "11111111-2222-3333-4444-555555555555", "group", "work", "cats"
NAMES = (SUBSCRIPTION, GROUP, WORKSPACE, ENDPOINT)
TOLD: dict[str, Any] = {"instances": 2, "requests_at_once": 8, "request_timeout": 90.0}
"""What Resource Manager tells of each managed deployment here."""
SCOPE = "https://ml.azure.com/.default"
Answered = tuple[int, dict[str, str], Any]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class StandIn:
    """A threaded server on loopback; ``answer`` turns a request into status, headers and body."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        stand_in = self

        class Handler(_Handler):
            owner = stand_in

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://localhost:{self._server.server_address[1]}"

    def answer(self, request: Seen) -> Answered:
        raise NotImplementedError

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Entra(StandIn):
    """Gives out tokens for any identity, each with a number; ``revoked`` makes it refuse."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(tls)
        self.numbers = itertools.count(1)
        self.lifetime = 3600
        self.revoked = False
        self.pause = 0.0
        self.granted: list[tuple[str, dict[str, str]]] = []  # scope or resource, and the form

    def answer(self, request: Seen) -> Answered:
        if request.path.endswith("/.well-known/openid-configuration"):
            base = self.url + request.path.removesuffix("/v2.0/.well-known/openid-configuration")
            return (
                200,
                {},
                {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                },
            )
        if self.revoked:
            return 401, {}, {"error": "invalid_client", "error_description": "AADSTS7000222: keys are expired"}
        time.sleep(self.pause)
        if request.path.endswith("/msi/token"):
            return self._grant(request.query["resource"], request.query)
        return self._grant(request.form["scope"], request.form)

    def _grant(self, scope: str, form: dict[str, str]) -> Answered:
        with self.lock:
            number = next(self.numbers)
            self.granted.append((scope, form))
        token = jwt({"aud": scope.removesuffix("/.default"), "n": number, "exp": int(time.time()) + self.lifetime})
        end = int(time.time()) + self.lifetime
        return 200, {}, {
            "token_type": "Bearer", "expires_in": self.lifetime, "expires_on": str(end), "access_token": token,
        }  # fmt: skip


class ResourceManager(StandIn):
    """One endpoint of one workspace. Accepts tokens for itself alone."""

    def __init__(self, tls: ssl.SSLContext | None, scoring_uri: str = "https://unset") -> None:
        super().__init__(tls)
        self.scoring_uri = scoring_uri
        self.mode = "Key"
        self.state = "Succeeded"
        self.traffic = {"blue": 90, "green": 10}
        self.deployments = {"blue": "Succeeded", "green": "Succeeded", "red": "Failed"}
        self.computes = {"red": "Kubernetes"}
        self.keys = ["primary-0123456789abcdefghij", "secondary-0123456789abcdefghij"]
        self.aml_tokens = itertools.count(1)
        self.aml_lifetime = 3600.0
        self.refresh_after = 1800.0
        self.forbidden: set[str] = set()
        self.pages = False

    @property
    def asked(self) -> list[str]:
        """What was asked for, in order: ``endpoint``, ``listKeys``, ``token``, ``deployments``."""
        return [request.path.split("/onlineEndpoints/")[-1].partition("/")[2] or "endpoint" for request in self.seen]

    def answer(self, request: Seen) -> Answered:
        audience = json.loads(unjwt(request.bearer)).get("aud") if request.bearer else None
        if audience != self.url:
            return refusal(401, "InvalidAuthenticationToken", f"the audience is {audience}")
        root = (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.MachineLearningServices"
            f"/workspaces/{WORKSPACE}/onlineEndpoints/{ENDPOINT}"
        )
        if not request.path.startswith(root) or "api-version" not in request.query:
            return refusal(404, "ResourceNotFound", "no such resource")
        action = request.path.removeprefix(root).strip("/") or "endpoint"
        if action in self.forbidden:
            return refusal(403, "AuthorizationFailed", f"the client may not {action}")
        return 200, {}, getattr(self, f"_{action}")(request)

    def _endpoint(self, request: Seen) -> Any:
        properties = {
            "scoringUri": self.scoring_uri, "authMode": self.mode, "provisioningState": self.state,
            "traffic": self.traffic, "mirrorTraffic": {}, "swaggerUri": None, "properties": {},
        }  # fmt: skip
        return {"id": "/x/y", "name": ENDPOINT, "location": "westeurope", "tags": {}, "properties": properties}

    def _listKeys(self, request: Seen) -> Any:
        assert request.method == "POST"
        return {"primaryKey": self.keys[0], "secondaryKey": self.keys[1]}

    def _token(self, request: Seen) -> Any:
        now = int(time.time())
        return {
            "accessToken": f"aml-token-{next(self.aml_tokens)}", "tokenType": "Bearer",
            "expiryTimeUtc": now + self.aml_lifetime, "refreshAfterTimeUtc": now + self.refresh_after,
        }  # fmt: skip

    def _deployments(self, request: Seen) -> Any:
        found = [
            {
                "id": f"{request.path}/{name}", "name": name, "location": "westeurope", "tags": {},
                "sku": {"name": "Default", "capacity": 2},
                "properties": {
                    "endpointComputeType": self.computes.get(name, "Managed"), "provisioningState": state,
                    "properties": {}, "instanceType": "Standard_DS3_v2", "scaleSettings": {"scaleType": "Default"},
                    "requestSettings": {
                        "maxConcurrentRequestsPerInstance": 2, "requestTimeout": "PT1M30S", "maxQueueWait": "PT0.5S",
                    },
                    "containerResourceRequirements": {"containerResourceRequests": {"cpu": "1", "memory": "1Gi"}},
                    "model": "azureml:cats:1", "environmentVariables": {}, "appInsightsEnabled": False,
                },
            }
            for name, state in self.deployments.items()
        ]  # fmt: skip
        if not self.pages:
            return {"value": found}
        page = int(request.query.get("page", "0"))
        more = {"nextLink": f"{self.url}{request.path}?api-version=x&page={page + 1}"} if page + 1 < len(found) else {}
        return {"value": found[page : page + 1], **more}


class Endpoint(StandIn):
    """A scoring endpoint that finds a cat, and takes the tokens or keys ``accepts`` says yes to."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(tls)
        self.accepts: Callable[[str], bool] = for_audience("https://ml.azure.com")
        self.known_deployments = {"blue", "green"}
        self.before: Callable[[Seen], Answered | None] = lambda request: None

    @property
    def scoring_uri(self) -> str:
        return f"{self.url}/score"

    @property
    def deployments(self) -> list[str | None]:
        """The deployment each request asked for."""
        return [request.headers.get("azureml-model-deployment") for request in self.seen]

    def answer(self, request: Seen) -> Answered:
        if not self.accepts(request.bearer):
            return 401, {}, {"message": "bad token"}
        asked = request.headers.get("azureml-model-deployment", "blue")
        if asked not in self.known_deployments:
            return 404, {}, b""
        early = self.before(request)
        if early is not None:
            return early
        if request.path == "/swagger.json":
            return 200, {}, {"swagger": "2.0", "info": {"title": "cats"}}
        return 200, {"azureml-model-deployment": asked, "x-ms-request-id": "id-1"}, boxes("cat")


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: StandIn
    timeout = 60.0
    wbufsize = -1  # head and body in one segment: else each answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def _do(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        request = Seen(self.command, parts.path, query, headers, body)
        with self.owner.lock:
            self.owner.seen.append(request)
        status, more, content = self.owner.answer(request)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(data)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@dataclass
class Azure:
    """All three, trusting one another."""

    entra: Entra
    manager: ResourceManager
    endpoint: Endpoint
    plain_entra: Entra = field(repr=False)

    @property
    def cloud(self) -> Cloud:
        return Cloud("Loopback", self.entra.url, self.manager.url, SCOPE)


def refusal(status: int, code: str, message: str) -> Answered:
    """An error as Resource Manager words it."""
    return status, {}, {"error": {"code": code, "message": message}}
