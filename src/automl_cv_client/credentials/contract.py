"""What a client asks of any credential: an Authorization header, and a fresher one after a refusal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol


class Credential(Protocol):
    """What a client asks for its Authorization header.

    Attributes:
        mode: ``key``, ``aml_token`` or ``aad_token``: the service's names of the authentication modes.
        scope: what a token is for, such as ``https://ml.azure.com/.default``; None where there is no such thing.
    """

    mode: str
    scope: str | None

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

    def close(self) -> None:
        """Close what the credential opened itself; not what the user gave."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """A value of the Authorization header, and how long it serves.

    Attributes:
        header: ``Bearer …``; hidden when shown.
        renew_at: from when a new one should be fetched, in seconds since the epoch.
        expires_at: from when the service refuses it, in seconds since the epoch.
    """

    header: str = field(repr=False)
    renew_at: float = math.inf
    expires_at: float = math.inf
