"""Examines an endpoint and says what is wrong and what to do: behind the command ``automl-cv doctor``.

>>> from automl_cv_client.doctor import examine
>>> report = examine("https://localhost:9/score", "a-key")
>>> report.ok, report["port"].state
(False, 'failed')
"""

from automl_cv_client.doctor.examination import examine
from automl_cv_client.doctor.findings import Finding, Report

__all__ = ["Finding", "Report", "examine"]
