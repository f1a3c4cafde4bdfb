"""A typed client for computer-vision models behind Azure Machine Learning online endpoints.

>>> from automl_cv_client import Client
>>> client = Client("https://my-endpoint.westeurope.inference.ml.azure.com/score", "the-key")
>>> client
Client('https://my-endpoint.westeurope.inference.ml.azure.com/score')
"""

from automl_cv_client import errors
from automl_cv_client._async_client import AsyncClient
from automl_cv_client._client import Client
from automl_cv_client._flow.call_settings import RetryPolicy
from automl_cv_client._flow.hooks import DropEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
from automl_cv_client._imaging import ImageInput, ImagePolicy, UrlRules
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client._streaming.runs import AsyncRun, Run
from automl_cv_client.geometry import Box, PixelBox, Size
from automl_cv_client.results import (
    CallInfo,
    Capacity,
    Classification,
    Deployment,
    Detection,
    Detections,
    ExplainedClassification,
    Explanation,
    Failed,
    Health,
    ImageInfo,
    Instance,
    Instances,
    LabelScore,
    MultilabelClassification,
    Outcome,
    Result,
    RunStats,
    Scored,
    Stats,
)
from automl_cv_client.task import Task

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "AsyncRun",
    "Box",
    "CallInfo",
    "Capacity",
    "Classification",
    "Client",
    "Deployment",
    "Detection",
    "Detections",
    "DropEvent",
    "ExplainedClassification",
    "Explanation",
    "Failed",
    "Health",
    "Hooks",
    "ImageInfo",
    "ImageInput",
    "ImagePolicy",
    "Instance",
    "Instances",
    "LabelScore",
    "MultilabelClassification",
    "Outcome",
    "PixelBox",
    "RequestEvent",
    "ResponseEvent",
    "Result",
    "RetryEvent",
    "RetryPolicy",
    "Run",
    "RunStats",
    "Scored",
    "Size",
    "Stats",
    "Task",
    "UrlRules",
    "XaiParameters",
    "__version__",
    "errors",
]
