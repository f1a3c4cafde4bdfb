"""The four tasks on one image, and what each returns.

python samples/score_all_tasks.py

A deployed model has one task, so this sample always uses a local endpoint, which has a model for each.
"""

from pathlib import Path

from automl_cv_client import Client, Task
from automl_cv_client.local import LocalEndpoint

IMAGE = Path(__file__).parent / "photos" / "chelsea.png"


def main() -> None:
    with LocalEndpoint.for_all_tasks() as endpoint:
        for task in Task:
            with Client(endpoint.scoring_uri_of(task), endpoint.key) as client:
                result = client.score(IMAGE, task)  # the same as client.classify(IMAGE) and so on
            print(f"{task.method}: {result}")


if __name__ == "__main__":
    main()
