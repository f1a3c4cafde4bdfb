"""Puts the version and the way to the repository into the site's header; a hook of mkdocs.

Where the repository is hosted is known where the site is built for others, in its CI. Elsewhere the header leads to the
copies of its files within the site.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

SOURCE = Path(__file__).parents[2] / "src" / "automl_cv_client" / "__init__.py"
COPIES = "repository/"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Sets what ``theme/partials/source.html`` shows."""
    version = re.search(r'^__version__ = "(.+)"$', SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert version, "the package has no version"
    config.extra["version"] = version[1]
    server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    config.repo_url = f"{server}/{name}" if server and name else COPIES
    return config
