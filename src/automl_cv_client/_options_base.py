"""The base of what callers choose, such as a policy: frozen, checked, with complaints in the package's own words."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from automl_cv_client._keywords import unknown_keyword
from automl_cv_client.errors import InvalidInput

_WANTED = {
    "bool_parsing": "True or False",
    "bool_type": "True or False",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "below {lt:g}",
    "less_than_equal": "{le:g} or less",
    "literal_error": "{expected}",
    "model_type": "{class_name}(…)",
    "string_too_short": "text of {min_length} or more characters",
    "string_type": "text",
    "tuple_type": "a tuple or list",
}
"""What an option must be, by the type of pydantic's error; its own message stands for any other type."""


class Options(BaseModel, frozen=True):
    """Frozen options, given by name. A wrong value or an unknown name raises InvalidInput, which names it.

    ``model_validate`` and other models that hold options raise pydantic's ``ValidationError``, as web frameworks
    expect of them. Subclasses repeat ``frozen=True``: type checkers read it class by class.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", defer_build=True)

    if not TYPE_CHECKING:  # type checkers know the names and types of the fields

        def __init__(self, /, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                problem = _problem(type(self), error)
            else:
                return
            del values
            raise problem  # out of the handler: pydantic's error holds the values

        __init__.__pydantic_base_init__ = True  # pydantic's checker need not call it for options inside another model

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        # Until a class is built, at its first use, pydantic shows the signature of __init__: (**values).
        fields = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if field.is_required() else field.default,
                annotation=field.annotation,
            )
            for name, field in cls.model_fields.items()
        ]
        setattr(cls, "__signature__", Signature(fields))  # noqa: B010 - a type checker takes it for a field


def _problem(kind: type[Options], error: ValidationError) -> InvalidInput:
    complaints = error.errors(include_url=False)
    for complaint in complaints:
        if complaint["type"] == "extra_forbidden" and len(complaint["loc"]) == 1:
            return unknown_keyword(f"{kind.__name__}()", str(complaint["loc"][0]), kind.model_fields)
    return InvalidInput(f"{kind.__name__}: " + "; ".join(map(_in_words, complaints)))


def _in_words(complaint: Mapping[str, Any]) -> str:
    """One complaint of pydantic. Its value is shown only where it cannot be a secret."""
    name = ".".join(map(str, complaint["loc"])) or "the whole"
    kind, value = complaint["type"], complaint["input"]
    if kind == "missing":
        return f"{name} is missing"
    if kind == "extra_forbidden":
        return f"{name} is unknown"
    if kind not in _WANTED:
        return f"{name}: {complaint['msg']}"
    wanted = _WANTED[kind].format_map(complaint.get("ctx", {}))
    shown = f", not {value!r}" if isinstance(value, int | float) or kind == "literal_error" else ""
    return f"{name} must be {wanted}{shown}"
