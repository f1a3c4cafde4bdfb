"""Test code of your own that scores images, without Azure, a key or a network.

python -m pytest samples/test_own_code.py

Where this package is installed, pytest also has the fixture ``automl_cv_endpoint``, for code that makes its own client.
"""

import sys
from pathlib import Path

import pytest

from automl_cv_client import Client, errors
from automl_cv_client.testing import FakeEndpoint, detections, no_waiting, refused, throttled

IMAGE = Path(__file__).parent / "photos" / "chelsea.png"
CAT = ("cat", 0.9, (0.25, 0.5, 0.75, 1.0))  # label, score, and the box as fractions of the image
DOG = ("dog", 0.8, (0.0, 0.0, 0.5, 0.5))


def count_cats(client: Client, image: Path) -> int:
    """The code to be tested."""
    return len(client.detect(image).with_labels("cat").above(0.5))


def test_only_cats_are_counted() -> None:
    fake = FakeEndpoint(detections(CAT, DOG, CAT))
    with fake.client() as client:
        assert count_cats(client, IMAGE) == 2
    fake.assert_sent(times=1, images=1)


def test_a_busy_endpoint_is_asked_again() -> None:
    fake = FakeEndpoint(throttled(retry_after=60), detections(CAT))
    with no_waiting() as pauses, fake.client() as client:
        assert count_cats(client, IMAGE) == 1
    assert pauses == [60]  # seconds it would have waited


def test_a_refused_key_is_an_error() -> None:
    with FakeEndpoint(refused(401)).client() as client, pytest.raises(errors.AuthenticationFailed):
        count_cats(client, IMAGE)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, *sys.argv[1:]]))
