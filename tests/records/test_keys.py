"""Who may ask: a token opens its own project, and only its hash is kept."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from penstock.domain import errors
from penstock.domain.ids import new_project_id
from penstock.records import Records


@pytest.fixture
def empty(new_database: Callable[[], str]) -> Iterator[Records]:
    opened = Records(new_database())
    opened.migrate()
    yield opened
    opened.close()


def test_the_first_start_makes_a_key_and_tells_it_once(empty: Records):
    token = empty.keys.ensure_default()

    assert empty.keys.caller(token).project_id == empty.keys.default_project()
    assert empty.keys.ensure_default() is None


def test_a_given_key_is_taken_and_not_told(empty: Records):
    assert empty.keys.ensure_default("mine own") is None
    assert empty.keys.ensure_default("mine own") is None
    assert empty.keys.caller("mine own").project_id == empty.keys.default_project()
    assert len(empty.keys.list()) == 1


def test_a_given_key_may_change_at_a_later_start(empty: Records):
    first = empty.keys.ensure_default()
    empty.keys.ensure_default("the new one")

    assert empty.keys.caller("the new one").project_id == empty.keys.caller(first).project_id


def test_a_revoked_key_stays_revoked_though_it_is_given_again(empty: Records):
    empty.keys.ensure_default("mine own")
    empty.keys.revoke(empty.keys.list()[0].id)
    empty.keys.ensure_default("mine own")

    assert empty.keys.caller("mine own") is None


def test_many_starts_at_once_make_one_project(empty: Records):
    with ThreadPoolExecutor(8) as starts:
        tokens = list(starts.map(lambda _: empty.keys.ensure_default(), range(8)))

    assert len([token for token in tokens if token]) == 1
    assert len(empty.keys.list()) == 1


def test_no_token_stands_in_the_database(empty: Records):
    token = empty.keys.ensure_default()
    with psycopg.connect(empty.url) as connection:
        kept = connection.execute("SELECT row_to_json(keys)::text FROM keys").fetchall()

    assert token not in str(kept)


def test_a_key_of_a_named_project_opens_that_one(records: Records):
    project = records.keys.new_project("with two keys")
    (one, token), (_, other) = records.keys.create(project), records.keys.create(project)
    records.keys.revoke(one)

    assert records.keys.caller(token) is None
    assert records.keys.caller(other).project_id == project


def test_an_unknown_token_opens_nothing(records: Records):
    assert records.keys.caller("nobody's") is None


def test_keys_of_unknown_projects_and_unknown_keys_are_refused(records: Records, empty: Records):
    for refused in (lambda: records.keys.create(new_project_id()), empty.keys.create, lambda: empty.keys.revoke("key")):
        with pytest.raises(errors.NotFound):
            refused()


def test_the_list_says_which_keys_are_revoked(empty: Records):
    empty.keys.ensure_default()
    key_id, _ = empty.keys.create()
    empty.keys.revoke(key_id)

    assert [(key.id == key_id, key.revoked is not None) for key in empty.keys.list()] == [(False, False), (True, True)]
