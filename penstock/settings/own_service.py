"""`eval "$(penstock env)"` sets variables that lead to a service of this home. The next one starts its own parts."""

import os

from penstock.settings import Settings

OWN_URLS = "PENSTOCK_OWN_URLS"


def own_urls() -> frozenset[str]:
    """The URLs that `penstock env` has set, of parts that the service of then ran itself."""
    return frozenset(os.environ.get(OWN_URLS, "").split())


def without_own_service(settings: Settings, urls: frozenset[str]) -> Settings:
    """The settings without the database and the Prefect at these URLs: they ended with their service, so that one that
    was told to use them would wait for them in vain."""
    is_own_database, is_own_prefect = settings.database_url in urls, settings.prefect_api_url in urls
    left_out = (("database_url",) if is_own_database else ()) + (
        ("prefect_api_url", "prefect_ui_url") if is_own_prefect else ()
    )
    return settings.model_copy(update=dict.fromkeys(left_out))
