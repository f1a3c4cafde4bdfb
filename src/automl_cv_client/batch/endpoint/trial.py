"""Drives the files of a batch endpoint on this machine as the service does, and reads what comes out.

Worker processes call ``init()`` once each. Mini-batches are handed out in no order. One that raises, outlasts its time
or kills its process is retried by a process of its own, and after ``max_retries`` its images count as failed; so do the
images that ``run()`` returned no row for. More failures than ``error_threshold`` end the job. Rows are appended when a
mini-batch ends well, so a retry never doubles one.
"""

from __future__ import annotations

import io
import json
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from automl_cv_client._keywords import named
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._text import shortened
from automl_cv_client.batch.endpoint.deployment import Deployment, read_deployment
from automl_cv_client.batch.endpoint.names import all_files
from automl_cv_client.batch.endpoint.output import BatchOutput, read_batch_output
from automl_cv_client.errors import BatchError, InvalidInput
from automl_cv_client.task import TaskInput, task_of

TASK_VARIABLE = "AUTOML_CV_TASK"
_INIT_TIMEOUT = 600.0  # seconds; the service bounds init() apart from the mini-batches
_MOST_PROBLEMS = 100
_LOG_SHOWN = 20  # lines


@dataclass(frozen=True)
class BatchTrial:
    """How the trial of a batch endpoint went.

    Attributes:
        output: what became of each image, as :func:`read_batch_output` reads it.
        files: handed to the driver: all of the folder, as the service does.
        mini_batches: they were handed out in.
        retried: calls of ``run`` that failed and were made again.
        failed: images of mini-batches that failed to the end, or without a row: what ``error_threshold`` counts.
        rows: that the driver returned.
        seconds: it took.
        problems: what went wrong with which mini-batch, at most 100.
        stopped: why the job ended early; empty when it did not.
    """

    output: BatchOutput
    files: int
    mini_batches: int
    retried: int
    failed: int
    rows: int
    seconds: float
    problems: tuple[str, ...] = ()
    stopped: str = ""


@named
def try_batch_endpoint(
    folder: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    task: TaskInput | None = None,
    model: str | os.PathLike[str] | None = None,
    mini_batch_size: int | None = None,
    processes: int | None = None,
    out: str | os.PathLike[str] | None = None,
    threshold: float = 0.5,
) -> BatchTrial:
    """Drive the files of a batch endpoint on this machine as the service does: processes, mini-batches, retries.

    Obeys ``deployment.yml``; its environment variables are set where this process has none of that name, so a local
    endpoint can stand in for the online one.

    Args:
        folder: with ``deployment.yml`` and the driver, as :func:`init_batch_endpoint` writes them.
        images: the folder of images to score.
        task: of the model; by default the variable ``AUTOML_CV_TASK`` of the deployment.
        model: the model's file or folder on this machine, for ``AZUREML_MODEL_DIR``.
        mini_batch_size: images per call of ``run``; by default as in the deployment.
        processes: worker processes; by default as in the deployment.
        out: a new or empty folder to keep output and logs in; by default a temporary one.
        threshold: for multi-label: the probability above which a label counts as present.

    Returns:
        Counts, what went wrong, and the output as it is read.

    Raises:
        InvalidInput: an argument or ``deployment.yml`` cannot be used.
        BatchError: ``init()`` failed; the message has the end of its log.

    Example:
        >>> trial = try_batch_endpoint("endpoint/", "photos/", model="model/", processes=2)
        >>> print(trial.files, trial.rows, trial.retried, trial.stopped)
    """
    deployment = read_deployment(folder)
    variables = dict(deployment.variables)
    named_task = task if task is not None else os.environ.get(TASK_VARIABLE) or variables.get(TASK_VARIABLE)
    if not named_task:
        raise InvalidInput(f"name the task: the deployment sets no {TASK_VARIABLE}")
    kind = task_of(named_task)
    checked_threshold(threshold)
    size = _count("mini_batch_size", mini_batch_size, deployment.mini_batch_size)
    workers = _count("processes", processes, deployment.processes)
    if not os.path.isdir(images):
        raise InvalidInput(f"{shortened(os.fspath(images))}: there is no such folder of images")
    source = deployment.model if model is None else Path(model)
    if source is not None and not source.exists():
        raise InvalidInput(f"{source}: there is no such model")
    paths = [os.path.join(os.path.abspath(images), file) for file in all_files(os.fspath(images))]
    if not paths:
        raise InvalidInput(f"{shortened(os.fspath(images))}: there are no files in this folder")
    mini_batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    with _output_folder(out) as made:
        surroundings = {**variables, **os.environ, "AZUREML_BI_OUTPUT_PATH": str(made)}
        if source is not None:
            surroundings["AZUREML_MODEL_DIR"] = os.path.abspath(source if source.is_dir() else source.parent)
        run = _TrialRun(deployment, made, surroundings, mini_batches)
        run.drive(min(workers, len(mini_batches)))
        written = made / deployment.output_file if deployment.appends else made
        if run.stopped and not deployment.appends and not any(made.glob("*.csv*")):
            raise BatchError(f"the job ended without output: {run.stopped}; the first: {run.problems[0]}")
        output = read_batch_output(written, task=kind, images=images, threshold=threshold)
    return BatchTrial(
        output,
        len(paths),
        len(mini_batches),
        run.retried,
        run.failed,
        run.rows,
        run.seconds,
        tuple(run.problems),
        run.stopped,
    )


def _count(name: str, given: int | None, default: int) -> int:
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise InvalidInput(f"{name} must be a whole number from 1 on, not {given!r}")
    return given


@contextmanager
def _output_folder(out: str | os.PathLike[str] | None) -> Iterator[Path]:
    if out is None:
        with tempfile.TemporaryDirectory(prefix="batch-endpoint-") as made:
            yield Path(made)
        return
    folder = Path(os.path.abspath(out))
    reason = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            reason = "it is not empty, and rows of two trials would be mixed; name a new folder"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason:
        raise InvalidInput(f"cannot keep the output in {out}: {reason}")
    yield folder


@dataclass
class _MiniBatch:
    number: int
    paths: list[str]
    tries: int = 0


class _TrialRun:
    """One run of a trial: a thread per worker process, which share the mini-batches to do."""

    def __init__(
        self, deployment: Deployment, out: Path, variables: dict[str, str], mini_batches: list[list[str]]
    ) -> None:
        self.retried = self.failed = self.rows = 0
        self.seconds = 0.0
        self.problems: list[str] = []
        self.stopped = ""
        self._deployment = deployment
        self._out = out
        self._variables = variables
        self._to_do: queue.SimpleQueue[_MiniBatch] = queue.SimpleQueue()
        for number, paths in random.sample([*enumerate(mini_batches, 1)], len(mini_batches)):
            self._to_do.put(_MiniBatch(number, paths))
        self._open = len(mini_batches)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._workers: list[_Worker] = []
        self._fatal: BaseException | None = None
        self._file: BinaryIO = io.BytesIO()  # for a driver that writes files of its own

    def drive(self, processes: int) -> None:
        """Score all mini-batches. Raises BatchError when the driver cannot begin."""
        started = time.monotonic()
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(1, processes + 1)]
        with ExitStack() as stack:
            if self._deployment.appends:
                self._file = stack.enter_context((self._out / self._deployment.output_file).open("wb"))
            try:
                for thread in threads:
                    thread.start()
                while not self._ended.wait(0.2):  # Windows does not interrupt a wait without end
                    pass
            finally:
                self._ended.set()
                with self._lock:
                    for worker in self._workers:
                        worker.kill()
                for thread in threads:
                    if thread.ident is not None:
                        thread.join()
        self.seconds = time.monotonic() - started
        if self._fatal is not None:
            raise self._fatal
        if not self.rows and not self.stopped:
            self.stopped = "no mini-batch returned a row: the service fails such a job"

    def _work(self, number: int) -> None:
        """What one thread does: keep a worker process busy, and begin another one where it died."""
        worker: _Worker | None = None
        try:
            while not self._ended.is_set():
                if worker is None:
                    worker = self._begun(number)
                with suppress(queue.Empty):  # a mini-batch that another worker has may still come back
                    mini_batch = self._to_do.get(timeout=0.05)
                    answer = worker.ask(mini_batch.paths, self._deployment.timeout)
                    worker = None if worker.has_ended else worker
                    if not self._ended.is_set():
                        self._take(mini_batch, answer)
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            if not self._ended.is_set():
                self._fatal = error
            self._ended.set()
        finally:
            if worker is not None:
                worker.close()

    def _begun(self, number: int) -> _Worker:
        with self._lock:  # so that the end of the run misses none
            worker = _Worker(self._deployment, self._variables, self._out / f"worker-{number}.log")
            self._workers.append(worker)
        problem = worker.ask(None, _INIT_TIMEOUT).get("problem")
        if problem is not None:
            worker.close()
            raise BatchError(f"init of {self._deployment.script} failed: {problem}{worker.end_of_log()}")
        return worker

    def _take(self, mini_batch: _MiniBatch, answer: dict[str, Any]) -> None:
        """Keep what ``run`` returned for a mini-batch, or hand it out again."""
        problem = answer.get("problem")
        with self._lock:
            if problem is not None and mini_batch.tries < self._deployment.max_retries:
                mini_batch.tries += 1
                self.retried += 1
                self._note(mini_batch, f"{problem}; retried")
                self._to_do.put(mini_batch)
                return
            if problem is not None:
                self.failed += len(mini_batch.paths)
                self._note(mini_batch, f"{problem}; its {len(mini_batch.paths)} images failed")
            else:
                self._append(mini_batch, answer["rows"], answer["text"])
            self._open -= 1
            most = self._deployment.error_threshold
            if 0 <= most < self.failed and not self.stopped:
                self.stopped = f"{self.failed} images failed, and error_threshold is {most}"
            if self.stopped or not self._open:
                self._ended.set()

    def _append(self, mini_batch: _MiniBatch, rows: int, text: str) -> None:
        self.rows += rows
        reason = ""
        try:
            self._file.write(text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            reason = error.strerror or type(error).__name__
        if reason:
            raise BatchError(f"cannot write the output to {self._out} ({reason})")
        if rows != len(mini_batch.paths):
            self.failed += max(0, len(mini_batch.paths) - rows)
            self._note(mini_batch, f"the driver returned {rows} rows for {len(mini_batch.paths)} images")

    def _note(self, mini_batch: _MiniBatch, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"mini-batch {mini_batch.number}: {problem}")


class _Worker:
    """A process that runs the driver, and the pipe to it."""

    def __init__(self, deployment: Deployment, variables: dict[str, str], log: Path) -> None:
        self._log = log
        self._began_at = log.stat().st_size if log.exists() else 0
        code = os.path.abspath(deployment.code)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "automl_cv_client.batch.endpoint.worker", code, deployment.script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=variables,
            )
        self.has_ended = False

    def ask(self, mini_batch: list[str] | None, seconds: float) -> dict[str, Any]:
        """The answer for a mini-batch, or that of ``init`` for None. A process that outlasts its time is killed."""
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None
        assert writer is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        line = b""
        with suppress(OSError):  # it is dead
            if mini_batch is not None:
                writer.write(json.dumps(mini_batch).encode() + b"\n")
                writer.flush()
            line = reader.readline()
        timer.cancel()
        if late.is_set() or not line.endswith(b"\n"):
            self.close()
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        return {"problem": f"it took longer than {seconds:g} s" if late.is_set() else f"its process {self._ending()}"}

    def _ending(self) -> str:
        code = self._process.returncode
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def end_of_log(self) -> str:
        """The last lines of its log, each in a line of its own."""
        with self._log.open("rb") as file:
            file.seek(self._began_at)
            lines = file.read()[-10_000:].decode("utf-8", "replace").splitlines()
        return "".join(f"\n  {shortened(line)}" for line in lines[-_LOG_SHOWN:])

    def kill(self) -> None:
        """End the process now; who waits for its answer learns that it died."""
        self._process.kill()

    def close(self) -> None:
        """End the process and wait for that."""
        self.has_ended = True
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()
