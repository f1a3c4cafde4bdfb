"""Which image a row of a batch endpoint's output means: one script writes all names alike, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_cv_client.batch.endpoint.names import Names
from automl_cv_client.errors import InvalidInput

MOUNT = "/mnt/azureml/cr/j/1/cap/data-capability/wd/INPUT_images"


def found(files: list[str], names: list[str]) -> dict[str, str | None]:
    """What each name means; ``"?"`` where two files may be meant."""
    known = Names(files, names)
    meanings: dict[str, str | None] = {}
    for name in names:
        try:
            meanings[name] = known.find(name)
        except InvalidInput:
            meanings[name] = "?"
    return meanings


@pytest.mark.parametrize(
    ("files", "names", "meant"),
    [
        (["1.jpg", "a/1.jpg"], ["1.jpg", "a/1.jpg"], ["1.jpg", "a/1.jpg"]),
        (["1.jpg", "a/1.jpg"], ["1.jpg"], ["?"]),  # nothing shows that the script writes whole paths
        (["1.jpg", "a/1.jpg", "b/2.jpg"], ["1.jpg", "2.jpg"], ["?", "b/2.jpg"]),
        (["1.jpg", "a/1.jpg"], [f"{MOUNT}/1.jpg", f"{MOUNT}/a/1.jpg"], ["1.jpg", "a/1.jpg"]),
        (["1.jpg", "p/1.jpg"], ["/data/p/1.jpg", "/data/p/p/1.jpg"], ["1.jpg", "p/1.jpg"]),  # mounted as p
        (["1.jpg", "p/1.jpg"], ["/data/p/1.jpg"], ["?"]),
        (["1.jpg"], [f"{MOUNT}/1.jpg", f"{MOUNT}/a/1.jpg", f"{MOUNT}/2.jpg"], ["1.jpg", None, None]),  # a/ is not here
        (["1.jpg", "2.jpg"], [f"{MOUNT}/1.jpg", f"{MOUNT}/2.jpg", f"{MOUNT}/a/1.jpg"], ["1.jpg", "2.jpg", None]),
        (["a/1.jpg", "x/a/1.jpg"], ["a/1.jpg"], ["?"]),  # a script that writes the last two parts
        (["a/1.jpg", "x/a/1.jpg"], ["a/1.jpg", "x/a/1.jpg"], ["a/1.jpg", "x/a/1.jpg"]),
        (["x/a/1.jpg", "y/b/2.jpg"], ["a/1.jpg", "b/2.jpg"], ["x/a/1.jpg", "y/b/2.jpg"]),
        (["x/b/1.jpg", "c/2.jpg"], ["b/1.jpg", "x/b/1.jpg", "c/2.jpg"], [None, "x/b/1.jpg", "c/2.jpg"]),
        (["1.jpg"], ["/node1/w/1.jpg", "/node2/v/1.jpg"], ["1.jpg", "1.jpg"]),  # two machines
        (["Ka\u0308se.jpg"], ["K\u00e4se.jpg"], ["Ka\u0308se.jpg"]),
        (["Ka\u0308se.jpg", "K\u00e4se.jpg"], ["K\u00e4se.jpg", "x.jpg"], ["K\u00e4se.jpg", None]),
        (["1.jpg"], ["", "/", "..", "1.jpg"], [None, None, None, "1.jpg"]),
        ([], ["1.jpg"], [None]),
    ],
)
def test_what_a_name_means(files: list[str], names: list[str], meant: list[str | None]) -> None:
    assert [*found(files, names).values()] == meant


PARTS = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
STYLES: dict[str, Callable[[str], str]] = {
    "whole": lambda path: path,
    "absolute": lambda path: f"/data/a/{path}",
    "base name": lambda path: path.rpartition("/")[2],
    "last two parts": lambda path: "/".join(path.split("/")[-2:]),
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@given(files=st.sets(PATHS, min_size=1, max_size=12), scored=st.sets(st.integers(0, 11)))
def test_with_every_file_here_a_name_means_its_own_or_is_refused(
    style: Callable[[str], str], files: set[str], scored: set[int]
) -> None:
    """Whichever of them have a row: a job may have been stopped, or cut off."""
    every = sorted(files)
    paths = [path for number, path in enumerate(every) if number in scored]
    meanings = found(every, [style(path) for path in paths])
    wrong = {path: meanings[style(path)] for path in paths if meanings[style(path)] not in (path, "?")}
    alike = {path for path in paths if sum(style(path) == style(other) for other in every) > 1}
    assert not wrong.keys() - alike, wrong
    assert all(meanings[style(path)] == "?" for path in alike), (alike, meanings)
