"""API keys: a token belongs to one project, and only its hash is stored."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from penstock.domain import errors
from penstock.domain.ids import new_key_id, new_project_id
from penstock.records import Records


@pytest.fixture
def empty(new_database: Callable[[], str]) -> Iterator[Records]:
    opened = Records(new_database())
    opened.migrate()
    yield opened
    opened.close()


def test_the_first_start_creates_a_key_and_returns_it_once(empty: Records):
    token = empty.keys.ensure_default()

    assert empty.keys.find_caller(token).project_id == empty.keys.default_project()
    assert empty.keys.ensure_default() is None


def test_a_given_key_is_stored_and_not_returned(empty: Records):
    assert empty.keys.ensure_default("mine own") is None
    assert empty.keys.ensure_default("mine own") is None
    assert empty.keys.find_caller("mine own").project_id == empty.keys.default_project()
    assert len(empty.keys.list()) == 1


def test_a_given_key_may_change_at_a_later_start(empty: Records):
    first = empty.keys.ensure_default()
    empty.keys.ensure_default("the new one")

    assert empty.keys.find_caller("the new one").project_id == empty.keys.find_caller(first).project_id


def test_a_revoked_key_stays_revoked_when_it_is_given_again(empty: Records):
    empty.keys.ensure_default("mine own")
    empty.keys.revoke(empty.keys.list()[0].id)
    empty.keys.ensure_default("mine own")

    assert empty.keys.find_caller("mine own") is None


def test_concurrent_starts_create_one_project(empty: Records):
    with ThreadPoolExecutor(8) as starts:
        tokens = list(starts.map(lambda _: empty.keys.ensure_default(), range(8)))

    assert len([token for token in tokens if token]) == 1
    assert len(empty.keys.list()) == 1


def test_the_database_contains_no_token(empty: Records):
    token = empty.keys.ensure_default()
    with psycopg.connect(empty.url) as connection:
        kept = connection.execute("SELECT row_to_json(keys)::text FROM keys").fetchall()

    assert token not in str(kept)


def test_a_key_belongs_to_the_named_project(records: Records):
    project = records.keys.new_project("with two keys")
    (one, token), (_, other) = records.keys.create(project), records.keys.create(project)
    records.keys.revoke(one)

    assert records.keys.find_caller(token) is None
    assert records.keys.find_caller(other).project_id == project


def test_an_unknown_token_has_no_caller(records: Records):
    assert records.keys.find_caller("nobody's") is None


def test_keys_of_unknown_projects_and_unknown_keys_are_refused(records: Records, empty: Records):
    for refused in (lambda: records.keys.create(new_project_id()), empty.keys.create, lambda: empty.keys.revoke("key")):
        with pytest.raises(errors.NotFound):
            refused()


def test_the_list_says_which_keys_are_revoked(empty: Records):
    empty.keys.ensure_default()
    key_id, _ = empty.keys.create()
    empty.keys.revoke(key_id)

    assert [(key.id == key_id, key.revoked is not None) for key in empty.keys.list()] == [(False, False), (True, True)]


def test_a_rotated_key_works_until_the_overlap_is_over(empty: Records):
    empty.keys.ensure_default()
    key_id, token = empty.keys.create()
    _, second = empty.keys.rotate(key_id, timedelta(hours=1))
    both = [empty.keys.find_caller(one) is not None for one in (token, second)]
    set_back(empty, "UPDATE keys SET expires = expires - interval '1 hour'")

    assert both == [True, True]
    assert empty.keys.find_caller(token) is None
    assert empty.keys.find_caller(second) is not None
    assert [key.expires is not None for key in empty.keys.list()] == [False, True, False]


def test_a_rotation_never_extends_a_key(empty: Records):
    empty.keys.ensure_default()
    key_id, token = empty.keys.create()
    empty.keys.rotate(key_id, timedelta())

    assert empty.keys.find_caller(token) is None
    with pytest.raises(errors.NotFound):
        empty.keys.rotate(key_id, timedelta(hours=1))


@pytest.mark.parametrize("revoked", [True, False])
def test_only_a_valid_key_can_be_rotated(empty: Records, revoked: bool):
    empty.keys.ensure_default()
    key_id = empty.keys.create()[0] if revoked else new_key_id()
    if revoked:
        empty.keys.revoke(key_id)

    with pytest.raises(errors.NotFound):
        empty.keys.rotate(key_id, timedelta(hours=1))


def test_the_previous_key_of_the_environment_expires(empty: Records):
    def start(token: str) -> None:
        empty.keys.ensure_default(token)
        empty.keys.set_environment_key(token)

    start("first")
    other = empty.keys.create()[1]
    start("second")

    assert [empty.keys.find_caller(one) is not None for one in ("first", "second", other)] == [False, True, True]
    start("first")
    assert [empty.keys.find_caller(one) is not None for one in ("first", "second", other)] == [True, False, True]


def test_the_key_of_the_environment_cannot_be_rotated(empty: Records):
    empty.keys.ensure_default("mine own")
    empty.keys.set_environment_key("mine own")

    with pytest.raises(errors.FieldInvalid, match="PENSTOCK_API_KEY"):
        empty.keys.rotate(empty.keys.list()[0].id, timedelta(hours=1))


def test_a_revoked_key_of_the_environment_stays_revoked(empty: Records):
    empty.keys.ensure_default("mine own")
    empty.keys.revoke(empty.keys.list()[0].id)
    empty.keys.set_environment_key("mine own")

    assert empty.keys.find_caller("mine own") is None


def test_links_of_the_previous_secret_work_during_the_overlap(empty: Records):
    empty.keys.ensure_default()
    project = empty.keys.default_project()
    before = empty.keys.project_secret(project), empty.keys.receipt_key(project)
    empty.keys.rotate_secret(project, timedelta(hours=1))
    after = empty.keys.project_secret(project), empty.keys.receipt_key(project)

    assert len({*before, *after}) == 4
    with pytest.raises(errors.NotFound):
        empty.keys.rotate_secret(new_project_id(), timedelta(hours=1))


def set_back(records: Records, statement: str) -> None:
    with psycopg.connect(records.url) as connection:
        connection.execute(statement)
