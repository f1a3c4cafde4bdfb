"""Reports a client's work to OpenTelemetry; needs the extra ``otel``.

from automl_cv_client.integrations.opentelemetry import opentelemetry_hooks
client = Client(uri, key, hooks=opentelemetry_hooks())
"""

from automl_cv_client._telemetry.opentelemetry import opentelemetry_hooks

__all__ = ["opentelemetry_hooks"]
