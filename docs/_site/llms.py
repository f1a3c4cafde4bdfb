"""Writes ``llms.txt``, which tells language models what is on which page; a hook of mkdocs. See https://llmstxt.org."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

_ASIDE = re.compile(r"^(?:#|!|<|\||```|:::|---)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z`])")
_TO_RUN = re.compile(r"\bblocks\b.*\brun\b|^The endpoint (?:is one on|comes from)")
_SHORTEST = 60  # characters: a first sentence of less is a question or a heading, and the next one tells more

_about: dict[str, str] = {}
_sections: list[Section] = []


def on_nav(nav: Navigation, **_: Any) -> None:
    """Keeps the sections of the navigation."""
    _sections[:] = [item for item in nav.items if isinstance(item, Section)]


def on_page_markdown(markdown: str, page: Page, **_: Any) -> None:
    """Keeps what a page is about."""
    _about[page.file.src_uri] = about(markdown)


def about(markdown: str) -> str:
    """The first sentence of a page, or the first two where that is short; empty for a page without text.

    How to run its blocks is not what it is about.
    """
    paragraphs = (paragraph.strip() for paragraph in markdown.split("\n\n"))
    texts = (_LINK.sub(r"\1", paragraph) for paragraph in paragraphs if paragraph and not _ASIDE.match(paragraph))
    sentences = [sentence for text in texts for sentence in _SENTENCE.split(" ".join(text.split()))]
    sentences = [sentence for sentence in sentences if not _TO_RUN.search(sentence)]
    if not sentences:
        return ""
    return sentences[0] if len(sentences[0]) >= _SHORTEST else " ".join(sentences[:2])


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Writes the file to the root of the site."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}"]
    for section in _sections:
        lines += ["", f"## {section.title}", ""]
        lines += [_line(item) for item in section.children if isinstance(item, Page)]
    (Path(config.site_dir) / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(page: Page) -> str:
    told = _about.get(page.file.src_uri)
    return f"- [{page.title}]({page.url or './'})" + (f": {told}" if told else "")
