"""Web services of SDK v1: a POST with a key, whose reply is decoded JSON."""

from __future__ import annotations

import os
from typing import Any

import requests

from . import Workspace


class Webservice:
    """A deployed service: here the endpoint that the environment names."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.name = name
        self.scoring_uri = os.environ["AUTOML_CV_SCORING_URI"]

    def get_keys(self) -> tuple[str, str]:
        """The primary and the secondary key."""
        return os.environ["AUTOML_CV_KEY"], ""

    def run(self, input_data: str) -> Any:
        """Post the text and decode the reply."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.get_keys()[0]}"}
        answer = requests.post(self.scoring_uri, data=input_data, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()
