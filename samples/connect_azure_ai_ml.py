"""Use an endpoint through azure-ai-ml: the workspace knows its address and its key.

python samples/connect_azure_ai_ml.py ENDPOINT [IMAGE]

Needs the extra azureml, and the workspace's config.json (its page in the portal offers it) in this folder or above.
"""

import sys
from pathlib import Path

from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential

from automl_cv_client import Client

IMAGE = Path(__file__).parent / "photos" / "chelsea.png"


def main(endpoint: str, image: str | Path = IMAGE) -> None:
    ml_client = MLClient.from_config(DefaultAzureCredential())
    with Client.from_ml_client(ml_client, endpoint) as client:
        for deployment in client.deployments():
            print(f"{deployment.name}: {deployment.traffic} % of the traffic, {deployment.state}")
        found = client.detect(image)
    print(f"{found.call.deployment} found", *(detection.label for detection in found))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("say which endpoint: python samples/connect_azure_ai_ml.py ENDPOINT [IMAGE]")
    main(*sys.argv[1:])
