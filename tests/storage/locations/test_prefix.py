"""What prefixes of an object store do beyond the contract."""

import pytest

from penstock.domain import errors
from penstock.storage.locations import Publication, open_location
from penstock.storage.object_store import ObjectStore
from tests.storage.ports import free_port


def test_a_bucket_that_is_not_there_is_told(s3_endpoint, aws, made):
    nowhere = open_location("s3://nowhere/x", s3_endpoint)

    with pytest.raises(errors.InputUnreachable, match="no such file, folder or prefix"):
        list(nowhere.list_files())
    for write in (
        lambda: nowhere.require_writable("bat_1"),
        lambda: nowhere.publish(made(), Publication("a", "bat_1", replace=True)),
    ):
        with pytest.raises(errors.StorageUnavailable):
            write()


def test_an_unreachable_server_may_be_tried_again(aws, made):
    away = open_location("s3://bucket/x", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(errors.OriginUnavailable):
        list(away.list_files())
    with pytest.raises(errors.StorageUnavailable):
        away.publish(made(), Publication("a", "bat_1", replace=True))


@pytest.mark.parametrize("address", ["github://a/b", "generic://a/b", "dbfs://a/b"])
def test_a_protocol_that_needs_more_than_an_address_is_told(address):
    with pytest.raises(errors.UrlForbidden, match="needs more than an address"):
        open_location(address, None)


def test_a_server_that_is_asked_when_it_is_opened_may_be_away():
    with pytest.raises(errors.OriginUnavailable):
        open_location(f"ftp://127.0.0.1:{free_port()}/folder", None)


def test_wrong_credentials_are_told_for_sources_and_destinations(s3_endpoint, aws, monkeypatch, made):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    # A process reads its credentials once; another spelling of the endpoint is another connection.
    refused = open_location("s3://bucket/x", s3_endpoint.replace("127.0.0.1", "localhost"))

    with pytest.raises(errors.InputUnreachable, match="no right to read"):
        list(refused.list_files())
    with pytest.raises(errors.UrlForbidden, match="no right to write"):
        refused.require_writable("bat_1")


def test_a_source_is_listed_beyond_the_first_page(prefix, made):
    objects = {f"{number % 7}/{number:04}" for number in range(1100)}
    path = made(b"")
    for name in objects:
        prefix._objects.upload(path, name, "", lambda: False)

    assert {entry.name for entry in prefix.list_files()} == objects


def test_the_prefix_may_be_a_whole_bucket(s3_endpoint, aws, prefix, made):
    published = prefix.publish(made(), Publication("a.jpg", "bat_1"))
    bucket = open_location("s3://bucket", s3_endpoint)
    name = bucket.name_of(prefix.address_of("a.jpg"))

    assert bucket.stat(name).version == published.version
    assert name in [entry.name for entry in bucket.list_files()]


def test_a_neighbor_whose_name_begins_alike_is_not_listed(s3_endpoint, aws, tmp_path, made):
    one, other = (open_location(f"s3://bucket/{tmp_path.name}/{name}", s3_endpoint) for name in ("in", "input"))
    other.publish(made(), Publication("a.jpg", "bat_1"))

    assert list(one.list_files()) == []


def test_an_object_gets_the_type_of_its_name(s3_endpoint, prefix, made):
    prefix.publish(made(), Publication("a.webp", "bat_1"))
    head = prefix._objects._call("head_object", lambda: False, Key=prefix._objects._below + "a.webp")

    assert head["ContentType"] == "image/webp"


def test_a_location_and_the_store_of_outputs_share_a_bucket(s3_endpoint, aws, tmp_path, prefix, made):
    store = ObjectStore.at(f"s3://bucket/{tmp_path.name}/a prefix", s3_endpoint)
    store.put(made(b"stored"), "prj/a", "image/webp")

    assert [entry.name for entry in prefix.list_files()] == ["prj/a"]


def test_another_file_system_publishes_by_renaming_a_part(memory, made):
    memory._objects._filesystem.pipe_file(memory._objects._path(".penstock/bat_1-left"), b"half")
    memory._objects._filesystem.pipe_file(memory._objects._path(".penstock/bat_2-left"), b"half")

    assert (memory.remove_parts("bat_1"), memory.remove_parts("bat_1"), memory.remove_parts("bat_2")) == (1, 0, 1)
