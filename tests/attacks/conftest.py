"""The API with a fake in place of the flow runs, and the services behind it."""

from tests.api.conftest import client, other, parts, project, runs, settings, shared  # noqa: F401 - fixtures
