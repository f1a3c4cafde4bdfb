"""What the caller decides about images before they are sent."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator

from automl_cv_client._keywords import named
from automl_cv_client._options_base import Options


class UrlRules(Options, frozen=True):
    """Which http(s) URLs may be given as images, and how far fetching one may go. Frozen.

    Whatever the rules say, only global addresses are connected to: never this machine, a private network or a
    cloud's metadata service, also not through a redirect or a name that changes its address.

    Attributes:
        hosts: names that may be asked, such as ``"images.example.org"``; a leading dot means all names below
            it (``".example.org"``). Empty: any.
        most_bytes: of one image; a longer answer is cut off and refused.
        seconds: for all of one fetch, redirects included.
        redirects: at most so many are followed; each is checked like the first address.
        allow_http: also fetch over plain http, which anybody on the way can read and change.
    """

    hosts: tuple[str, ...] = ()
    most_bytes: int = Field(default=50_000_000, ge=1)
    seconds: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    redirects: int = Field(default=3, ge=0, le=10)
    allow_http: bool = False


Fetch = Callable[[str, UrlRules], bytes]
"""Gives the bytes behind a URL, or raises ImageError."""


class ImagePolicy(Options, frozen=True):
    """How images are read and prepared. Frozen; an unknown name or a wrong value raises InvalidInput.

    By default an image is sent as it is, unless the server models would not all read it alike. Limits are kept
    with the least loss that does: pass through, take out the metadata, write anew, reduce. What was done is in
    :attr:`ImageInfo.changes`. Images that are written anew never carry EXIF data, GPS positions, comments or
    color profiles.

    Attributes:
        color: order of the color channels in numpy arrays: ``"rgb"`` as Pillow, scikit-image and matplotlib
            hold them, ``"bgr"`` as OpenCV's ``cv2.imread`` does. Files and PIL images know their own order.
        grey_range: (black, white) of grey images with more than 8 bits, such as ``(0, 4095)`` for a camera of 12 bits;
            what lies outside becomes black or white. None: told from each image. Its brightest pixel says whether
            it has 8, 10, 12, 14 or 16 bits; other ranges are spread from darkest to brightest pixel.
        max_pixels: width × height above which an image is refused before it is decoded, at least 1. Decoding
            takes about 4 bytes of memory a pixel.
        longest_side: pixels; larger images are reduced until their longer side is no longer. Never enlarged.
        shortest_side: pixels; larger images are reduced until their shorter side is no longer.
        most_bytes: of one encoded image, before base64 (which adds a third).
        most_request_bytes: of a request's body. Images scored together are packed into as many requests as
            needed; a single one is made to fit.
        quality: of JPEGs that are written anew to keep a limit, 1 to 95. A JPEG of lower quality keeps its own.
        format: of images that have to be written anew. ``"keep"``: JPEG stays JPEG, all others become PNG, or
            JPEG where PNG does not fit. ``"jpeg"`` and ``"png"`` say which.
        strip_metadata: also take EXIF data, GPS positions, comments and thumbnails out of JPEG and PNG files
            that are otherwise sent as they are: without loss, the pixels are not touched.
        urls: which http(s) URLs are fetched; None: none.
        filesystem: an fsspec filesystem of yours, asked for every other address such as ``abfs://…`` or
            ``azureml://…``, and for the URLs of Azure blobs.
    """

    color: Literal["rgb", "bgr"] = "rgb"
    grey_range: tuple[float, float] | None = None
    max_pixels: int = Field(default=100_000_000, ge=1)
    longest_side: int | None = Field(default=None, ge=1)
    shortest_side: int | None = Field(default=None, ge=1)
    most_bytes: int | None = Field(default=None, ge=1)
    most_request_bytes: int | None = Field(default=None, ge=1024)
    quality: int = Field(default=90, ge=1, le=95)
    format: Literal["keep", "jpeg", "png"] = "keep"
    strip_metadata: bool = False
    urls: UrlRules | None = None
    filesystem: Any = Field(default=None, repr=False, exclude=True)
    _fetch: Fetch | None = PrivateAttr(default=None)

    @field_validator("grey_range")
    @classmethod
    def _is_a_range(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not (all(map(math.isfinite, value)) and value[0] < value[1]):
            raise ValueError("(black, white): two numbers, the first below the second")
        return value

    @classmethod
    @named
    def for_classification(
        cls,
        side: int = 256,
        *,
        color: Literal["rgb", "bgr"] = "rgb",
        grey_range: tuple[float, float] | None = None,
        max_pixels: int = 100_000_000,
        longest_side: int | None = None,
        most_bytes: int | None = None,
        most_request_bytes: int | None = None,
        quality: int = 90,
        format: Literal["keep", "jpeg", "png"] = "jpeg",
        strip_metadata: bool = False,
        urls: UrlRules | None = None,
        filesystem: Any = None,
    ) -> Self:
        """For classification models, which reduce the shorter side to 256 and cut out the middle 224 × 224.

        Args:
            side: pixels of the shorter side that the model reduces images to.
            color: as in :class:`ImagePolicy`.
            grey_range: as in :class:`ImagePolicy`.
            max_pixels: as in :class:`ImagePolicy`.
            longest_side: as in :class:`ImagePolicy`.
            most_bytes: as in :class:`ImagePolicy`.
            most_request_bytes: as in :class:`ImagePolicy`.
            quality: as in :class:`ImagePolicy`.
            strip_metadata: as in :class:`ImagePolicy`.
            urls: as in :class:`ImagePolicy`.
            filesystem: as in :class:`ImagePolicy`.
            format: as in :class:`ImagePolicy`; JPEG by default.

        Returns:
            The policy.

        Raises:
            InvalidInput: a value cannot be used; the message names it.

        Example:
            >>> ImagePolicy.for_classification(quality=80).quality
            80
        """
        return cls(
            shortest_side=side,
            color=color,
            grey_range=grey_range,
            max_pixels=max_pixels,
            longest_side=longest_side,
            most_bytes=most_bytes,
            most_request_bytes=most_request_bytes,
            quality=quality,
            format=format,
            strip_metadata=strip_metadata,
            urls=urls,
            filesystem=filesystem,
        )

    @classmethod
    @named
    def for_rcnn(
        cls,
        shortest_side: int = 800,
        longest_side: int = 1333,
        *,
        color: Literal["rgb", "bgr"] = "rgb",
        grey_range: tuple[float, float] | None = None,
        max_pixels: int = 100_000_000,
        most_bytes: int | None = None,
        most_request_bytes: int | None = None,
        quality: int = 90,
        format: Literal["keep", "jpeg", "png"] = "jpeg",
        strip_metadata: bool = False,
        urls: UrlRules | None = None,
        filesystem: Any = None,
    ) -> Self:
        """For Faster R-CNN, RetinaNet and Mask R-CNN, which bring the sides to these pixels at most.

        Args:
            shortest_side: the model's ``min_size``.
            longest_side: the model's ``max_size``.
            color: as in :class:`ImagePolicy`.
            grey_range: as in :class:`ImagePolicy`.
            max_pixels: as in :class:`ImagePolicy`.
            most_bytes: as in :class:`ImagePolicy`.
            most_request_bytes: as in :class:`ImagePolicy`.
            quality: as in :class:`ImagePolicy`.
            strip_metadata: as in :class:`ImagePolicy`.
            urls: as in :class:`ImagePolicy`.
            filesystem: as in :class:`ImagePolicy`.
            format: as in :class:`ImagePolicy`; JPEG by default.

        Returns:
            The policy.

        Raises:
            InvalidInput: a value cannot be used; the message names it.

        Example:
            >>> ImagePolicy.for_rcnn(600, quality=80).quality
            80
        """
        return cls(
            shortest_side=shortest_side,
            longest_side=longest_side,
            color=color,
            grey_range=grey_range,
            max_pixels=max_pixels,
            most_bytes=most_bytes,
            most_request_bytes=most_request_bytes,
            quality=quality,
            format=format,
            strip_metadata=strip_metadata,
            urls=urls,
            filesystem=filesystem,
        )

    @classmethod
    @named
    def for_yolo(
        cls,
        side: int = 640,
        *,
        color: Literal["rgb", "bgr"] = "rgb",
        grey_range: tuple[float, float] | None = None,
        max_pixels: int = 100_000_000,
        shortest_side: int | None = None,
        most_bytes: int | None = None,
        most_request_bytes: int | None = None,
        quality: int = 90,
        format: Literal["keep", "jpeg", "png"] = "jpeg",
        strip_metadata: bool = False,
        urls: UrlRules | None = None,
        filesystem: Any = None,
    ) -> Self:
        """For YOLOv5, which fits images into a square of ``img_size`` pixels.

        Args:
            side: the model's ``img_size``.
            color: as in :class:`ImagePolicy`.
            grey_range: as in :class:`ImagePolicy`.
            max_pixels: as in :class:`ImagePolicy`.
            shortest_side: as in :class:`ImagePolicy`.
            most_bytes: as in :class:`ImagePolicy`.
            most_request_bytes: as in :class:`ImagePolicy`.
            quality: as in :class:`ImagePolicy`.
            strip_metadata: as in :class:`ImagePolicy`.
            urls: as in :class:`ImagePolicy`.
            filesystem: as in :class:`ImagePolicy`.
            format: as in :class:`ImagePolicy`; JPEG by default.

        Returns:
            The policy.

        Raises:
            InvalidInput: a value cannot be used; the message names it.

        Example:
            >>> ImagePolicy.for_yolo(320, quality=80).quality
            80
        """
        return cls(
            longest_side=side,
            color=color,
            grey_range=grey_range,
            max_pixels=max_pixels,
            shortest_side=shortest_side,
            most_bytes=most_bytes,
            most_request_bytes=most_request_bytes,
            quality=quality,
            format=format,
            strip_metadata=strip_metadata,
            urls=urls,
            filesystem=filesystem,
        )

    def fetching(self, fetch: Fetch) -> Self:
        """The same policy with the means to fetch URLs, which this room does not have."""
        copy = self.model_copy()
        copy._fetch = fetch  # type: ignore[misc]  # frozen are the fields, and this is none
        return copy

    @property
    def byte_limit(self) -> int | None:
        """Bytes of one encoded image under both byte limits; None for no limit."""
        limits = [self.most_bytes] if self.most_bytes is not None else []
        if self.most_request_bytes is not None:
            limits.append(max(0, self.most_request_bytes - REQUEST_OVERHEAD) // 4 * 3)
        return min(limits, default=None)


REQUEST_OVERHEAD = 512
"""Bytes of a request's body beside its images, at most: the longest is that of an explanation's parameters."""
