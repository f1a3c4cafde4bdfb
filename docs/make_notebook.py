"""Runs samples/notebook.ipynb and keeps its outputs in it: ``python docs/make_notebook.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat

NOTEBOOK = Path(__file__).parents[1] / "samples" / "notebook.ipynb"


def executed() -> Any:
    """The notebook with fresh outputs. The file stays as it is."""
    book = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3", resources=place, record_timing=False).execute()
    book.metadata.language_info = {"name": "python"}  # else the version of the Python that ran it
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("image/png", None)  # the HTML has the image too, in a seventh of the space
    return book


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
