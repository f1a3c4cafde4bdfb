"""Azure on loopback: an Entra ID, a Resource Manager and an endpoint, whose certificates every library trusts."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.access.stand_ins import Azure, Endpoint, Entra, ResourceManager


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate authority as a file."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def trusted(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both HTTP libraries trust the authority: httpx ours, requests azure-identity's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))


@pytest.fixture
def azure(tls: ssl.SSLContext, trusted: None) -> Iterator[Azure]:
    endpoint = Endpoint(tls)
    manager = ResourceManager(tls, endpoint.scoring_uri)
    endpoint.accepts = lambda token: token in manager.keys
    all_ = Azure(Entra(tls), manager, endpoint, Entra(None))
    yield all_
    for stand_in in (all_.entra, manager, endpoint, all_.plain_entra):
        stand_in.stop()


@pytest.fixture(autouse=True)
def _no_identity_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own identity must not leak into the tests."""
    for name in [*os.environ]:
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "AZUREML_")):
            monkeypatch.delenv(name)
