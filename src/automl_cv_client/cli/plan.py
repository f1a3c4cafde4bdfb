"""``automl-cv plan``."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from automl_cv_client.cli.text import console, print_json

EXAMPLES = """
automl-cv plan --images 1e6 --mean-bytes 400e3 --instances 3 --model-ms 120
automl-cv plan --images 1e6 --mean-bytes 400e3 --instances 3 --model-ms 120 \\
    --hour-price 0.9
"""


def plan(
    images: Annotated[float, typer.Option("--images", metavar="N", min=1, help="How many, such as 1e6.")],
    mean_bytes: Annotated[
        float,
        typer.Option(
            "--mean-bytes", metavar="BYTES", min=0, help="Mean size of an image as it is sent, such as 400e3."
        ),
    ],
    model_ms: Annotated[
        float,
        typer.Option("--model-ms", metavar="MS", min=0, help="Milliseconds the model takes per image."),
    ],
    instances: Annotated[int, typer.Option("--instances", metavar="N", min=1, help="Of the deployment.")] = 1,
    at_once: Annotated[
        int,
        typer.Option(
            "--at-once",
            metavar="N",
            min=1,
            help="Images an instance scores at a time: its max_concurrent_requests_per_instance.",
        ),
    ] = 1,
    reply_bytes: Annotated[
        float,
        typer.Option("--reply-bytes", metavar="BYTES", min=0, help="Mean size of a reply; outlines: 4e3 an object."),
    ] = 2_000,
    round_trip_ms: Annotated[
        float, typer.Option("--round-trip-ms", metavar="MS", min=0, help="From here to the endpoint and back.")
    ] = 20.0,
    hour_price: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--hour-price", metavar="PRICE", min=0, help="Of one instance: tells the price of it all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as one JSON object.")] = False,
) -> None:
    """Tell how long a batch takes at an endpoint, what bounds it, and what it costs. Nothing is sent.

    Counts the limits of the service: 5 MB, 500 requests per second, and twice what the instances score at a time.
    """
    from automl_cv_client.batch import plan as planned

    found = planned(
        images,
        mean_bytes,
        instances=instances,
        model_ms=model_ms,
        at_once=at_once,
        reply_bytes=reply_bytes,
        round_trip_ms=round_trip_ms,
        hour_price=hour_price,
    )
    if as_json:
        print_json(found.as_dict(), indent=2)
    else:
        console().print(found.text())
