"""One image of many: its result, or the error that took its place."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import GenericAlias
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Never, NoReturn, cast

from automl_cv_client._notebook import Display, Displayed
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.results._result import Result

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar  # with a default

ResultT = TypeVar("ResultT", bound=Result, covariant=True, default=Result)
InputT = TypeVar("InputT", covariant=True, default=Any)

# What the other kind of outcome does not have is None, and mypy, for which MYPY is true, narrows by `if outcome.ok:`.
# pyright does not: it narrows by `outcome.ok is True`, by `match` and by `outcome.error is None`, but never by the
# truth of a member (microsoft/pyright#6113). It takes the last declaration, Never, which drops out of the union of
# both kinds; so there `outcome.result` is a result, asked for or not.
MYPY = False


class _Outcome(Displayed):
    """What ``Outcome`` is at run time: the base of both kinds, so that ``isinstance`` knows it.

    Called as both kinds are, it makes the one or the other.
    """

    def __new__(cls, *given: Any, **named: Any) -> Any:
        if cls is not _Outcome or not (given or named):
            return super().__new__(cls)
        error = named.get("error") if len(given) < 4 else given[3]
        kind: Any = Scored if error is None else Failed
        return super().__new__(kind)

    __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)

    def _display(self) -> Display:
        outcome = cast("Scored[Result] | Failed", self)
        title = f"image {outcome.index}: {_shown(outcome.input)}"
        if outcome.ok is True:
            return outcome.result._display()._replace(title=f"{title}: {outcome.result!r}")
        return Display(title, note=f"{type(outcome.error).__name__}: {outcome.error}")

    def __setstate__(self, state: list[Any]) -> None:
        """Take what versions before 0.1.0 pickled, when there was one kind."""
        made = _Outcome(*state)
        object.__setattr__(self, "__class__", type(made))
        vars(self).update(vars(made))


@dataclass(frozen=True, repr=False)
class Scored(_Outcome, Generic[ResultT, InputT]):
    """An image that has its result.

    Attributes:
        index: the image's place in the input, from 0.
        input: the image as it was given.
        result: what the endpoint said.
        error: None.
        ok: True.
    """

    index: int
    input: InputT
    result: ResultT
    if MYPY:
        error: None = None  # pyright: ignore[reportRedeclaration]
    else:
        error: Never = None  # pyright: ignore[reportAssignmentType]

    __match_args__ = ("result",)

    @property
    def ok(self) -> Literal[True]:
        """Whether there is a result: yes."""
        return True

    def unwrap(self) -> ResultT:
        """The result."""
        return self.result

    def __repr__(self) -> str:
        return f"Scored({self.index}, {_shown(self.input)}, {self.result!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Scored, (self.index, self.input, self.result)


@dataclass(frozen=True, repr=False)
class Failed(_Outcome, Generic[InputT]):
    """An image that has an error in place of its result.

    Attributes:
        index: the image's place in the input, from 0.
        input: the image as it was given.
        result: None.
        error: why there is no result.
        ok: False.
    """

    index: int
    input: InputT
    if MYPY:
        result: None = None  # pyright: ignore[reportRedeclaration]
    else:
        result: Never = None  # pyright: ignore[reportAssignmentType]
    error: AutoMLVisionError = cast(AutoMLVisionError, None)  # noqa: RUF009 - refused below

    __match_args__ = ("error",)

    def __post_init__(self) -> None:
        if not isinstance(self.error, AutoMLVisionError):
            raise TypeError("Failed needs an error of this package: Failed(index, input, error=…)")

    @property
    def ok(self) -> Literal[False]:
        """Whether there is a result: no."""
        return False

    def unwrap(self) -> NoReturn:
        """Raises :attr:`error`."""
        raise self.error

    def __repr__(self) -> str:
        return f"Failed({self.index}, {_shown(self.input)}, {self.error!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Failed, (self.index, self.input, None, self.error)


if TYPE_CHECKING:
    Outcome = Scored[ResultT, InputT] | Failed[InputT]
    """What became of one image: exactly one of ``result`` and ``error`` is set.

    ``if outcome.ok:`` tells, and so does ``match`` with :class:`Scored` and :class:`Failed`.
    """
else:
    Outcome = _Outcome


def _shown(image: object) -> str:
    """The input without its content: a result's repr ends up in logs."""
    from automl_cv_client._imaging import describe

    return describe(image)
