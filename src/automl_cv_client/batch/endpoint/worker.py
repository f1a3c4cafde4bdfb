"""A worker process of a trial: calls the driver's init() once, then run() with each mini-batch it is sent.

It is started as ``python -m automl_cv_client.batch.endpoint.worker CODE_FOLDER SCRIPT``. It reads a JSON list of paths
per line and answers each by a line: ``{"rows", "text"}``, or ``{"problem"}``. What the driver prints goes to standard
error, which the parent keeps as a log.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
from typing import Any, BinaryIO

from automl_cv_client._text import shortened

LONGEST_PROBLEM = 500


def main(folder: str, script: str) -> None:
    """Answer until standard input ends."""
    mini_batches, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the driver's print() must not be taken for an answer
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path.insert(0, folder)
    os.chdir(folder)
    driver = None
    problem = ""
    try:
        driver = _loaded(os.path.join(folder, script))
        driver.init()
    except BaseException as error:  # noqa: BLE001 - sys.exit() included; the parent tells it
        problem = _told(error)
    _answer(answers, {"problem": problem} if problem else {})
    for line in mini_batches if not problem else ():
        _answer(answers, _scored(driver, json.loads(line)))


def _loaded(path: str) -> Any:
    specification = importlib.util.spec_from_file_location("batch_driver", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{os.path.basename(path)} is no Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules["batch_driver"] = module
    specification.loader.exec_module(module)
    for name in ("init", "run"):
        if not callable(getattr(module, name, None)):
            raise ImportError(f"{os.path.basename(path)} has no function {name}()")
    return module


def _scored(driver: Any, mini_batch: list[str]) -> dict[str, Any]:
    try:
        rows, text = _appended(driver.run(mini_batch))
        text.encode("utf-8", "surrogateescape")  # names of files need not be text, everything else must
    except BaseException as error:  # noqa: BLE001 - the parent retries, as the service does
        return {"problem": _told(error)}
    return {"rows": rows, "text": text}


def _appended(result: Any) -> tuple[int, str]:
    """The rows of a result, and what the service appends: a data frame without its header, or each element's text."""
    if hasattr(result, "to_csv") and hasattr(result, "itertuples"):
        return len(result), result.to_csv(sep=" ", header=False, index=False, lineterminator="\n")
    if isinstance(result, str | bytes | dict) or not hasattr(result, "__iter__"):
        raise TypeError(f"the driver must return a list or a data frame, a row per image, not {type(result).__name__}")
    lines = [f"{element}\n" for element in result]
    return len(lines), "".join(lines)


def _told(error: BaseException) -> str:
    """The error in a line; its traceback goes to the log."""
    traceback.print_exception(error)
    sys.stderr.flush()
    return shortened(f"{type(error).__name__}: {error}", LONGEST_PROBLEM)


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
