"""The base of what callers choose, such as a policy: frozen, checked, with complaints in the package's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from automl_cv_client.errors import InvalidInput


class Options(BaseModel, frozen=True):
    """Frozen options, given by name. A wrong value or an unknown name raises InvalidInput, which names it.

    ``model_validate`` and other models that hold a choice raise pydantic's ``ValidationError``, as web frameworks
    expect of them. Subclasses repeat ``frozen=True``: type checkers read it class by class.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)

    if not TYPE_CHECKING:  # type checkers know the names and types of the fields

        def __init__(self, /, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                problem = _in_words(type(self).__name__, error)
            else:
                return
            raise InvalidInput(problem)  # out of the handler: pydantic's error holds the values

        __init__.__pydantic_base_init__ = True  # pydantic's checker need not call it for a choice inside another model


def _in_words(name: str, error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return f"{name}: " + "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in found)
