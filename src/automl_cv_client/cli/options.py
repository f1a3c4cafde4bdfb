"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from automl_cv_client.settings import DEPLOYMENT, KEY, URI

WHERE_THE_KEY_IS = (
    f"The key is read from the variable {KEY} and from nowhere else: an option would show in the list of processes "
    "and stay in the shell's history. Without it azure-identity signs in."
)

Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Pictures, and folders of pictures.")]

AsJson = Annotated[bool, typer.Option("--json", help='Print one JSON list of {"path", "result"} or {"path", "error"}.')]

# Optional[…] rather than … | None: typer 0.12 reads aliases of the former only.
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--out", metavar="DIR", help="Also write each picture with its result drawn on it to this folder."),
]

Uri = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--uri", metavar="URI", help=f"The endpoint's scoring URI, in place of the variable {URI}."),
]

Deployment = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--deployment", metavar="NAME", help=f"The deployment to ask, in place of the variable {DEPLOYMENT}."),
]
