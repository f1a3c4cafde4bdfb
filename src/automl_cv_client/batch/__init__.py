"""Scores folders of any size into a folder that survives interruptions of any kind.

    summary = score_folder(client, "photos/", "out/", "image-object-detection")

A SQLite ledger in the output folder is the record of what was done; JSONL, CSV and Parquet are exported from it.
"""

from automl_cv_client.batch.bar import progress_bar
from automl_cv_client.batch.endpoint.files import EndpointModel, init_batch_endpoint
from automl_cv_client.batch.endpoint.output import BatchOutput, read_batch_output
from automl_cv_client.batch.endpoint.trial import BatchTrial, try_batch_endpoint
from automl_cv_client.batch.exports import export, export_outcomes
from automl_cv_client.batch.folder import score_folder, score_folder_async
from automl_cv_client.batch.job_status import BatchStatus, status
from automl_cv_client.batch.planning import Plan, plan
from automl_cv_client.batch.summary import BatchSummary, Progress

__all__ = [
    "BatchOutput",
    "BatchStatus",
    "BatchSummary",
    "BatchTrial",
    "EndpointModel",
    "Plan",
    "Progress",
    "export",
    "export_outcomes",
    "init_batch_endpoint",
    "plan",
    "progress_bar",
    "read_batch_output",
    "score_folder",
    "score_folder_async",
    "status",
    "try_batch_endpoint",
]
