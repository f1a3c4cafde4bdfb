"""Reads the endpoint's address and key from environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from automl_cv_client.errors import InvalidInput

URI, KEY, DEPLOYMENT = "AUTOML_CV_SCORING_URI", "AUTOML_CV_KEY", "AUTOML_CV_DEPLOYMENT"


class EndpointSettings(BaseModel):
    """Where to score, and with what.

    Attributes:
        scoring_uri: ``AUTOML_CV_SCORING_URI``.
        key: ``AUTOML_CV_KEY``; hidden when shown.
        deployment: ``AUTOML_CV_DEPLOYMENT``; None for the endpoint's own choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    scoring_uri: str = Field(min_length=1)
    key: SecretStr | None = None
    deployment: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> EndpointSettings:
        """The settings in ``environ`` (default: this process's variables); empty variables count as missing.

        Raises:
            InvalidInput: ``AUTOML_CV_SCORING_URI`` is missing; the message names it.
        """
        variables = os.environ if environ is None else environ
        uri = variables.get(URI, "").strip()
        if not uri:
            raise InvalidInput(f"set {URI} to the endpoint's scoring URI (studio: Endpoints, tab 'Consume')")
        key = variables.get(KEY, "").strip()
        return cls(
            scoring_uri=uri,
            key=SecretStr(key) if key else None,
            deployment=variables.get(DEPLOYMENT, "").strip() or None,
        )

    def secret(self) -> str:
        """The key itself. Raises InvalidInput, naming the variable, when there is none."""
        if self.key is None:
            raise InvalidInput(f"set {KEY} to the endpoint's key (studio: Endpoints, tab 'Consume')")
        return self.key.get_secret_value()
