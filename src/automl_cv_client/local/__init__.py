"""A scoring endpoint on this machine: real HTTP, real models, the replies of AutoML for Images.

    with LocalEndpoint("image-object-detection") as endpoint, Client(endpoint.scoring_uri, endpoint.key) as client:
        client.detect("cat.png")

Needs the extra ``local``. Importing this room loads none of its libraries; making an endpoint does, and says
what to install when one is missing.
"""

from automl_cv_client.local.endpoint import LocalEndpoint
from automl_cv_client.local.local_model import LocalModel
from automl_cv_client.local.rules import EndpointRules, LocalDeployment
from automl_cv_client.local.serving import serve

__all__ = ["EndpointRules", "LocalDeployment", "LocalEndpoint", "LocalModel", "serve"]
