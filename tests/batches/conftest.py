"""The services of a batch: a database, a folder as storage, a sandbox."""

import secrets

import pytest

from penstock.records import Records
from penstock.services import open_services
from penstock.settings import Settings
from tests.batches.runner import BatchRunner


@pytest.fixture(scope="session")
def batch_database(new_database):
    url = new_database()
    records = Records(url)
    records.migrate()
    records.close()
    return url


@pytest.fixture(scope="session")
def new_services(batch_database, tmp_path_factory):
    """Opens services with these settings."""

    def opened(**settings):
        home = tmp_path_factory.mktemp("home")
        return open_services(Settings(home=home, database_url=batch_database, **settings))

    return opened


@pytest.fixture(scope="session")
def services(new_services):
    with new_services(fetch_allow="127.0.0.0/8") as opened:
        yield opened


@pytest.fixture
def runner(services):
    return BatchRunner(services, services.records.keys.new_project(secrets.token_hex(8)))
