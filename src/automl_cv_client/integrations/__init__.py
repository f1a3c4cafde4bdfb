"""Joins clients to web frameworks and to OpenTelemetry: one file a library, each with an extra of its name."""
