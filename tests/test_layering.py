"""The rooms of the package, from the ground up: who may import whom, and which library. Read from the source, by ast.

The table is explained in docs/design.md.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "automl_cv_client"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

ROWS = (
    {
        "_extras",
        "_files",
        "_frames",
        "_keywords",
        "_notebook",
        "_numbers",
        "_processes",
        "_text",
        "annotations",
        "errors",
        "geometry",
        "task",
    },
    {"_options_base", "_record", "_image_info"},
    {"_imaging", "drawing", "formats"},
    {"results", "dataset"},
    {"_protocol", "evaluation"},
    {"_flow", "migration"},
    {"_transports", "credentials", "settings", "_telemetry"},
    {"_streaming"},
    {"_options", "_clients", "_client", "_async_client"},
    {"local", "batch", "testing", "integrations", "doctor"},
    {"cli", "__main__", "__init__"},
)
"""A room imports from the rows before its own, and from itself."""

NEIGHBOURS = {
    ("geometry", "errors"),  # to say which frame or tile cannot be
    ("geometry", "_numbers"),
    ("_files", "_text"),  # to tell what a folder holds besides images
    ("_numbers", "errors"),
    ("_keywords", "errors"),
    ("_keywords", "_frames"),
    ("annotations", "geometry"),
    ("task", "errors"),
    ("_image_info", "_record"),
    ("annotations", "_numbers"),
    ("annotations", "errors"),
    ("annotations", "task"),
    ("_files", "errors"),
    ("_transports", "credentials"),
    ("_clients", "_options"),
    ("_client", "_options"),
    ("_client", "_clients"),
    ("_async_client", "_options"),
    ("_async_client", "_clients"),
    ("testing", "local"),
    ("batch", "integrations"),  # for the columns of a nested export, which are those of Ray and Spark
    ("cli", "__init__"),
    ("__main__", "cli"),
}
"""Rooms of one row that may be imported by another one of it."""

STRANGERS = {("_protocol", "_imaging"), ("drawing", "_imaging"), ("dataset", "_imaging")}
"""Rooms that do without another one, though it is in a row before theirs."""

LIBRARIES = {
    "pydantic": (
        "_options_base.py",
        "_record.py",
        "_image_info.py",
        "results/",
        "dataset/",
        "evaluation/",
        "_protocol/",
        "_imaging/",
        "_flow/",
        "settings.py",
    ),
    "pydantic_core": ("_protocol/", "results/_float_map.py"),
    "typing_extensions": ("_protocol/", "results/_outcome.py"),  # comes with pydantic
    "pybase64": ("_protocol/",),
    "tenacity": ("_flow/",),
    "httpx": ("_transports/libraries.py",),
    "aiohttp": ("_transports/aiohttp.py",),
    "httpcore": ("_transports/libraries.py",),
    "httpx2": ("_transports/libraries.py",),
    "httpcore2": ("_transports/libraries.py",),
    "idna": ("_transports/image_urls.py",),
    "automl_cv_client_models": ("local/",),
    "numpy": ("local/", "evaluation/"),
    "onnxruntime": ("local/",),
    "PIL": ("local/",),
    "fastapi": ("integrations/fastapi.py",),
    "starlette": ("integrations/fastapi.py",),
    "uvicorn": ("local/",),
    "pyarrow": (),
    "ray": (),
    "pyspark": (),
    "databricks": (),
    "notebookutils": (),
    "rich": ("cli/",),
    "typer": ("cli/",),
    "yaml": (),
}
"""Where a library may be imported at the top of a file."""

LATER = {
    "IPython": ("_notebook.py",),
    "faster_coco_eval": ("evaluation/coco.py",),
    "PIL": (
        "_imaging/",
        "_notebook.py",
        "drawing/",
        "results/",
        "dataset/images.py",
        "evaluation/thumbnails.py",
        "testing/",
    ),
    "httpx": ("_clients/base.py", "_clients/access.py", "testing/"),
    "aiohttp": ("_clients/base.py", "_clients/access.py"),
    "azure": ("credentials/", "_transports/"),
    "numpy": ("_imaging/", "drawing/", "formats/", "results/"),
    "opentelemetry": ("_telemetry/opentelemetry.py",),
    "pandas": ("results/_exports.py",),
    "polars": ("results/_exports.py",),
    "pyarrow": ("batch/exports.py", "integrations/", "results/_exports.py"),
    "shapely": ("formats/libraries.py", "results/_exports.py"),
    "simdjson": ("results/_float_map.py",),
    "supervision": ("formats/libraries.py", "results/_exports.py"),
    "ray": ("integrations/ray.py",),
    "pyspark": ("integrations/spark.py",),
    "databricks": ("integrations/endpoint.py",),
    "notebookutils": ("integrations/endpoint.py",),
    "rich": ("batch/bar.py",),
    "yaml": ("batch/endpoint/deployment.py",),
}
"""Where it may be imported inside functions and for types, besides."""

WAITING = ("asyncio", "time", "threading", "subprocess")
OUTSIDE = ("http", "os", "pathlib", "shutil", "socket", "ssl", "tempfile", "urllib.request")
FORBIDDEN = {
    "errors.py": (*WAITING, *OUTSIDE),
    "geometry/": (*WAITING, *OUTSIDE),
    "task.py": (*WAITING, *OUTSIDE),
    "results/": ("asyncio", "http", "socket", "ssl", "urllib"),  # they save files, and know nothing of HTTP
    "drawing/": ("asyncio", "http", "socket", "ssl", "urllib"),
    "dataset/": ("asyncio", "http", "socket", "ssl", "urllib.request"),  # names of images come percent-encoded
    "evaluation/": ("asyncio", "http", "socket", "ssl", "urllib"),
    "_imaging/": ("asyncio", "http", "socket", "ssl", "urllib.request"),
    "_protocol/": (*WAITING, *OUTSIDE),
    "_flow/": ("asyncio", "time", "subprocess", *OUTSIDE),
}
"""What the standard library has that a room must not touch."""
ALLOWED = {"_flow/run.py": ("asyncio", "time")}  # the two drivers: the one place that waits


FOR_USERS = SOURCE / "batch" / "endpoint" / "drivers"
"""Files that are copied to users, and never imported: they use the package as its users do."""


def source_files() -> list[Path]:
    """The files of the package's rooms."""
    return [file for file in sorted(SOURCE.rglob("*.py")) if file.parent != FOR_USERS]


class Import(NamedTuple):
    module: str
    line: int
    at_top: bool


def imports_of(tree: ast.Module) -> Iterator[Import]:
    """Everything a file imports; what stands in a function, or under TYPE_CHECKING, is not at the top."""
    top = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, node in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                # `from automl_cv_client import errors` reaches for the room, not for __init__.
                whole = f"{module}.{alias.name}" if module == PACKAGE and is_room(alias.name) else module
                yield Import(whole, node.lineno, node in top)


def is_room(name: str) -> bool:
    return any(name in row for row in ROWS)


def row_of(room: str) -> int:
    for number, row in enumerate(ROWS):
        if room in row:
            return number
    pytest.fail(f"{room!r} is a room this test does not know: give it a row in ROWS, and in docs/design.md")


def faults_of(path: str, source: str) -> list[str]:
    """What a file, named from the package's folder on, imports and may not."""
    room = path.partition("/")[0].removesuffix(".py")
    row = row_of(room)
    return [
        f"{path}:{imported.line} imports {imported.module}: {reason}"
        for imported in imports_of(ast.parse(source))
        if (
            reason := _inside(room, row, imported)
            if imported.module.split(".")[0] == PACKAGE
            else _outside(path, imported)
        )
    ]


def _inside(room: str, row: int, imported: Import) -> str:
    other = [*imported.module.split("."), "__init__"][1]
    if (room, other) in STRANGERS:
        return f"{room} does without {other}"
    if other == room or row_of(other) < row or (room, other) in NEIGHBOURS:
        return ""
    return f"{room} (row {row}) must not know {other} (row {row_of(other)})"


def _outside(path: str, imported: Import) -> str:
    root = imported.module.split(".")[0]
    if imported.module.startswith("."):
        return "imports are absolute"
    if root in LIBRARIES or root in LATER:
        places = LIBRARIES.get(root, ()) + (() if imported.at_top else LATER.get(root, ()))
        return "" if path.startswith(places) else "this library has its own places: LIBRARIES and LATER"
    if root in sys.stdlib_module_names:
        return "" if root in ALLOWED.get(path, ()) else _not_for(path, imported.module)
    return "a library this test does not know: give it a place in LIBRARIES"


def _not_for(path: str, module: str) -> str:
    for place, names in FORBIDDEN.items():
        if path.startswith(place) and any(module == name or module.startswith(f"{name}.") for name in names):
            return f"{place} does without it"
    return ""


def test_the_package_keeps_its_rooms_apart():
    files = source_files()
    faults = [
        fault
        for file in files
        for fault in faults_of(file.relative_to(SOURCE).as_posix(), file.read_text(encoding="utf-8"))
    ]
    assert len(files) > 50
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("geometry.py", "from automl_cv_client.results import Result", "must not know results"),
        ("errors.py", "from automl_cv_client import task", "must not know task"),
        ("_imaging/exif.py", "from automl_cv_client._protocol import replies", "must not know _protocol"),
        ("formats/coco.py", "def f():\n    from automl_cv_client.results import Result", "must not know results"),
        ("_protocol/replies.py", "from automl_cv_client._imaging import describe", "does without _imaging"),
        ("results/_new.py", "def f():\n    from automl_cv_client._client import Client", "must not know _client"),
        ("_flow/call_settings.py", "import automl_cv_client", "must not know __init__"),
        ("_flow/call_settings.py", "import httpx", "its own places"),
        ("_flow/call_settings.py", "import time", "does without"),
        ("_protocol/requests.py", "from urllib.request import urlopen", "does without"),
        ("_protocol/requests.py", "import tenacity", "its own places"),
        ("drawing/shapes.py", "from PIL import Image", "its own places"),
        ("credentials/tokens.py", "import azure.identity", "its own places"),
        ("_transports/new.py", "import somelibrary", "does not know"),
        ("_client.py", "from ._options import new_plan", "absolute"),
    ],
)
def test_a_wrong_import_is_found(path, source, reason):
    (fault,) = faults_of(path, source)
    assert reason in fault


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("results/_new.py", "def f():\n    from automl_cv_client.drawing import draw_objects"),
        ("_flow/run.py", "import asyncio, time"),
        ("_clients/base.py", "if TYPE_CHECKING:\n    import httpx"),
        ("credentials/tokens.py", "def f():\n    import azure.identity"),
        ("cli/app.py", "import typer\nfrom automl_cv_client import Client"),
    ],
)
def test_a_right_import_is_let_be(path, source):
    assert faults_of(path, source) == []


def graph_of(sources: dict[str, str]) -> dict[str, set[str]]:
    """Which module imports which, at its top or in a function; what is for type checkers only is left out."""
    return {module: modules_in(ast.parse(source), sources.keys()) - {module} for module, source in sources.items()}


def modules_in(tree: ast.Module, known: Collection[str]) -> set[str]:
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name if name in known else node.module or "" for name in names)
    return found & set(known)


def circles_of(graph: dict[str, set[str]]) -> list[list[str]]:
    """The modules that can reach themselves."""

    def reached(module: str) -> set[str]:
        seen: set[str] = set()
        ahead = list(graph[module])
        while ahead:
            if (other := ahead.pop()) not in seen:
                seen.add(other)
                ahead += graph[other]
        return seen

    below = {module: reached(module) for module in graph}
    circles = {
        tuple(sorted(other for other in below[module] if module in below[other]))
        for module in graph
        if module in below[module]
    }
    return [list(circle) for circle in sorted(circles)]


def test_no_modules_import_each_other_in_a_circle():
    """Neither at import nor at call time: what needs each other belongs together."""
    sources = {}
    for file in source_files():
        parts = [PACKAGE, *file.relative_to(SOURCE).with_suffix("").parts]
        sources[".".join(parts).removesuffix(".__init__")] = file.read_text(encoding="utf-8")
    assert circles_of(graph_of(sources)) == []


def test_a_circle_would_be_found():
    later = "def f():\n    from automl_cv_client.b import x"
    types = "if TYPE_CHECKING:\n    from automl_cv_client.b import x"
    for source, circles in ((later, [["automl_cv_client.a", "automl_cv_client.b"]]), (types, [])):
        sources = {"automl_cv_client.a": source, "automl_cv_client.b": "from automl_cv_client import a"}
        assert circles_of(graph_of(sources)) == circles


def test_an_unknown_room_is_asked_about():
    with pytest.raises(pytest.fail.Exception, match=r"utils.*give it a row"):
        faults_of("utils.py", "")


@pytest.mark.parametrize("folder", ["src", "tests", "samples", "benchmarks", "docs"])
def test_a_loop_says_what_it_goes_through(folder):
    for path in (Path(__file__).parents[1] / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = [node.target] if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) else []
            names = {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
            assert "one" not in names, f"{path}: call it by what it is"
