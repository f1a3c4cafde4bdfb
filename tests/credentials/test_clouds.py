"""Each cloud has its own scope; the host of the scoring URI tells which cloud it is."""

from __future__ import annotations

import pytest

from automl_cv_client import Client, errors
from automl_cv_client.credentials import CHINA, PUBLIC, US_GOVERNMENT, Cloud, cloud_for, cloud_from_env
from automl_cv_client.credentials.keys import KeyCredential


class Asked:
    """A TokenCredential that only remembers."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **options: object) -> object:
        self.scopes += scopes
        raise ValueError("no token here")


HOSTS = {
    "cats.westeurope.inference.ml.azure.com": (PUBLIC, "https://ml.azure.com/.default"),
    "cats.chinanorth3.inference.ml.azure.cn": (CHINA, "https://ml.azure.cn/.default"),
    "cats.usgovvirginia.inference.ml.azure.us": (US_GOVERNMENT, "https://ml.azure.us/.default"),
    "cats.example.org": (PUBLIC, "https://ml.azure.com/.default"),
    "notml.azure.cn": (PUBLIC, "https://ml.azure.com/.default"),
}


@pytest.mark.parametrize(("host", "expected"), HOSTS.items(), ids=HOSTS)
def test_a_client_asks_for_its_clouds_scope(host: str, expected: tuple[Cloud, str], image: bytes) -> None:
    identity = Asked()
    with (
        Client(f"https://{host}/score", identity) as client,  # type: ignore[arg-type]
        pytest.raises(errors.AuthenticationFailed, match=expected[1]),
    ):
        client.detect(image)
    assert identity.scopes == [expected[1]]
    assert cloud_for(f"https://{host}/score") == expected[0]


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("", PUBLIC),
        ("login.chinacloudapi.cn", CHINA),
        ("https://login.microsoftonline.us/", US_GOVERNMENT),
        ("https://login.example.org", PUBLIC),
    ],
)
def test_the_authority_of_azure_identity_tells_the_cloud(authority: str, expected: Cloud) -> None:
    assert cloud_from_env({"AZURE_AUTHORITY_HOST": authority}) == expected


def test_management_scopes() -> None:
    assert [cloud.management_scope for cloud in (PUBLIC, CHINA, US_GOVERNMENT)] == [
        "https://management.azure.com/.default",
        "https://management.chinacloudapi.cn/.default",
        "https://management.usgovcloudapi.net/.default",
    ]


def test_a_resource_manager_of_a_private_cloud() -> None:
    cloud = cloud_from_env({"AUTOML_CV_RESOURCE_MANAGER": "https://management.local.example/"})
    assert cloud.management_scope == "https://management.local.example/.default"
    with pytest.raises(errors.InvalidInput, match="AUTOML_CV_RESOURCE_MANAGER must be an https address"):
        cloud_from_env({"AUTOML_CV_RESOURCE_MANAGER": "http://management.local.example"})


@pytest.mark.parametrize("uri", [None, 5, "https://[", "no uri"])
def test_what_is_no_uri_is_refused_as_such(uri: object) -> None:
    with pytest.raises(errors.InvalidInput, match=r"(?i)scoring.uri"):
        Client(uri)  # type: ignore[arg-type]


def test_two_keys_are_taken_as_they_are() -> None:
    keys = KeyCredential("first", "second")
    with Client("https://cats.example.org/score", keys) as client:
        assert client._backend.credential is keys
