"""Django: an awaited view with one client an event loop: uvicorn samples.recipes.django_app:application

In a project of your own, take ``detect`` and ``Problems``; the settings below only make this one file an application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.decorators import async_only_middleware

from automl_cv_client import AsyncClient
from automl_cv_client.errors import AutoMLVisionError, ImageError
from automl_cv_client.integrations.problems import MEDIA_TYPE, headers_of, problem_of

if not settings.configured:
    here = f"{__name__}"
    settings.configure(ROOT_URLCONF=here, ALLOWED_HOSTS=["*"], MIDDLEWARE=[f"{here}.problems"], SECRET_KEY="unused")
    django.setup()

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncClient] = WeakKeyDictionary()
make_client: Callable[[], AsyncClient] = AsyncClient.from_env


def shared_client() -> AsyncClient:
    """The client of this event loop. Django has no hook for start and end, so it is made at the first request."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = make_client()
    return _clients[loop]


async def detect(request: HttpRequest) -> HttpResponse:
    """What is in the uploaded file ``image``."""
    upload = request.FILES.get("image")
    if upload is None:
        raise ImageError("the form has no file named 'image'")
    found = await shared_client().detect(upload.file)
    return HttpResponse(found.model_dump_json(), content_type="application/json")


@async_only_middleware
def problems(get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> Any:
    """Middleware that answers our errors with problems."""

    class Problems:
        async_capable = True

        async def __call__(self, request: HttpRequest) -> HttpResponse:
            return await get_response(request)

        def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
            if not isinstance(error, AutoMLVisionError):
                return None
            problem = problem_of(error)
            return JsonResponse(problem, status=problem["status"], content_type=MEDIA_TYPE, headers=headers_of(error))

    return Problems()


urlpatterns = [path("detect", detect)]
application = ASGIHandler()
