"""The doctor finds what is wrong with an endpoint on loopback, each time with its own advice, and shows no secret."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from automl_cv_client import Task, errors
from automl_cv_client.cli.app import app
from automl_cv_client.doctor import Finding, Report, examine
from automl_cv_client.local import LocalEndpoint
from tests.access.jwts import jwt
from tests.access.stand_ins import ENDPOINT, NAMES, Azure, Endpoint
from tests.access.test_identities import managed
from tests.cli.conftest import runner
from tests.servers import Answer, ScriptedServer, boxes

KEY = "primary-0123456789abcdefghij"


def states(report: Report) -> dict[str, str]:
    return {finding.check: finding.state for finding in report.findings}


def wrong_of(report: Report) -> Finding:
    """The one check that failed."""
    (found,) = (finding for finding in report.findings if finding.state == "failed")
    assert report.exit_code == 1
    assert found.advice
    return found


@pytest.fixture
def variables(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An endpoint by workspace and name, with a managed identity."""
    managed(azure, monkeypatch)
    names = dict(zip(("SUBSCRIPTION_ID", "RESOURCE_GROUP", "WORKSPACE", "ENDPOINT"), NAMES, strict=True))
    found = {f"AUTOML_CV_{name}": value for name, value in names.items()}
    found["AUTOML_CV_RESOURCE_MANAGER"] = azure.manager.url
    monkeypatch.setenv("AUTOML_CV_RESOURCE_MANAGER", azure.manager.url)
    return found


def test_a_real_model_on_this_machine() -> None:
    with LocalEndpoint("image-object-detection") as endpoint:
        report = examine(endpoint.scoring_uri, endpoint.key)
    assert set(states(report).values()) == {"ok"}, report
    assert "in the model" in report["scoring"].detail


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LocalEndpoint]:
    with LocalEndpoint.for_all_tasks() as running:
        yield running


class TestTask:
    """Whether the endpoint's model is of the task that is named."""

    @pytest.mark.parametrize("task", list(Task))
    def test_a_model_of_the_task(self, endpoint: LocalEndpoint, task: Task) -> None:
        report = examine(endpoint.scoring_uri_of(task), endpoint.key, task=task)
        assert set(states(report).values()) == {"ok"}, report
        assert report["model"].detail.startswith(f"answers as one of {task}, with ")

    @pytest.mark.parametrize(
        ("served", "named", "says"),
        [
            (Task.DETECTION, Task.CLASSIFICATION, "use detect"),
            (Task.CLASSIFICATION, Task.DETECTION, "use classify"),
            (Task.MULTILABEL, Task.SEGMENTATION, "class probabilities"),
        ],
    )
    def test_a_model_of_another_task(self, endpoint: LocalEndpoint, served: Task, named: Task, says: str) -> None:
        found = wrong_of(examine(endpoint.scoring_uri_of(served), endpoint.key, task=str(named)))
        assert (found.check, says in found.detail) == ("model", True)
        assert found.advice.startswith(f"this is no model of {named}")

    @pytest.mark.parametrize(
        ("probs", "task", "advice"),
        [
            ([0.9, 0.8], Task.CLASSIFICATION, "use classify-multilabel"),
            ([0.9, 0.1], Task.MULTILABEL, "use classify"),
        ],
    )
    def test_probabilities_tell_the_two_classifications_apart(
        self, server: ScriptedServer, probs: list[float], task: Task, advice: str
    ) -> None:
        server.steps = [Answer(body=json.dumps([{"probs": probs, "labels": ["cat", "dog"]}]).encode())]
        report = examine(server.url, KEY, task=task)
        assert (report["model"].state, report.ok) == ("warning", True)
        assert report["model"].advice.endswith(advice)

    def test_a_image_that_is_dropped(self, server: ScriptedServer) -> None:
        server.steps = [Answer(body=b"[]")]
        found = wrong_of(examine(server.url, KEY, task=Task.DETECTION))
        assert (found.check, "see the deployment's log" in found.advice) == ("model", True)

    def test_an_endpoint_that_fails_the_second_time(self, server: ScriptedServer) -> None:
        server.steps = [Answer(), Answer(body=boxes()), Answer(status=503)]
        found = wrong_of(examine(server.url, KEY, task=Task.DETECTION))
        assert (found.check, "503" in found.detail) == ("model", True)

    def test_without_a_score_there_is_no_model_to_look_at(self, server: ScriptedServer) -> None:
        server.steps = [Answer(status=401)]
        assert examine(server.url, KEY, task=Task.DETECTION)["model"].state == "skipped"
        assert "model" not in states(examine(server.url, KEY))
        closed = examine("http://127.0.0.1:9/score", KEY, task=Task.DETECTION)
        assert [finding.check for finding in closed.findings][-2:] == ["scoring", "model"]

    def test_an_unknown_task(self) -> None:
        with pytest.raises(errors.InvalidInput, match="image-object-detection"):
            examine("http://127.0.0.1:9/score", KEY, task="cats")


@pytest.mark.usefixtures("azure")
class TestByScoringUri:
    """With a key."""

    def test_all_well(self, azure: Azure) -> None:
        report = examine(azure.endpoint.scoring_uri, KEY)
        assert set(states(report).values()) == {"ok"}, report
        assert report.exit_code == 0
        assert "deployment blue" in report["scoring"].detail
        assert azure.endpoint.seen[0].bearer == ""  # the network is checked without the key

    def test_wrong_key(self, azure: Azure) -> None:
        found = wrong_of(examine(azure.endpoint.scoring_uri, "another-key-0123456789"))
        assert found.check == "scoring"
        assert "copy the key again" in found.advice

    def test_expired_token(self, azure: Azure) -> None:
        token = jwt({"aud": "https://ml.azure.com", "exp": int(time.time()) - 60})
        report = examine(azure.endpoint.scoring_uri, token)
        found = wrong_of(report)
        assert found.check == "authentication"
        assert "expired at" in found.detail
        assert "azure-identity" in found.advice
        assert states(report)["scoring"] == "skipped"

    def test_a_token_for_something_else(self, azure: Azure) -> None:
        token = jwt({"aud": "https://management.azure.com", "exp": int(time.time()) + 600})
        report = examine(azure.endpoint.scoring_uri, token)
        assert "ask for https://ml.azure.com/.default" in report["authentication"].advice

    def test_unknown_deployment(self, azure: Azure) -> None:
        found = wrong_of(examine(azure.endpoint.scoring_uri, KEY, deployment="gren"))
        assert "check the name 'gren'" in found.advice

    def test_endpoint_without_traffic(self, azure: Azure) -> None:
        azure.endpoint.known_deployments = set()
        assert "--traffic" in wrong_of(examine(azure.endpoint.scoring_uri, KEY)).advice

    def test_model_error(self, azure: Azure) -> None:
        headers = {"ms-azureml-model-error-statuscode": "500", "ms-azureml-model-error-reason": "model_error"}
        azure.endpoint.before = lambda request: (424, headers, b"") if request.path == "/score" else None
        found = wrong_of(examine(azure.endpoint.scoring_uri, KEY))
        assert "get-logs" in found.advice
        assert "AUTOML_CV_DIALECT" in found.advice  # what a model asked in the wrong form looks like, too
        assert len([request for request in azure.endpoint.seen if request.path == "/score"]) == 1  # one try, not five

    def test_a_wrong_dialect_is_named(self) -> None:
        with LocalEndpoint("image-classification") as endpoint:
            variables = {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri, "AUTOML_CV_KEY": endpoint.key}
            found = wrong_of(examine(environ={**variables, "AUTOML_CV_DIALECT": "huggingface"}))
        assert "'huggingface' is not how it wants to be asked" in found.advice

    def test_bad_certificate(self, azure: Azure) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)
        endpoint = Endpoint(context)
        found = wrong_of(examine(endpoint.scoring_uri, KEY))
        endpoint.stop()
        assert found.check == "tls"
        assert "SSL_CERT_FILE" in found.advice
        assert not endpoint.seen

    def test_closed_port(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            report = examine(f"https://127.0.0.1:{unused.getsockname()[1]}/score", KEY)
        assert wrong_of(report).check == "port"
        assert "firewall" in wrong_of(report).advice
        assert states(report)["tls"] == states(report)["scoring"] == "skipped"

    def test_a_name_without_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: Any, **__: Any) -> Any:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        found = wrong_of(examine("https://typo.inference.ml.azure.com/score", KEY))
        assert (found.check, "DNS zone" in found.advice) == ("dns", True)

    def test_a_proxy_is_named_and_is_what_is_reached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            monkeypatch.setenv("HTTPS_PROXY", f"http://user:proxy-secret@127.0.0.1:{port}")
            report = examine("https://cats.westeurope.inference.ml.azure.com/score", KEY)
        assert f"127.0.0.1:{port}" in report["proxy"].detail
        assert wrong_of(report).check == "port"
        assert "proxy-secret" not in str(report)

    @pytest.mark.parametrize("status", [401, 403, 404, 408, 413, 424, 429, 500])
    def test_the_key_shows_nowhere(self, azure: Azure, status: int) -> None:
        azure.endpoint.before = lambda request: (status, {}, {"message": f"you sent {request.bearer}"})
        report = examine(azure.endpoint.scoring_uri + "?sig=a-signature", KEY)
        assert not report.ok
        for secret in (KEY, "a-signature"):
            assert secret not in str(report) + report.model_dump_json() + repr(report)

    def test_every_advice_is_another(self, azure: Azure) -> None:
        advice = set()
        for status in (403, 404, 408, 413, 424, 429, 500):
            azure.endpoint.before = lambda request, status=status: (status, {}, b"")  # type: ignore[misc]
            advice.add(examine(azure.endpoint.scoring_uri, KEY)["scoring"].advice)
        assert len(advice) == 7

    def test_an_argument_that_cannot_be_used(self) -> None:
        with pytest.raises(errors.InvalidInput, match="https"):
            examine("ftp://host/score", KEY)
        with pytest.raises(errors.InvalidInput, match="AUTOML_CV_SCORING_URI"):
            examine(environ={})


class TestByWorkspace:
    """Looked up, with a managed identity."""

    def test_all_well(self, azure: Azure, variables: dict[str, str]) -> None:
        report = examine(environ=variables)
        assert set(states(report).values()) == {"ok"}, report
        assert "blue 90 %" in report["deployments"].detail
        assert "mode key" in report["authentication"].detail

    def test_unknown_deployment_names_the_known_ones(self, azure: Azure, variables: dict[str, str]) -> None:
        report = examine(environ={**variables, "AUTOML_CV_DEPLOYMENT": "gren"})
        assert report["traffic"].advice == "use one of: blue, green, red"

    def test_no_traffic(self, azure: Azure, variables: dict[str, str]) -> None:
        azure.manager.traffic = {}
        azure.endpoint.known_deployments = set()
        assert "--traffic blue=100" in examine(environ=variables)["traffic"].advice

    def test_a_deployment_that_failed(self, azure: Azure, variables: dict[str, str]) -> None:
        assert "get-logs -n red" in examine(environ=variables, deployment="red")["traffic"].advice

    def test_no_such_endpoint(self, azure: Azure, variables: dict[str, str]) -> None:
        report = examine(environ={**variables, "AUTOML_CV_ENDPOINT": "dogs"})
        assert wrong_of(report).check == "workspace"
        assert "there is no such endpoint" in report["workspace"].detail

    def test_no_identity_at_all(self, azure: Azure, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        azure.plain_entra.revoked = True
        report = examine(environ=variables)
        assert wrong_of(report).check == "workspace"
        assert f"{azure.manager.url}/.default" in report["workspace"].detail

    def test_tokens_name_their_scope(self, azure: Azure, variables: dict[str, str]) -> None:
        azure.manager.mode = "AADToken"
        azure.endpoint.accepts = lambda token: True
        assert "scope https://ml.azure.com/.default, token until" in examine(environ=variables)["authentication"].detail


class TestCommand:
    """``automl-cv doctor``."""

    @pytest.fixture(autouse=True)
    def _wide(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "200")

    def run(self, *arguments: str, **variables: str) -> Any:
        return runner().invoke(app, ["doctor", *arguments], env=variables, prog_name="automl-cv")

    def test_text(self, azure: Azure) -> None:
        done = self.run("--uri", azure.endpoint.scoring_uri, AUTOML_CV_KEY=KEY)
        assert done.exit_code == 0, done.output
        assert "ok       scoring" in done.stdout
        assert KEY not in done.output

    def test_json_and_exit_code(self, azure: Azure) -> None:
        done = self.run("--uri", azure.endpoint.scoring_uri, "--json", AUTOML_CV_KEY="wrong-key-0123456789")
        assert done.exit_code == 1
        report = Report.model_validate_json(done.stdout)
        assert wrong_of(report).check == "scoring"
        assert json.loads(done.stdout)["findings"][0]["check"] == "proxy"
        assert "wrong-key" not in done.output

    def test_by_workspace(self, azure: Azure, variables: dict[str, str]) -> None:
        manager = variables["AUTOML_CV_RESOURCE_MANAGER"]
        named = ("--subscription", NAMES[0], "--resource-group", NAMES[1], "--workspace", NAMES[2])
        done = self.run(*named, "--endpoint", ENDPOINT, AUTOML_CV_RESOURCE_MANAGER=manager, AUTOML_CV_KEY="other")
        assert done.exit_code == 0, done.output
        assert "endpoint cats of workspace work" in done.stdout

    def test_a_task_is_looked_at_too(self, azure: Azure) -> None:
        task = ("--task", "image-object-detection", "--json")
        done = self.run("--uri", azure.endpoint.scoring_uri, *task, AUTOML_CV_KEY=KEY)
        assert done.exit_code == 0, done.output
        assert Report.model_validate_json(done.stdout)["model"].state == "ok"

    def test_missing_settings(self) -> None:
        done = self.run()
        assert done.exit_code == 2
        assert "AUTOML_CV_SCORING_URI" in done.stderr


def test_a_report_to_paste_has_no_names(variables: dict[str, str]) -> None:
    report = examine(environ=variables)
    text = report.shareable([*NAMES])
    private = {"blue", *NAMES}
    assert private & set(re.findall(r"[\w-]+", str(report)))
    assert not private & set(re.findall(r"[\w-]+", text)), text
    assert not [secret for secret in ("127.0.0.1", "http://", KEY) if secret in text], text
    for finding in report.findings:
        assert f"{finding.check} " in text  # what was looked at, and what came of it, is still told


ABOUT = (
    "cats.westeurope.inference.ml.azure.com:443 is 20.1.2.3, 2603:1020:2:3::4; see https://x.example/a?sig=1, id "
    "11111111-2222-3333-4444-555555555555, deployment 'green', blue 90 % (Succeeded), config /home/me/work/config.json"
)


def test_what_identifies_somebody_is_replaced() -> None:
    finding = Finding(check="dns", state="failed", detail=ABOUT, advice="ask me@example.org about my-workspace")
    report = Report(endpoint="https://cats.westeurope.inference.ml.azure.com/score", findings=(finding,))
    text = report.shareable(["my-workspace"])
    for private in ("cats", "20.1", "2603", "example", "sig", "1111", "green", "blue", "home", "my-workspace"):
        assert private not in text, text
    assert "FAILED   dns" in text
