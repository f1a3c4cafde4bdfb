"""Turns what the user gives as ``credential`` into the Authorization header, and keeps it out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias, Union

from automl_cv_client.errors import InvalidInput

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential

CredentialInput: TypeAlias = Union[str, "AzureKeyCredential"]
"""What a client takes as ``credential``."""


class Credential(Protocol):
    """What a client asks for its Authorization header.

    Attributes:
        mode: ``key`` or ``token``, for messages.
    """

    mode: str

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        """The header's value; when ``refused`` is given, a fresher one or None.

        Args:
            refused: the value the service has just refused with 401.
            limit: seconds this may take.
        """
        ...

    async def authorize_async(self, refused: str | None, limit: float | None) -> str | None:
        """As :meth:`authorize`, awaited."""
        ...


class KeyCredential:
    """A key of the endpoint, and perhaps its second one, tried when the first is refused. Thread-safe."""

    mode = "key"

    def __init__(self, key: str, secondary: str | None = None) -> None:
        self._headers = [_bearer(key)] if secondary is None else [_bearer(key), _bearer(secondary)]

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        if refused is not None and refused == self._headers[0]:
            if len(self._headers) == 1:
                return None
            self._headers = self._headers[1:]  # the first key was changed at the endpoint: do not try it again
        return self._headers[0]

    async def authorize_async(self, refused: str | None, limit: float | None) -> str | None:
        return self.authorize(refused, limit)

    def __repr__(self) -> str:
        return "KeyCredential(<hidden>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled, as it holds a secret: make a new one in each process")


def credential_for(credential: Any) -> Credential:
    """The credential of what the user gave.

    Args:
        credential: a key as ``str``, or an ``azure.core.credentials.AzureKeyCredential``.

    Raises:
        InvalidInput: anything else, or a key that is empty or cannot stand in a header. The key is not shown.
    """
    if isinstance(credential, str):
        return KeyCredential(credential)
    if isinstance(getattr(credential, "key", None), str):  # AzureKeyCredential, without importing azure
        return KeyCredential(credential.key)
    raise InvalidInput(
        f"credential must be the endpoint's key as str, or an AzureKeyCredential; not {type(credential).__name__}"
    )


def _bearer(key: str) -> str:
    trimmed = key.strip()  # keys are pasted and read from files: a newline at the end is never meant
    if not trimmed:
        raise InvalidInput("the key is empty: copy it from the endpoint's page in the studio, tab 'Consume'")
    for position, letter in enumerate(trimmed):
        if not "!" <= letter <= "~":
            raise InvalidInput(
                f"the key has a character at position {position} (U+{ord(letter):04X}) that no key has: copy it again"
            )
    return f"Bearer {trimmed}"
