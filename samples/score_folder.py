"""Score a folder of images as a job that can be resumed: it interrupts itself, as Ctrl-C would, and goes on.

python samples/score_folder.py [IMAGES [FOLDER]]

A job folder belongs to one endpoint, and the demo endpoint is a new one each time: so the default is a new folder.
"""

import signal
import sys
import tempfile
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Hooks, ResponseEvent, Task
from automl_cv_client.batch import score_folder, status

PHOTOS = Path(__file__).parent / "photos"


def press_ctrl_c(answer: ResponseEvent) -> None:
    """As if somebody had lost patience after the first image. Your own program has no such hook."""
    signal.raise_signal(signal.SIGINT)


def main(images: str | Path = PHOTOS, folder: str | Path | None = None) -> None:
    folder = Path(folder or tempfile.mkdtemp(prefix="job-"))
    with endpoint_for(Task.DETECTION), Client.from_env() as client:
        impatient = client.with_options(hooks=Hooks(on_response=press_ctrl_c))
        try:
            score_folder(impatient, images, folder, Task.DETECTION, concurrency=1)
        except KeyboardInterrupt:
            job = status(folder)
            print(f"interrupted: {job.ok} of {job.total} done, {job.to_do} to do")
        summary = score_folder(client, images, folder, Task.DETECTION)  # the same call resumes
    print(f"resumed: {summary.scored} scored now, {summary.ok} of {summary.total} done, {summary.failed} failed")
    print("results:", folder / "results.jsonl")


if __name__ == "__main__":
    main(*sys.argv[1:])
