"""The objects of a result that have a place: servers may send NaN or infinity, which other tools choke on."""

from __future__ import annotations

import math
from typing import TypeVar, cast

from automl_cv_client.results import Detections, Instances

ObjectsT = TypeVar("ObjectsT", bound=Detections | Instances)


def placed(result: ObjectsT) -> ObjectsT:
    """The result without the objects whose boxes are not finite."""
    return cast(ObjectsT, result.filter(lambda one: all(map(math.isfinite, one.box))))
