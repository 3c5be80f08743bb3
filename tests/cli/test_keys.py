"""The state of each key in the list."""

import pytest

from penstock.cli.keys import state_of
from penstock.domain.api_keys import ApiKey
from penstock.domain.ids import KeyId, ProjectId

PAST, FUTURE = "2001-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("revoked", "expires", "state"),
    [
        (None, None, "live"),
        (None, FUTURE, f"expires {FUTURE}"),
        (None, PAST, f"expired {PAST}"),
        (PAST, FUTURE, f"revoked {PAST}"),
    ],
)
def test_a_key_is_listed_with_its_state(revoked, expires, state):
    assert state_of(ApiKey(KeyId("key_a"), ProjectId("prj_a"), PAST, revoked, expires)) == state
