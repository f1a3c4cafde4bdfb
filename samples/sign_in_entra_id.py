"""Sign in with Entra ID: no key anywhere. Needs an endpoint of yours whose authentication mode is aad_token.

export AUTOML_CV_SCORING_URI=https://my-endpoint.westeurope.inference.ml.azure.com/score
python samples/sign_in_entra_id.py [IMAGE]
"""

import os
import sys
from pathlib import Path

from azure.identity import DefaultAzureCredential

from automl_cv_client import Client, errors

IMAGE = Path(__file__).parent / "photos" / "chelsea.png"


def main(image: str | Path = IMAGE) -> None:
    uri = os.environ.get("AUTOML_CV_SCORING_URI")
    if not uri:
        sys.exit("set AUTOML_CV_SCORING_URI to your endpoint's scoring URI (studio: Endpoints, tab 'Consume')")
    # Finds a managed identity, az login, a service principal in AZURE_* variables, ...; Client(uri) does the same.
    with DefaultAzureCredential() as credential, Client(uri, credential) as client:
        try:
            found = client.detect(image)
        except (errors.AuthenticationFailed, errors.PermissionDenied) as error:
            sys.exit(f"not let in: {error}")
    print("let in, found", *(detection.label for detection in found))


if __name__ == "__main__":
    main(*sys.argv[1:])
