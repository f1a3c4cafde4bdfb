"""Flask: one blocking client for all threads: flask --app samples/recipes/flask_app run"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from automl_cv_client import Client
from automl_cv_client.errors import AutoMLVisionError, ImageError
from automl_cv_client.integrations.problems import MEDIA_TYPE, headers_of, problem_of


def create_app(client: Client | None = None) -> Flask:
    """The application; without ``client`` one from the environment, shared by all requests."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 20_000_000
    scoring = Client.from_env() if client is None else client

    @app.post("/detect")
    def detect() -> Response:
        upload = request.files.get("image")
        if upload is None:
            raise ImageError("the form has no file named 'image'")
        found = scoring.detect(upload.stream)  # type: ignore[arg-type]  # werkzeug types it as IO[bytes]
        return Response(found.model_dump_json(), mimetype="application/json")

    @app.errorhandler(AutoMLVisionError)
    def refuse(error: AutoMLVisionError) -> Any:
        problem = problem_of(error)
        return app.json.dumps(problem), problem["status"], {"content-type": MEDIA_TYPE, **headers_of(error)}

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> Any:
        problem = {"type": "about:blank", "title": "Content Too Large", "status": 413}
        return app.json.dumps(problem), 413, {"content-type": MEDIA_TYPE}

    return app
