"""The clouds of Azure: where each gives out tokens, is managed, and what its tokens are for; values only.

Addresses: https://learn.microsoft.com/azure/developer/identity/authentication-national-clouds and
https://learn.microsoft.com/azure/machine-learning/reference-machine-learning-cloud-parity
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from automl_cv_client._protocol.endpoint import checked_uri
from automl_cv_client.errors import InvalidInput

AUTHORITY, RESOURCE_MANAGER = "AZURE_AUTHORITY_HOST", "AUTOML_CV_RESOURCE_MANAGER"


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud of Azure.

    Attributes:
        name: as ``az cloud list`` has it.
        authority: Entra ID's address.
        resource_manager: Azure Resource Manager's address, without a slash at its end.
        scoring_scope: what a token for scoring is asked for.
    """

    name: str
    authority: str
    resource_manager: str
    scoring_scope: str

    @property
    def management_scope(self) -> str:
        """What a token for Resource Manager is asked for."""
        return f"{self.resource_manager}/.default"


PUBLIC = Cloud(
    "AzureCloud",
    "https://login.microsoftonline.com",
    "https://management.azure.com",
    "https://ml.azure.com/.default",
)
"""The public cloud."""
CHINA = Cloud(
    "AzureChinaCloud",
    "https://login.chinacloudapi.cn",
    "https://management.chinacloudapi.cn",
    "https://ml.azure.cn/.default",
)
"""Azure in China, operated by 21Vianet."""
US_GOVERNMENT = Cloud(
    "AzureUSGovernment",
    "https://login.microsoftonline.us",
    "https://management.usgovcloudapi.net",
    "https://ml.azure.us/.default",
)
"""Azure for the US Government."""
CLOUDS = (PUBLIC, CHINA, US_GOVERNMENT)


def cloud_for(scoring_uri: str) -> Cloud:
    """The cloud a scoring URI belongs to by its host; for other hosts that of ``AZURE_AUTHORITY_HOST``."""
    try:
        host = urlsplit(scoring_uri).hostname or ""
    except (ValueError, TypeError, AttributeError):
        host = ""  # what is no URI is refused elsewhere, with a better message
    for cloud in CLOUDS:
        if host.endswith("." + (urlsplit(cloud.scoring_scope).hostname or "")):
            return cloud
    return cloud_from_env()


def cloud_from_env(environ: Mapping[str, str] | None = None) -> Cloud:
    """The cloud of ``AZURE_AUTHORITY_HOST`` (azure-identity's variable), the public one by default.

    ``AUTOML_CV_RESOURCE_MANAGER`` gives another address of Resource Manager, for private clouds.

    Raises:
        InvalidInput: the address is not https.
    """
    variables = os.environ if environ is None else environ
    authority = variables.get(AUTHORITY, "").strip()
    host = urlsplit(authority if "//" in authority else f"https://{authority}").hostname
    found = next((cloud for cloud in CLOUDS if urlsplit(cloud.authority).hostname == host), PUBLIC)
    manager = variables.get(RESOURCE_MANAGER, "").strip().rstrip("/")
    if not manager:
        return found
    try:
        checked = checked_uri(manager)
    except InvalidInput:
        pass
    else:
        return Cloud(found.name, found.authority, checked, found.scoring_scope)
    raise InvalidInput(f"{RESOURCE_MANAGER} must be an https address such as {PUBLIC.resource_manager}")
