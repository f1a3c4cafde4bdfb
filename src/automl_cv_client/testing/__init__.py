"""For the tests of whoever builds on this package: a scripted endpoint, results, recordings, and no waiting.

    fake = FakeEndpoint(throttled(), detections(("cat", 0.9, (0.1, 0.2, 0.5, 0.6))))
    with no_waiting(), fake.client() as client:
        assert client.detect(image)[0].label == "cat"
    fake.assert_sent(times=2)

pytest finds the fixtures ``automl_cv_endpoint`` and ``automl_cv_no_waiting`` by itself.
"""

from automl_cv_client.testing.builders import classification, detections, image_info, instances, multilabel, outcome
from automl_cv_client.testing.fake import FakeEndpoint
from automl_cv_client.testing.recording import Recorder, Replay, record
from automl_cv_client.testing.replies import (
    Reply,
    Scores,
    drip,
    dropped_row,
    lost_connection,
    model_error,
    refused,
    scores,
    scoring_timeout,
    slow,
    throttled,
    truncated,
    unavailable,
)
from automl_cv_client.testing.sent import SentRequest
from automl_cv_client.testing.waiting import no_waiting
from automl_cv_client.testing.wire_versions import Version

__all__ = [
    "FakeEndpoint",
    "Recorder",
    "Replay",
    "Reply",
    "Scores",
    "SentRequest",
    "Version",
    "classification",
    "detections",
    "drip",
    "dropped_row",
    "image_info",
    "instances",
    "lost_connection",
    "model_error",
    "multilabel",
    "no_waiting",
    "outcome",
    "record",
    "refused",
    "scores",
    "scoring_timeout",
    "slow",
    "throttled",
    "truncated",
    "unavailable",
]
