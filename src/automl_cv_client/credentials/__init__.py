"""Turns what the user gives as ``credential`` into the Authorization header, and keeps it out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from automl_cv_client.credentials.clouds import CHINA, PUBLIC, US_GOVERNMENT, Cloud, cloud_for, cloud_from_env
from automl_cv_client.credentials.contract import Credential, Secret
from automl_cv_client.credentials.keys import KeyCredential
from automl_cv_client.credentials.renewal import RenewedCredential
from automl_cv_client.credentials.tokens import is_awaited, is_token_credential, token_credential, token_error
from automl_cv_client.errors import InvalidInput

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential, TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential

TokenInput: TypeAlias = Union["TokenCredential", "AsyncTokenCredential"]
"""What can ask Entra ID for tokens."""

CredentialInput: TypeAlias = Union[str, KeyCredential, "AzureKeyCredential", TokenInput]
"""What a client takes as ``credential``."""

__all__ = [
    "CHINA",
    "PUBLIC",
    "US_GOVERNMENT",
    "Cloud",
    "Credential",
    "CredentialInput",
    "KeyCredential",
    "RenewedCredential",
    "Secret",
    "TokenInput",
    "cloud_for",
    "cloud_from_env",
    "credential_for",
    "is_token_credential",
    "refuse_awaited",
    "token_credential",
    "token_error",
]


def credential_for(credential: Any, scoring_uri: str = "", *, awaited: bool = True) -> Credential:
    """The credential of what the user gave.

    Args:
        credential: a key as ``str``, :class:`KeyCredential` (for two keys), an
            ``azure.core.credentials.AzureKeyCredential``, or a ``TokenCredential`` such as those of azure-identity,
            blocking or async. None for azure-identity's ``DefaultAzureCredential``.
        scoring_uri: its host tells the cloud, and so the scope of the tokens.
        awaited: whether an async credential can be used.

    Raises:
        InvalidInput: anything else, or a key that is empty or cannot stand in a header. The key is not shown.
    """
    if isinstance(credential, str):
        return KeyCredential(credential)
    if isinstance(credential, KeyCredential | RenewedCredential):
        return credential
    if credential is None or is_token_credential(credential):
        if not awaited:
            refuse_awaited(credential)
        cloud = cloud_for(scoring_uri)
        return token_credential(credential, cloud.scoring_scope, cloud)
    if isinstance(getattr(credential, "key", None), str):  # AzureKeyCredential, without importing azure
        return KeyCredential(credential.key)
    raise InvalidInput(
        "credential must be the endpoint's key as str, an AzureKeyCredential, or a TokenCredential such as "
        f"azure.identity.DefaultAzureCredential(); not {type(credential).__name__}"
    )


def refuse_awaited(credential: object, instead: str = "use it with AsyncClient") -> None:
    """Raises InvalidInput for an async credential, which cannot be used where nothing is awaited.

    Args:
        credential: anything.
        instead: what to do with an async one, for the message.
    """
    if is_awaited(credential):
        name = type(credential).__name__
        raise InvalidInput(
            f"{name} is an async credential: {instead}, or give the {name} of azure.identity "
            "(not azure.identity.aio) here"
        )
