"""The loopback Azure of the tests of access."""

from tests.access.conftest import _no_identity_variables, authority, azure, bundle, tls, trusted

__all__ = ["_no_identity_variables", "authority", "azure", "bundle", "tls", "trusted"]
