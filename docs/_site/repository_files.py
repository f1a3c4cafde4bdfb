"""Shows in the site what the pages link to outside docs/: samples, tests, CONTRIBUTING; a hook of mkdocs.

In the repository a link such as ``../samples/detect.py`` leads to the file. The site has no repository to lead to, so
each file that is linked gets a page of its own below ``repository/``: Markdown as it is, all else as source text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PLACE = "repository/"
IN_NAV = ("CONTRIBUTING.md", "CHANGELOG.md")
SHOWN_AS_THEY_ARE = (".jpg", ".png", ".svg")
LANGUAGES = {".py": "python", ".toml": "toml", ".js": "js", ".css": "css", ".json": "json", ".yml": "yaml"}
UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n"
FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?![a-z]+:|#|/)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for each file of the repository that a page, or such a file, links to."""
    waiting = [*IN_NAV]
    for file in files.documentation_pages():
        waiting += repository_links(f"docs/{file.src_uri}", file.content_string)
    done: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in done:
            done.add(path)
            waiting += add(path, files, config)
    page = File.generated(config, f"{PLACE}index.md", content=overview(done), inclusion=InclusionLevel.NOT_IN_NAV)
    files.append(page)
    return files


def overview(paths: set[str]) -> str:
    """A page that lists the files of the repository that the site shows."""
    shown = sorted(path for path in paths if not (ROOT / path).is_dir())
    lines = [f"- [{path}]({uri_of(path).removeprefix(PLACE)})" for path in shown]
    return (
        f"{UNSEARCHED}# Repository\n\nThe files of the repository that these pages lead to.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links that leave docs/ to the pages that ``on_files`` added."""
    here = page.file.src_uri
    origin = here.removeprefix(PLACE) if here.startswith(PLACE) else f"docs/{here}"
    if here.startswith(PLACE) and not (ROOT / origin).is_file():
        return markdown  # made here, with links that are right already

    def turned(target: str, anchor: str) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        if path == "README.md":
            return posixpath.relpath("index.md", posixpath.dirname(here) or ".")
        if not outside(path) and not here.startswith(PLACE):
            return target + anchor
        place = uri_of(path) if outside(path) else path.removeprefix("docs/")
        return posixpath.relpath(place, posixpath.dirname(here) or ".") + anchor

    return with_links(markdown, turned)


def repository_links(origin: str, markdown: str) -> Iterator[str]:
    """The paths outside docs/ that a Markdown file links to, from the top of the repository on."""
    for target, _ in LINK.findall(FENCED.sub("", markdown)):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        if outside(path) and path != "README.md":
            yield path


def with_links(markdown: str, turned: Callable[[str, str], str]) -> str:
    """The Markdown with each relative link put through ``turned(target, anchor)``; code is let be."""
    parts = FENCED.split(markdown)
    for index in range(0, len(parts), 2):
        parts[index] = LINK.sub(lambda link: f"]({turned(link[1], link[2] or '')})", parts[index])
    return "".join(parts)


def outside(path: str) -> bool:
    """Whether a file is none of the site's own: outside docs/, or a program in it."""
    return not path.startswith("docs/") or path.endswith(".py")


def uri_of(path: str) -> str:
    """Where the site has a file of the repository; source text becomes a page."""
    if (ROOT / path).is_dir():
        return f"{PLACE}{path}/index.md"
    return PLACE + path + ("" if path.endswith((*SHOWN_AS_THEY_ARE, ".md")) else ".md")


def add(path: str, files: Files, config: MkDocsConfig) -> list[str]:
    """Adds one file, and returns what it links to in its turn."""
    source, uri = ROOT / path, uri_of(path)
    shown = InclusionLevel.INCLUDED if path in IN_NAV else InclusionLevel.NOT_IN_NAV
    if path.startswith("..") or not source.exists():
        raise PluginError(f"a page links to {path}, which the repository does not have")
    if path.endswith(SHOWN_AS_THEY_ARE):
        files.append(File.generated(config, uri, abs_src_path=str(source)))
        return []
    if source.is_dir():
        text, links = directory(path)
    else:
        text = source.read_text(encoding="utf-8")
        links = [*repository_links(path, text)] if path.endswith(".md") else []
        if path not in IN_NAV:
            text = UNSEARCHED + (text if path.endswith(".md") else as_code(path, text))
    files.append(File.generated(config, uri, content=text, inclusion=shown))
    return links


def as_code(path: str, text: str) -> str:
    """A page that shows a file's text."""
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"# {posixpath.basename(path)}\n\nThe file `{path}` of the repository.\n\n````{language}\n{text}\n````\n"


def directory(path: str) -> tuple[str, list[str]]:
    """A page that lists the files of a folder, and their paths."""
    kinds = (*LANGUAGES, ".md", ".ipynb", *SHOWN_AS_THEY_ARE)
    inside = sorted(entry.name for entry in (ROOT / path).iterdir() if entry.is_file() and entry.suffix in kinds)
    names = [f"- [{name}]({posixpath.relpath(uri_of(f'{path}/{name}'), PLACE + path)})" for name in inside]
    page = f"{UNSEARCHED}# {path}\n\nThe folder `{path}` of the repository.\n\n" + "\n".join(names) + "\n"
    return page, [f"{path}/{name}" for name in inside]
