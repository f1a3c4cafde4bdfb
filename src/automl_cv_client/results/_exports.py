"""The methods that hand a result to other tools; each imports what it needs at the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automl_cv_client.annotations import AnnotatedImage

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import supervision
    from shapely.geometry.base import BaseGeometry


class Exports:
    """What all results can be written as."""

    def annotated(self) -> AnnotatedImage:
        """The result as plain values: every result has its own."""
        raise NotImplementedError

    def to_rows(self) -> list[dict[str, Any]]:
        """One dictionary an object, or of classification one a label; pixels are those of the upright image."""
        from automl_cv_client.formats.tables import rows_of

        return rows_of(self)

    def to_csv(self) -> str:
        """:meth:`to_rows` as CSV with a head; texts that spreadsheets would take for formulas are disarmed."""
        from automl_cv_client.formats.tables import columns_of, csv_of

        return csv_of(self.to_rows(), columns_of(self))

    def to_pandas(self) -> pandas.DataFrame:
        """:meth:`to_rows` as a ``pandas.DataFrame``."""
        return self._table("pandas")

    def to_polars(self) -> polars.DataFrame:
        """:meth:`to_rows` as a ``polars.DataFrame``."""
        return self._table("polars")

    def to_arrow(self) -> pyarrow.Table:
        """:meth:`to_rows` as a ``pyarrow.Table``."""
        return self._table("pyarrow")

    def to_training_row(self, image_url: str) -> dict[str, Any]:
        """A line of AutoML's training data for this image, to be written as JSON.

        Args:
            image_url: where training finds it, ``azureml://subscriptions/…/paths/…``.
        """
        from automl_cv_client.formats.training import training_row_of

        return training_row_of(self, image_url)

    def to_label_studio(self, image_url: str, *, model_version: str = "automl-cv-client") -> dict[str, Any]:
        """A Label Studio task with this result as its prediction; write a list of them as JSON and import it."""
        from automl_cv_client.formats.label_studio import label_studio_of

        return label_studio_of(self, image_url, model_version)

    def to_fiftyone(self) -> dict[str, Any]:
        """A FiftyOne label as JSON values: ``Detections``, ``Polylines`` or ``Classification(s)``."""
        from automl_cv_client.formats.fiftyone import fiftyone_of

        return fiftyone_of(self)

    def _table(self, library: str) -> Any:
        from automl_cv_client.formats.tables import columns_of, table

        return table(self.to_rows(), columns_of(self), library)


class ObjectExports(Exports):
    """What detections and instances can be written as besides."""

    def to_coco(self, image_id: int = 1, categories: Mapping[str, int] | None = None) -> dict[str, Any]:
        """A COCO dataset of this image. For several: :func:`automl_cv_client.formats.coco_of`.

        Args:
            image_id: the image's.
            categories: label to id; by default the labels that occur, sorted, count from 1.
        """
        from automl_cv_client.formats.coco import coco_of

        return coco_of([self], first_image_id=image_id, categories=categories)

    def to_yolo(self, names: Sequence[str], *, scores: bool = False) -> str:
        """The text of a YOLO label file.

        Args:
            names: the classes in the model's order; a label's place is its number.
            scores: also write the score, at the end of the line.

        Raises:
            InvalidInput: a label is not among the names.
        """
        from automl_cv_client.formats.yolo import yolo_of

        return yolo_of(self, names, scores=scores)

    def to_voc(self, file_name: str | None = None) -> str:
        """The text of a Pascal VOC annotation (XML); ``file_name`` by default that of the image."""
        from automl_cv_client.formats.voc import voc_of

        return voc_of(self, file_name)

    def to_cvat(self) -> str:
        """CVAT for images 1.1 (XML). For several images: :func:`automl_cv_client.formats.cvat_of`."""
        from automl_cv_client.formats.cvat import cvat_of

        return cvat_of([self])

    def to_supervision(self, names: Sequence[str] | None = None) -> supervision.Detections:
        """``supervision.Detections``, with masks where there are outlines; ``names`` as for :meth:`to_yolo`."""
        from automl_cv_client.formats.libraries import supervision_of

        return supervision_of(self, names)

    def to_shapely(self) -> list[BaseGeometry]:
        """One shapely geometry an object, in pixels of the upright image, with holes."""
        from automl_cv_client.formats.libraries import shapely_of

        return shapely_of(self)
