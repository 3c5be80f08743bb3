"""`prefect.yaml` is what a Prefect user applies: it must be complete and true."""

import asyncio
import gzip

import pytest
from prefect import Flow
from prefect.utilities.importtools import import_object
from prefect.utilities.schema_tools.validation import ValidationError, validate

from penstock.deployments import bootstrap
from penstock.deployments.bootstrap import load_prefect_yaml
from penstock.domain.errors import FieldInvalid, InvalidRequest, RequestError
from penstock.domain.formats import FORMATS
from penstock.domain.request import SourceRequest, parse_request
from penstock.domain.request_form import parse_parameter, redacted
from penstock.domain.secret_urls import HIDDEN
from penstock.orchestration.flow_run_options import BROKEN_TAG, POOL, QUEUES, REFUSED_TAG
from penstock.orchestration.prefect_server import deployed_file, tables_file
from penstock.orchestration.run import shown_stage
from penstock.settings import Settings

DEPLOYMENTS = {entry["name"]: entry for entry in load_prefect_yaml()["deployments"]}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_entrypoint_is_a_module_path_to_a_flow(name):
    entrypoint = DEPLOYMENTS[name]["entrypoint"]

    assert ":" not in entrypoint
    assert isinstance(import_object(entrypoint), Flow)


def test_a_new_home_comes_with_the_deployments_of_this_file():
    (kept,) = tables_file().parent.glob("prefect_tables_*.sql.gz")
    assert gzip.decompress(kept.read_bytes()).decode().startswith(f"{bootstrap.heading_of_tables()}\n")


@pytest.fixture
def applied(monkeypatch, tmp_path):
    """What is applied to a home whose file `deployed` has this text."""

    async def all_exist():
        return True

    def apply(told):
        found = []

        async def note(*_):
            found.append(told)

        monkeypatch.setattr(bootstrap, "apply_prefect_yaml", note)
        monkeypatch.setattr(bootstrap, "_all_exist", all_exist)
        deployed_file(tmp_path).parent.mkdir(exist_ok=True)
        deployed_file(tmp_path).write_text(told)
        asyncio.run(bootstrap.apply_if_changed(Settings(home=tmp_path)))
        return found

    return apply


def test_the_file_is_applied_to_a_new_home_if_somebody_edited_it_before(applied):
    assert applied("-- prefect.yaml of the release")


def test_a_file_that_was_applied_is_not_applied_again(applied, tmp_path):
    applied("an earlier one")
    assert not applied(deployed_file(tmp_path).read_text())


def test_code_comes_from_the_installed_package_alone():
    assert load_prefect_yaml()["pull"] == []


def made():
    return {
        (pool["name"], queue["name"])
        for pool in load_prefect_yaml()["definitions"]["work_pools"]
        for queue in pool["queues"]
    }


def test_every_queue_that_gets_runs_is_created():
    assert {(POOL, queue) for queue in QUEUES.values()} <= made()


def test_every_deployment_has_a_pool_and_queue_that_exist():
    for entry in DEPLOYMENTS.values():
        assert (entry["work_pool"]["name"], entry["work_pool"]["work_queue_name"]) in made()


def test_every_saved_filter_reads_tags_or_states_that_runs_have():
    states = {shown_stage.AWAITING_SLOT, "Late"}
    tags = {REFUSED_TAG, BROKEN_TAG, *(f"kind:{kind}" for kind in QUEUES)}
    for entry in load_prefect_yaml()["definitions"]["saved_filters"]:
        assert set(entry.get("state", ())) <= states
        assert set(entry.get("tag", ())) <= tags
        assert set(entry) <= {"name", "state", "tag"}


def test_the_triggered_flow_takes_ids_and_nothing_else():
    flow = import_object(DEPLOYMENTS["convert-source"]["entrypoint"])
    assert set(flow.parameters.properties) == {"task_id", "attempt"}


@pytest.fixture(scope="module")
def form():
    flow = import_object(DEPLOYMENTS["convert-request"]["entrypoint"])
    return flow.parameters.model_dump()


def test_the_form_of_a_request_offers_the_choices(form):
    fields = form["properties"]["request"]["properties"]

    assert fields["kind"]["enum"] == ["video", "audio", "image"]
    assert {"mp4", "flac", "webp", "jpg"} <= set(fields["format"]["enum"])
    assert list(fields) == [*SourceRequest.model_fields, "destination", "overwrite"]
    assert [field["position"] for field in fields.values()] == list(range(len(fields)))


@pytest.mark.parametrize("format_", FORMATS)
def test_what_the_form_shows_at_first_is_the_default_of_every_format(format_):
    shown = DEPLOYMENTS["convert-request"]["parameters"]["request"]
    wanted = {"url": "https://example.com/a.mov", "format": format_}

    assert parse_parameter(wanted | shown).fingerprint() == parse_parameter(wanted).fingerprint()


VIDEO = {"url": "https://example.com/a.mov", "kind": "video", "format": "mp4"}
IMAGE = VIDEO | {"kind": "image", "format": "jpg"}
TAKEN = [
    VIDEO,
    IMAGE,
    VIDEO | {"width": 640.0, "quality": 1, "start": 0, "end": 2.5},
    IMAGE | {"at": "auto"},
    IMAGE | {"at": 3},
    VIDEO | {"url": None, "file_id": "med_abcdefgh1234"},
    VIDEO | {"webhook_url": "https://example.com/done"},
    VIDEO | {name: None for name in SourceRequest.model_fields if name not in ("url", "kind", "format")},
]


@pytest.mark.parametrize("request_body", TAKEN)
def test_prefect_accepts_what_http_accepts(form, request_body):
    parse_request(request_body)
    validate({"request": request_body}, form, raise_on_error=True)
    assert parse_parameter(request_body) == parse_request(request_body)


REFUSED = [
    VIDEO | {"quality": 7},
    VIDEO | {"colour": "red"},
    VIDEO | {"width": 0},
    VIDEO | {"at": 3},
    VIDEO | {"file_id": "file_abcdefgh1234"},
    VIDEO | {"background": "red"},
]


@pytest.mark.parametrize("request_body", REFUSED)
def test_what_prefect_accepts_beyond_that_is_refused(form, request_body):
    validate({"request": request_body}, form, raise_on_error=True)
    with pytest.raises(InvalidRequest):
        parse_parameter(request_body)


SECRET = [
    VIDEO | {"url": "https://example.com/a.mov?token=abc"},
    VIDEO | {"webhook_url": "https://example.com/done?X-Api-Key=abc"},
    VIDEO | {"webhook_url": "https://user:word@example.com/done"},
]


@pytest.mark.parametrize("request_body", SECRET)
def test_prefect_stores_no_url_with_a_secret(form, request_body):
    with pytest.raises(ValidationError, match="send a URL that carries a secret to the API instead"):
        validate({"request": request_body}, form, raise_on_error=True)
    with pytest.raises(FieldInvalid, match="carries a secret"):
        parse_parameter(request_body)


def test_addresses_of_folders_and_prefixes_are_taken_in_one_form(form):
    given = VIDEO | {"url": "s3a://in//film one.mov", "destination": "/out/./film.mp4", "overwrite": True}
    validate({"request": given}, form, raise_on_error=True)
    parsed = parse_parameter(given)

    assert (parsed.url, parsed.destination) == ("s3://in/film%20one.mov", "file:///out/film.mp4")
    assert parsed.replaces
    assert parse_parameter(parsed) == parsed


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"destination": "s3://out/films/"}, "destination must end with the name of the output"),
        ({"destination": "https://example.com/a.mp4"}, "destination must be an absolute path or an address"),
        ({"url": "s3://key:word@b/a.mp4"}, "url carries a secret"),
        ({"destination": "s3://key:word@b/a.mp4"}, "destination carries a secret"),
        ({"overwrite": "yes", "destination": "s3://b/a.mp4"}, "overwrite must be true or false"),
        ({"overwrite": True}, "overwrite needs a destination"),
    ],
)
def test_a_wrong_input_or_destination_is_refused_with_its_field(more, told):
    with pytest.raises(RequestError, match=told) as refused:
        parse_parameter(VIDEO | more)
    assert refused.value.field in more


def test_a_secret_that_no_schema_finds_is_refused():
    hook = VIDEO | {"webhook_url": "https://hooks.example.com/services/T024BE7LD/aB3xY9Qz7Rk2Lm5Tn8"}
    with pytest.raises(FieldInvalid, match="webhook_url carries a secret"):
        parse_parameter(hook)
    assert redacted({"request": hook})["request"] == hook | {"webhook_url": HIDDEN}
