"""Shows guides before the reference in the search: who searches "retry" wants to be told about it; a hook of mkdocs."""

from __future__ import annotations

from typing import Any

REFERENCE = ("reference/", "wire-contract.md", "design.md", "repository/")
GUIDE, LESS = 10, 0.1  # a page that names the word often still comes before one that has it in passing


def on_page_markdown(markdown: str, page: Any, **_: Any) -> None:
    """Gives each page its weight."""
    boost = LESS if page.file.src_uri.startswith(REFERENCE) else GUIDE
    page.meta.setdefault("search", {}).setdefault("boost", boost)
