"""The ``swagger.json`` of an endpoint: describes its scoring path. No I/O."""

from __future__ import annotations

from typing import Any

from automl_cv_client.task import Task

_EXAMPLE = {"input_data": {"columns": ["image"], "data": ["<base64 of an image file>"]}}


def swagger(task: Task, scoring_path: str) -> dict[str, Any]:
    """An OpenAPI 2 document for ``scoring_path``, such as ``"/score"``."""
    return {
        "swagger": "2.0",
        "info": {
            "title": f"{task.value} (local)",
            "description": "A model on this machine that speaks the contract of AutoML for Images.",
            "version": "1.0",
        },
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "security": [{"Bearer": []}],
        "paths": {"/": {"get": _operation("Liveness", "string")}, scoring_path: {"post": _scoring()}},
        "definitions": {"ServiceInput": _input()},
    }


def _scoring() -> dict[str, Any]:
    body = {"in": "body", "name": "serviceInputPayload", "schema": {"$ref": "#/definitions/ServiceInput"}}
    return _operation("RunMLService", "array") | {"parameters": [body]}


def _operation(name: str, kind: str) -> dict[str, Any]:
    schema = {"type": kind, "items": {"type": "object"}} if kind == "array" else {"type": kind}
    return {"operationId": name, "responses": {"200": {"description": "OK", "schema": schema}}}


def _input() -> dict[str, Any]:
    strings = {"type": "array", "items": {"type": "string"}}
    frame = {"type": "object", "properties": {"columns": strings, "data": strings}, "required": ["columns", "data"]}
    return {
        "type": "object",
        "properties": {"input_data": frame},
        "required": ["input_data"],
        "example": _EXAMPLE,
    }
