"""A ledger with a changed byte anywhere: found when it is opened, or the job is whole all the same."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import Client, errors
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.batch import export, score_folder, status
from tests.capped import CappedServer, capped

pytestmark = pytest.mark.bar(32)

TASK = "image-object-detection"
IMAGES = 24


def told(body: bytes) -> bytes:
    """As many boxes as the image is wide, so that results differ in length; some fill several pages."""
    box = {"topX": 0.125, "topY": 0.25, "bottomX": 0.5, "bottomY": 0.75}
    count = len(body) % 7 * 30
    return json.dumps([{"boxes": [{"box": box, "label": f"label {n}", "score": 0.5} for n in range(count)]}]).encode()


def score(url: str, folder: Path) -> Any:
    with Client(url, "k") as client:
        return score_folder(client, folder / "in", folder / "out", TASK, concurrency=4)


def lines(folder: Path) -> list[dict[str, Any]]:
    """What was recorded, but for how the calls went."""
    found = [json.loads(line) for line in (folder / "out" / "results.jsonl").read_text().splitlines()]
    for line in found:
        line.get("result", {}).pop("call", None)
    return found


@pytest.fixture(scope="module")
def server() -> Any:
    with capped(service=0) as running:
        running.reply_for = told
        yield running


@pytest.fixture(scope="module", params=["done", "half done"])
def job(request: pytest.FixtureRequest, server: CappedServer, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A job's folder, and what its results should be."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "in").mkdir()
    images = [folder / "in" / f"{number:02}.png" for number in range(IMAGES)]
    for number, image in enumerate(images):
        image.write_bytes(grey_png(8 + number))
    (folder / "in" / "broken.png").write_bytes(b"no image")
    late = images[IMAGES // 2 :] if request.param == "half done" else []
    aside = folder / "aside"
    aside.mkdir()
    for image in late:
        image.rename(aside / image.name)
    score(server.url, folder)
    kept = folder / "kept.sqlite"
    shutil.copy(folder / "out" / "ledger.sqlite", kept)
    for image in late:
        (aside / image.name).rename(image)
    score(server.url, folder)
    return folder, kept.read_bytes(), sorted(lines(folder), key=lambda line: str(line["input"]))


def flipped_at(size: int, count: int) -> list[tuple[int, int]]:
    """Places and bits: evenly over the file, so that every region has some, and the first page closely."""
    draw = random.Random(7)
    places = [*range(0, 100, 100 // max(1, count // 10) or 1)][: count // 10]
    places += [int((number + draw.random()) * size / (count - len(places))) for number in range(count - len(places))]
    return [(min(place, size - 1), 1 << draw.randrange(8)) for place in places]


def survives(job: Any, server: CappedServer, place: int, bit: int) -> str:
    """What becomes of the job: "found", "whole", or what is wrong."""
    folder, whole, expected = job
    shutil.rmtree(folder / "out")
    (folder / "out").mkdir()
    damaged = bytearray(whole)
    damaged[place] ^= bit
    (folder / "out" / "ledger.sqlite").write_bytes(damaged)
    try:
        score(server.url, folder)
    except errors.BatchError:
        return "found"
    return "whole" if sorted(lines(folder), key=lambda line: str(line["input"])) == expected else f"wrong at {place}"


def sweep(job: Any, server: CappedServer, count: int) -> None:
    found = [survives(job, server, place, bit) for place, bit in flipped_at(len(job[1]), count)]
    assert [each for each in found if each not in ("found", "whole")] == []
    assert found.count("found") > count / 4


def test_a_flipped_bit_is_found_or_does_no_harm(job: Any, server: CappedServer) -> None:
    sweep(job, server, 40)


@pytest.mark.slow
def test_210_flipped_bits_are_found_or_do_no_harm(job: Any, server: CappedServer) -> None:
    sweep(job, server, 210)


@pytest.mark.parametrize("text", [b"label 7", b"0.125", b"05.png", b"broken.png"])
def test_a_changed_word_is_found(job: Any, server: CappedServer, text: bytes) -> None:
    """Where SQLite itself sees nothing: inside a result, an error and a name."""
    folder, whole, _ = job
    path = folder / "out" / "ledger.sqlite"
    path.write_bytes(whole.replace(text, text[:-1] + bytes([text[-1] ^ 1])))
    with pytest.raises(errors.BatchError, match="it is damaged"):
        score(server.url, folder)
    with pytest.raises(errors.BatchError, match="it is damaged"):
        export(folder / "out", "csv")
    status(folder / "out")
