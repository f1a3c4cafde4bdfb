"""Policies and parameters: a wrong value is InvalidInput, where a person writes it; pydantic's own error elsewhere."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from automl_cv_client import ImagePolicy, RetryPolicy, UrlRules, XaiParameters, errors
from automl_cv_client._options_base import Options
from automl_cv_client.settings import EndpointSettings, WorkspaceSettings

WRONG: list[tuple[type[Options], dict[str, Any], str]] = [
    (XaiParameters, {"n_steps": 1}, "XaiParameters: n_steps: .*greater than or equal to 2"),
    (ImagePolicy, {"quality": 0}, "ImagePolicy: quality: .*greater than or equal to 1"),
    (ImagePolicy, {"urls": {"redirects": 99}}, "ImagePolicy: urls.redirects: .*less than or equal to 10"),
    (UrlRules, {"seconds": 0}, "UrlRules: seconds: .*greater than 0"),
    (RetryPolicy, {"attempts": 0, "backoff": -1}, "RetryPolicy: attempts: .*; backoff: .*"),
    (EndpointSettings, {"scoring_uri": ""}, "EndpointSettings: scoring_uri: .*at least 1 character"),
    (WorkspaceSettings, {"workspace": "w", "endpoint": "e"}, "WorkspaceSettings: subscription_id: Field required; "),
    (RetryPolicy, {"tries": 3}, "RetryPolicy: tries: Extra inputs are not permitted"),
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
    assert [*inspect.signature(RetryPolicy).parameters][:2] == ["attempts", "backoff"]


def test_a_key_is_never_in_the_message() -> None:
    key = "canary0Key4That5Must6Never7Show8Anywhere"
    with pytest.raises(errors.InvalidInput) as caught:
        EndpointSettings(scoring_uri="", key=key, deployment=7)  # type: ignore[arg-type]
    assert key not in str(caught.value)
