"""The block that holds the address and the key of a service."""

from typing import cast

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from penstock.client import AsyncClient, Client


class PenstockCredentials(Block):
    """A Penstock service. A field left empty has its value from the environment of the flow."""

    _block_type_name = "Penstock Credentials"
    _block_type_slug = "penstock-credentials"
    _description = "Address and API key of a Penstock service."

    url: str | None = Field(None, description="address of the API, such as http://penstock:8000; else PENSTOCK_API_URL")
    key: SecretStr | None = Field(None, description="API key of a project; else PENSTOCK_API_KEY")

    def client(self) -> Client:
        """A blocking client. Raises as `penstock.Client`."""
        return Client(self.url, self._plain_key())

    def async_client(self) -> AsyncClient:
        return AsyncClient(self.url, self._plain_key())

    def _plain_key(self) -> str | None:
        return self.key.get_secret_value() if self.key else None


# A block, or the name of a saved one; None: the service of the environment.
Credentials = PenstockCredentials | str | None


def client_of(credentials: Credentials) -> Client:
    """A client of this service."""
    if isinstance(credentials, str):
        # A blocking task of an async flow runs in the thread of the loop.
        loaded = PenstockCredentials.load(credentials, _sync=True)  # type: ignore[call-arg] # Prefect hides it
        credentials = cast(PenstockCredentials, loaded)
    return credentials.client() if credentials else Client()


async def async_client_of(credentials: Credentials) -> AsyncClient:
    if isinstance(credentials, str):
        credentials = await PenstockCredentials.aload(credentials)
    return credentials.async_client() if credentials else AsyncClient()
