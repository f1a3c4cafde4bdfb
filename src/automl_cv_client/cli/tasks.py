"""``automl-cv detect``, ``segment``, ``classify`` and ``classify-multilabel``: one command, four tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from automl_cv_client._imaging import ImagePolicy
from automl_cv_client.cli import scoring
from automl_cv_client.cli.connecting import client_for
from automl_cv_client.cli.options import AsJson, AsJsonLines, Deployment, Out, Paths, Uri
from automl_cv_client.drawing import Style
from automl_cv_client.drawing.palette import color_from
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task

EXAMPLES = {
    Task.DETECTION: """
automl-cv detect cat.jpg
automl-cv detect photos/ --threshold 0.5 --out drawn/    # and draw the boxes
automl-cv detect photos/ --json | jq '.[].result.objects | length'
""",
    Task.SEGMENTATION: """
automl-cv segment cat.jpg
automl-cv segment 'photos/2026-*.jpg' --out drawn/    # and draw the outlines
automl-cv segment photos/ --jsonl > instances.jsonl
""",
    Task.CLASSIFICATION: """
automl-cv classify cat.jpg
automl-cv classify photos/ --deployment green --top 1
automl-cv classify photos/ --json > classes.json
""",
    Task.MULTILABEL: """
automl-cv classify-multilabel photos/
automl-cv classify-multilabel photos/ --threshold 0.3 --json > labels.json
""",
}
HELP = {
    Task.DETECTION: """Find objects.

    Prints label, score, and box (left, top, right, bottom) in pixels of the upright image.
    """,
    Task.SEGMENTATION: """Find objects and their outlines.

    Prints label, score, and box (left, top, right, bottom) in pixels of the upright image; --json has the outlines.
    """,
    Task.CLASSIFICATION: "Name the one thing each image shows.",
    Task.MULTILABEL: "Name everything each image shows.",
}
_THRESHOLD = {
    Task.DETECTION: "Leave out objects with a score, 0 to 1, up to this one.",
    Task.SEGMENTATION: "Leave out objects with a score, 0 to 1, up to this one.",
    Task.CLASSIFICATION: "Print no class with a probability, 0 to 1, up to this one; --json has all.",
    Task.MULTILABEL: "Probability, 0 to 1, above which a label counts as present. [default: 0.5]",
}
_TOP = {
    Task.DETECTION: "Keep the N objects with the highest scores.",
    Task.SEGMENTATION: "Keep the N objects with the highest scores.",
    Task.CLASSIFICATION: "Print the N most probable classes; --json has all. [default: 3]",
    Task.MULTILABEL: "Print the N most probable of the labels present; --json has all.",
}

_CALLS = "Calls"
Timeout = Annotated[
    Optional[float],  # noqa: UP045 - typer 0.12 reads aliases of this only
    typer.Option(min=0.001, metavar="SECONDS", rich_help_panel=_CALLS, help="Bound on one request. [default: 200]"),
]
Deadline = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        min=0.001,
        metavar="SECONDS",
        rich_help_panel=_CALLS,
        help="Bound on one image, retries included. [default: 600]",
    ),
]
Retries = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        min=0, metavar="N", rich_help_panel=_CALLS, help="Retries per image at most; 0 for none. [default: 4]"
    ),
]
Preset = Annotated[
    Optional[Literal["classification", "rcnn", "yolo"]],  # noqa: UP045
    typer.Option(
        metavar="FAMILY",
        rich_help_panel=_CALLS,
        help="Send no more pixels than this family of models looks at: classification, rcnn or yolo. Large photos "
        "upload several times faster.",
    ),
]

_DRAWING = "Drawing, with --out"
TextSize = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--text", min=1, metavar="PIXELS", rich_help_panel=_DRAWING, help="Height of letters."),
]
Font = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--font", exists=True, dir_okay=False, metavar="FILE", rich_help_panel=_DRAWING,
        help="A font to try first, for labels in other scripts.",
    ),
]  # fmt: skip
Colors = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--color", metavar="LABEL=COLOR", rich_help_panel=_DRAWING, help="Such as cat=#f00; may be given several times."
    ),
]

_PRESETS: dict[str, Callable[[], ImagePolicy]] = {
    "classification": ImagePolicy.for_classification,
    "rcnn": ImagePolicy.for_rcnn,
    "yolo": ImagePolicy.for_yolo,
}


def style_of(style: Style, colors: list[str] | None) -> Style:
    """The style with the colors of ``label=color`` words. Raises InvalidInput for other words."""
    pairs = [word.rpartition("=") for word in colors or ()]
    if wrong := next((word for word, pair in zip(colors or (), pairs, strict=True) if not pair[0]), None):
        raise InvalidInput(f"--color takes LABEL=COLOR such as cat=#f00, not {wrong[:60]!r}")
    chosen = {label: color_from(color) for label, _, color in pairs}
    return style._replace(colors=chosen or None)


def command_of(task: Task) -> Callable[..., None]:
    """The function of one task's command."""
    Threshold = Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--threshold", min=0.0, max=1.0, metavar="P", help=_THRESHOLD[task]),
    ]
    # Of what has no objects, these are not offered.
    drawing: dict[str, Any] = {"rich_help_panel": _DRAWING, "hidden": task.explainable}
    NoLabels = Annotated[bool, typer.Option("--no-labels", help="Write no labels.", **drawing)]
    NoScores = Annotated[bool, typer.Option("--no-scores", help="Write no scores.", **drawing)]
    NoBoxes = Annotated[bool, typer.Option("--no-boxes", help="Draw no boxes.", **drawing)]
    NoMasks = Annotated[bool, typer.Option("--no-masks", help="Draw no outlines.", **drawing)]
    Blur = Annotated[bool, typer.Option("--blur", help="Make the objects unrecognizable, such as faces.", **drawing)]
    Crops = Annotated[bool, typer.Option("--crops", help="Also save each object, cut out.", **drawing)]
    Line = Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--line", min=1, metavar="PIXELS", help="Thickness of lines.", **drawing),
    ]
    Top = Annotated[Optional[int], typer.Option("--top", min=1, metavar="N", help=_TOP[task])]  # noqa: UP045

    def command(
        paths: list[str],
        threshold: float | None = None,
        top: int | None = None,
        out: Out = None,
        as_json: AsJson = False,
        as_json_lines: AsJsonLines = False,
        uri: Uri = None,
        deployment: Deployment = None,
        timeout: Timeout = None,
        deadline: Deadline = None,
        retries: Retries = None,
        preset: Preset = None,
        no_labels: NoLabels = False,
        no_scores: NoScores = False,
        no_boxes: NoBoxes = False,
        no_masks: NoMasks = False,
        blur: Blur = False,
        crops: Crops = False,
        line: Line = None,
        text: TextSize = None,
        font: Font = None,
        colors: Colors = None,
    ) -> None:
        scoring.run(
            task,
            paths,
            threshold=threshold,
            top=top,
            out=out,
            style=style_of(
                Style(
                    labels=not no_labels,
                    scores=not no_scores,
                    boxes=not no_boxes,
                    masks=not no_masks,
                    blur=blur,
                    line=line,
                    text=text,
                    font=None if font is None else str(font),
                    note=True,
                ),
                colors,
            ),
            crops=crops,
            form=scoring.form_of(as_json, as_json_lines),
            client=client_for(
                uri,
                deployment,
                timeout=timeout,
                deadline=deadline,
                retries=retries,
                images=None if preset is None else _PRESETS[preset](),
            ),
        )

    command.__annotations__ |= {"no_labels": NoLabels, "no_scores": NoScores, "no_boxes": NoBoxes, "no_masks": NoMasks}
    command.__annotations__ |= {"blur": Blur, "crops": Crops, "line": Line}
    command.__annotations__ |= {"paths": Paths, "threshold": Threshold, "top": Top}  # their help differs by task
    command.__doc__ = HELP[task]
    return command
