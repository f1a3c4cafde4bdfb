"""What can go wrong, and whose move it is: the image's owner, whoever set this up, or nobody's, so try later.

python samples/handle_errors.py
"""

from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, RetryPolicy, Task, errors

PHOTOS = Path(__file__).parent / "photos"


def scored(client: Client, image: str | Path) -> str:
    """What a program might do about each kind of error. The client itself has retried where that can help."""
    try:
        return "found: " + ", ".join(detection.label for detection in client.detect(image))
    except (errors.InvalidInput, errors.ImageDropped) as error:
        return f"skip this image: {type(error).__name__}: {error}"
    except (errors.AuthenticationFailed, errors.PermissionDenied, errors.EndpointNotFound) as error:
        return f"stop, every image would fail: {type(error).__name__}, status {error.status}"
    except (errors.TransportError, errors.Throttled, errors.ServiceUnavailable) as error:
        return f"retry later: {type(error).__name__} after {error.attempts} attempts"
    except errors.AutoMLVisionError as error:  # ModelError, UnexpectedReply: the deployment's logs say more
        return f"report it: {type(error).__name__}: {error}"


def main() -> None:
    cat = PHOTOS / "chelsea.png"
    with endpoint_for(Task.DETECTION), Client.from_env() as client:
        print(scored(client, cat))
        print(scored(client, "lost.jpg"))
        print(scored(client.with_options(deployment="purple"), cat))
    with Client("http://127.0.0.1:9/score", "a-key", retry=RetryPolicy(attempts=2)) as client:
        print(scored(client, cat))  # nothing listens there


if __name__ == "__main__":
    main()
