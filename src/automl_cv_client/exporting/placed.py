"""The objects of a result that have a place: servers may send NaN or infinity, which other tools choke on."""

from __future__ import annotations

import math
from typing import Any


def placed(result: Any) -> Any:
    """The result without the objects whose boxes are not finite."""
    return result.filter(lambda one: all(map(math.isfinite, one.box)))
