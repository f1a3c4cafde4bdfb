"""Policies and parameters: a wrong value is InvalidInput, where a person writes it; pydantic's own error elsewhere."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from automl_cv_client import ImagePolicy, RetryPolicy, UrlRules, XaiParameters, errors
from automl_cv_client._options_base import Options
from automl_cv_client.settings import EndpointSettings, WorkspaceSettings

WRONG: list[tuple[type[Options], dict[str, Any], str]] = [
    (XaiParameters, {"n_steps": 1}, "^XaiParameters: n_steps must be 2 or more, not 1$"),
    (ImagePolicy, {"quality": 0}, "^ImagePolicy: quality must be 1 or more, not 0$"),
    (ImagePolicy, {"urls": {"redirects": 99}}, r"^ImagePolicy: urls\.redirects must be 10 or less, not 99$"),
    (UrlRules, {"seconds": 0}, "^UrlRules: seconds must be above 0, not 0$"),
    (
        RetryPolicy,
        {"attempts": 0, "backoff": -1},
        "attempts must be 1 or more, not 0; backoff must be 0 or more, not -1$",
    ),
    (EndpointSettings, {"scoring_uri": ""}, "^EndpointSettings: scoring_uri must be text of 1 or more characters$"),
    (WorkspaceSettings, {"workspace": "w", "endpoint": "e"}, "^WorkspaceSettings: subscription_id is missing; "),
    (ImagePolicy, {"color": "grey"}, "^ImagePolicy: color must be 'rgb' or 'bgr', not 'grey'$"),
    (RetryPolicy, {"attempts": "many"}, "^RetryPolicy: attempts must be a whole number$"),
    (XaiParameters, {"visualizations": 1}, "^XaiParameters: visualizations must be True or False, not 1$"),
    (XaiParameters, {"n_step": 60}, r"^XaiParameters\(\) has no argument 'n_step': did you mean 'n_steps'\?$"),
    (RetryPolicy, {"tries": 3}, r"^RetryPolicy\(\) has no argument 'tries': it takes attempts, backoff, "),
]


@pytest.mark.parametrize(("kind", "values", "words"), WRONG)
def test_a_wrong_value_is_invalid_input_and_names_itself(
    kind: type[Options], values: dict[str, Any], words: str
) -> None:
    with pytest.raises(errors.InvalidInput, match=words) as caught:
        kind(**values)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "values", "words"), WRONG)
def test_pydantic_and_web_frameworks_get_the_error_they_know(
    kind: type[Options], values: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(values)

    class Body(BaseModel):
        choice: kind  # type: ignore[valid-type]

    with pytest.raises(ValidationError, match=r"choice\."):
        Body.model_validate({"choice": values})


def test_all_choices_are_covered() -> None:
    assert {kind for kind, _, _ in WRONG} == set(Options.__subclasses__())


def test_a_choice_is_a_value() -> None:
    policy = RetryPolicy(attempts=7)
    assert policy == copy.deepcopy(policy) == pickle.loads(pickle.dumps(policy)) != RetryPolicy()
    assert RetryPolicy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize("kind", sorted(Options.__subclasses__(), key=str))
def test_help_shows_the_options_before_and_after_their_first_use(kind: type[Options]) -> None:
    code = (
        f"import inspect; from {kind.__module__} import {kind.__name__} as kind; "
        "print(*inspect.signature(kind).parameters); kind.model_rebuild(); print(*inspect.signature(kind).parameters)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [" ".join(kind.model_fields)] * 2


def test_a_key_is_never_in_the_message() -> None:
    key = "canary0Key4That5Must6Never7Show8Anywhere"
    with pytest.raises(errors.InvalidInput) as caught:
        EndpointSettings(scoring_uri="", key=key, deployment=7)  # type: ignore[arg-type]
    assert key not in str(caught.value)
