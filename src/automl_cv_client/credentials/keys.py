"""Keys of an endpoint, which never expire, as Authorization headers; does no I/O."""

from __future__ import annotations

from typing import NoReturn

from automl_cv_client._frames import without_locals
from automl_cv_client.errors import InvalidInput


class KeyCredential:
    """A key of the endpoint, and perhaps its second one, tried when the first is refused. Thread-safe.

    Args:
        key: the primary key.
        secondary: the secondary key. With both, a client goes on while the keys are regenerated one by one.
    """

    mode = "key"
    scope: str | None = None

    @without_locals
    def __init__(self, key: str, secondary: str | None = None) -> None:
        self._headers = [bearer(key)] if secondary is None else [bearer(key), bearer(secondary)]

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        """The header of the first key, or of the second one once the first was refused."""
        if refused is not None and refused == self._headers[0]:
            if len(self._headers) == 1:
                return None
            self._headers = self._headers[1:]  # the first key was changed at the endpoint: do not try it again
        return self._headers[0]

    async def authorize_async(self, refused: str | None, limit: float | None) -> str | None:
        """As :meth:`authorize`; never waits."""
        return self.authorize(refused, limit)

    def close(self) -> None:
        """Nothing to close."""

    def __repr__(self) -> str:
        return "KeyCredential(<hidden>)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled, as it holds a secret: make a new one in each process")


def bearer(key: str) -> str:
    """The header's value for a key or token. Raises InvalidInput, without showing it, when it cannot be one."""
    trimmed = key.strip()  # keys are pasted and read from files: a newline at the end is never meant
    if not trimmed:
        raise InvalidInput("the key is empty: copy it from the endpoint's page in the studio, tab 'Consume'")
    for position, letter in enumerate(trimmed):
        if not "!" <= letter <= "~":
            raise InvalidInput(
                f"the key has a character at position {position} (U+{ord(letter):04X}) that no key has: copy it again"
            )
    return f"Bearer {trimmed}"
