"""The ``swagger.json`` of an endpoint: describes its scoring path, in OpenAPI 2 and 3. No I/O."""

from __future__ import annotations

from typing import Any

from automl_cv_client.task import Task

_EXAMPLE = {"input_data": {"columns": ["image"], "data": ["<base64 of an image file>"]}}


def swagger(task: Task, prefix: str, version: str) -> dict[str, Any] | None:
    """An OpenAPI document for the paths below ``prefix``; None for a version other than 2 and 3."""
    if version in ("2", "2.0"):
        return _second(task, prefix)
    return _third(task, prefix) if version in ("3", "3.0") else None


def _info(task: Task) -> dict[str, str]:
    return {
        "title": f"{task.value} (local)",
        "description": "A model on this machine that speaks the contract of AutoML for Images.",
        "version": "1.0",
    }


def _second(task: Task, prefix: str) -> dict[str, Any]:
    payload = {"in": "body", "name": "serviceInputPayload", "schema": {"$ref": "#/definitions/ServiceInput"}}
    live = {"operationId": "ServiceHealthCheck", "responses": {"200": {"description": "OK", "schema": _TEXT}}}
    score = {
        "operationId": "RunMLService",
        "parameters": [payload],
        "responses": {"200": {"description": "OK", "schema": {"$ref": "#/definitions/ServiceOutput"}}},
    }
    return {
        "swagger": "2.0",
        "info": _info(task),
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "security": [{"Bearer": []}],
        "paths": {f"{prefix}/": {"get": live}, f"{prefix}/score": {"post": score}},
        "definitions": {"ServiceInput": _input(), "ServiceOutput": _OBJECTS},
    }


def _third(task: Task, prefix: str) -> dict[str, Any]:
    text = {"text/plain": {"schema": _TEXT}}
    live = {"operationId": "ServiceHealthCheck", "responses": {"200": {"description": "OK", "content": text}}}
    given = {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}}
    output = {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceOutput"}}}
    score = {
        "operationId": "RunMLService",
        "requestBody": {"content": given},
        "responses": {"200": {"description": "OK", "content": output}},
    }
    return {
        "openapi": "3.0.3",
        "info": _info(task),
        "security": [{"Bearer": []}],
        "paths": {f"{prefix}/": {"get": live}, f"{prefix}/score": {"post": score}},
        "components": {
            "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"ServiceInput": _input(), "ServiceOutput": _OBJECTS},
        },
    }


_TEXT = {"type": "string", "example": "Healthy"}
_OBJECTS = {"type": "array", "items": {"type": "object"}}


def _input() -> dict[str, Any]:
    strings = {"type": "array", "items": {"type": "string"}}
    frame = {"type": "object", "properties": {"columns": strings, "data": strings}, "required": ["columns", "data"]}
    return {
        "type": "object",
        "properties": {"input_data": frame},
        "required": ["input_data"],
        "example": _EXAMPLE,
    }
