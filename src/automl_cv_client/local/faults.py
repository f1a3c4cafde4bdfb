"""Faults on demand: which requests go wrong, and how. Seeded, so that a run can be repeated; no I/O.

A fault is written ``KIND=VALUE:SHARE``, the value where the kind has one, the share 1 where it is left out:

* ``status=503:0.1``: one request in ten gets this status; ``container=500`` is the container's, so 424;
* ``latency=0.2``: every answer comes 0.2 s later; ``latency=0.1-0.5`` spreads it evenly, ``latency=exp0.3``
  exponentially, with this mean;
* ``drop=1:0.2``: one row of the reply is left out without a word, as with an image the service cannot read;
* ``truncate:0.05``: the connection ends in the middle of the body;
* ``reset:0.05``: the connection is reset without an answer.
"""

from __future__ import annotations

import math
import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from automl_cv_client.errors import InvalidInput

HEADER = "x-automl-cv-fault"
"""Of a request: its own faults, separated by commas, in place of the endpoint's."""

_KINDS = ("status", "container", "latency", "drop", "truncate", "reset")
_WITHOUT_VALUE = ("truncate", "reset")
_FORM = re.compile(r"(?P<kind>[a-z]+)(?:=(?P<value>[^:]+))?(?::(?P<share>[0-9.]+))?")
_SPAN = re.compile(r"(?:exp(?P<mean>[0-9.]+)|(?P<low>[0-9.]+)(?:-(?P<high>[0-9.]+))?)")


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        kind: ``status``, ``container``, ``latency``, ``drop``, ``truncate`` or ``reset``.
        share: of the requests that have it, 0 to 1.
        low: the status, the rows, or the least seconds.
        high: the most seconds.
        mean: of exponential seconds; 0 for even ones.
    """

    kind: str
    share: float = 1.0
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0


@dataclass(frozen=True)
class Drawn:
    """What happens to one request.

    Attributes:
        status: the front end's answer; 0 for the true one.
        container: the status of the container's answer; 0 for the true one.
        seconds: that the answer comes later.
        rows: left out of the reply.
        broken: ``within`` the body, ``before`` any answer, or not at all.
    """

    status: int = 0
    container: int = 0
    seconds: float = 0.0
    rows: int = 0
    broken: str = ""


NOTHING = Drawn()


def read_fault(text: str) -> Fault:
    """A fault from its text. Raises InvalidInput, with the forms there are."""
    match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or match["kind"] not in _KINDS or (match["value"] is None) != (match["kind"] in _WITHOUT_VALUE):
        raise InvalidInput(
            f"{text!r} is no fault: write KIND=VALUE:SHARE, such as status=503:0.1, container=500, latency=0.1-0.5, "
            "latency=exp0.3, drop=1:0.2, truncate:0.05 or reset:0.05"
        )
    kind, share = match["kind"], _number(match["share"] or "1", text)
    if share > 1:
        raise InvalidInput(f"the share of {text!r} is 0 to 1")
    if kind in _WITHOUT_VALUE:
        return Fault(kind, share)
    if kind == "latency":
        span = _SPAN.fullmatch(match["value"])
        if span is None:
            raise InvalidInput(f"the seconds of {text!r} are 0.2, 0.1-0.5 or exp0.3")
        if span["mean"]:
            return Fault(kind, share, mean=_number(span["mean"], text))
        low = _number(span["low"], text)
        return Fault(kind, share, low, _number(span["high"], text) if span["high"] else low)
    value = _number(match["value"], text)
    if value != int(value) or not (400 <= value <= 599 or kind == "drop"):
        raise InvalidInput(f"the value of {text!r} is a whole number" + (" from 400 to 599" if kind != "drop" else ""))
    return Fault(kind, share, value)


class Faults:
    """Draws what happens to each request. Thread-safe.

    Args:
        faults: those of the endpoint.
        seed: the same seed gives the same faults to the same sequence of requests.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = tuple(faults)
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def draw(self, header: str = "") -> Drawn:
        """For a request with this header. Raises InvalidInput for a header that names no fault."""
        faults = [read_fault(text) for text in header.split(",")] if header else self._faults
        if not faults:
            return NOTHING
        values: dict[str, float] = {}
        broken = ""
        with self._lock:
            for fault in faults:
                chance, size = self._random.random(), self._random.random()  # both, hit or not: so runs stay alike
                if chance >= fault.share:
                    continue
                if fault.kind in _WITHOUT_VALUE:
                    broken = "before" if fault.kind == "reset" else broken or "within"
                else:
                    values[fault.kind] = _drawn(fault, size)
        return Drawn(
            int(values.get("status", 0)),
            int(values.get("container", 0)),
            values.get("latency", 0.0),
            int(values.get("drop", 0)),
            broken,
        )


def _drawn(fault: Fault, chance: float) -> float:
    if fault.mean:
        return -fault.mean * math.log1p(-chance)
    return fault.low + chance * (fault.high - fault.low) if fault.kind == "latency" else fault.low


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{text!r} in {whole!r} is no number") from None
