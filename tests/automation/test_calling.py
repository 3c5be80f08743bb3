"""Programs and flows of other projects convert: the examples of `deployments/examples` on a real service."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.documentation.pages import blocks
from tests.fundamentals.stored import tables_with
from tests.media_server import made
from tests.service import csrf, exported, plain_environment, wait_for

pytestmark = pytest.mark.service

EXAMPLES = Path(__file__).parents[2] / "deployments" / "examples"
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def foreign(penstock, tmp_path_factory):
    """The environment of a program that reaches only Prefect."""
    prefect = {name: value for name, value in exported(penstock).items() if name in ("PATH", "PREFECT_API_AUTH_STRING")}
    return prefect | {
        "PREFECT_API_URL": penstock.service.prefect_api_url,
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
    }


@pytest.fixture(scope="module")
def block(penstock, foreign):
    """A block `penstock`, as somebody saves it in the UI after it was registered."""
    register, _ = blocks("docs/prefect.md", "sh")
    python(foreign, "-m", *shlex.split(register))
    save = "import sys; from penstock.prefect import PenstockCredentials as C; C(url=sys.argv[1], key=sys.argv[2])"
    python(foreign, "-c", f"{save}.save('penstock', overwrite=True)", penstock.service.api_url, penstock.key)


def python(environment, *words, folder=None):
    """What a program prints, line by line. `FOREIGN_PYTHON` has another Prefect (`just prefect-range`)."""
    is_foreign = "PENSTOCK_HOME" not in environment
    executable = os.environ.get("FOREIGN_PYTHON", sys.executable) if is_foreign else sys.executable
    done = subprocess.run(
        [executable, *words], env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_one_call_converts_a_file(penstock, clip, tmp_path):
    environment = plain_environment() | {"PENSTOCK_HOME": str(penstock.home.root)}
    said = python(environment, EXAMPLES / "one_call.py", clip, tmp_path / "small.mp4")
    assert (said[0], said[-2]) == ("sending 100 %", "completed 100 %")
    assert said[-1].split() == [
        str(tmp_path / "small.mp4"),
        str(clip.stat().st_size - (tmp_path / "small.mp4").stat().st_size),
    ]


def test_a_foreign_flow_converts_with_the_block(penstock, foreign, block, origin, photo):
    urls = [f"{origin}/{photo.name}?page={number}" for number in range(2)]
    made, refused, counted = python(foreign, EXAMPLES / "foreign_flow.py", *urls)

    output = penstock.client.task(
        penstock.client.create({"url": urls[0], "kind": "image", "format": "webp", "width": 120})["id"]
    )
    assert (made.split()[0], refused, counted) == (output["output"]["id"], "upscale_not_allowed", "2 True")
    assert shown_secrets(penstock) == []
    table = next(one for one in artifacts(penstock) if (one["key"] or "").startswith("batch-bat-"))
    assert [row["status"] for row in json.loads(table["data"])] == ["completed", "completed"]


def shown_secrets(penstock):
    """Where Prefect shows the key of the service."""
    runs = [
        penstock.prefect.post(f"/{kind}/filter", json={}, headers=csrf(penstock)).text
        for kind in ("flow_runs", "task_runs")
    ]
    return [text for text in (*runs, json.dumps(artifacts(penstock))) if penstock.key in text]


def artifacts(penstock):
    asked = {"sort": "CREATED_DESC", "limit": 50}
    return penstock.prefect.post("/artifacts/filter", json=asked, headers=csrf(penstock)).raise_for_status().json()


def test_a_folder_is_converted_by_a_flow_within_the_roots(penstock, foreign, block, photo):
    folder = penstock.home.root.parent / "allowed" / "called"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("one.png", "two.png"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "three.png").write_bytes(b"no picture")
    program = f"""
from prefect import flow
from penstock import errors
from penstock.prefect import convert_folder

@flow
def nightly():
    done = convert_folder({str(folder)!r}, {str(folder / "web")!r}, format="webp", width=30, credentials="penstock")
    print(done.converted, done.skipped, done.refused)
    again = convert_folder({str(folder)!r}, {str(folder / "web")!r}, format="webp", width=30, credentials="penstock")
    print(again.converted, again.skipped, again.refused)
    try:
        convert_folder("/etc", {str(folder / "web")!r}, format="webp", credentials="penstock")
    except errors.UrlForbidden as refused:
        print(refused.message)

nightly()
"""
    first, again, refused = python(foreign, "-c", program)
    assert (first, again) == ("2 0 1", "0 2 1")
    assert "PENSTOCK_BATCH_ROOTS" in refused
    assert sorted(path.name for path in (folder / "web").glob("*.webp")) == ["one.webp", "two.webp"]


def test_a_flow_reads_and_writes_s3_within_the_roots(penstock, foreign, buckets, photo, tmp_path):
    small = made(buckets.folder / "in" / "hero.mov", "testsrc2=size=1280x720:rate=25:duration=1")
    (buckets.folder / "in" / "photos").mkdir()
    (buckets.folder / "in" / "photos" / "one.png").write_bytes(photo.read_bytes())
    environment = foreign | {"PENSTOCK_API_URL": penstock.service.api_url, "PENSTOCK_API_KEY": penstock.key}
    twice = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); from nightly import nightly; nightly(); nightly()"
    first, poster, folder, refused, *again = python(environment, "-c", twice, folder=tmp_path)

    saved, bytes_saved = first.split()
    assert (saved, small.stat().st_size - int(bytes_saved)) == ("out/hero.mp4", (tmp_path / saved).stat().st_size)
    assert (poster, folder) == ("320 poster.webp", "1 0 0")
    assert refused.startswith("url_forbidden ")
    assert "PENSTOCK_BATCH_ROOTS" in refused
    assert sorted(path.name for path in (buckets.folder / "out").rglob("*.webp")) == ["one.webp", "poster.webp"]
    assert again == [first, poster, "0 1 0", refused]


REFUSED = """
from prefect import flow
from penstock import errors
from penstock.prefect import convert_folder, convert_media

@flow
def refused():
    here, there = "s3://in/photos/one.png", "s3://out/one.webp"
    saved = convert_media(here, format="webp", width=44, destination=there, overwrite=True).save
    for call in (
        lambda: convert_media(here, format="mp5"),
        lambda: convert_media(here, format="webp", width="wide"),
        lambda: convert_media(here, format="webp", width=7000),
        lambda: convert_media(here, format="webp", width=45, destination=there),
        lambda: convert_media("s3://in/none.png", format="webp"),
        lambda: convert_folder("s3://in/photos/", format="webp", quality="high"),
        lambda: saved("out/"),
    ):
        try:
            call()
        except errors.MediaError as error:
            print(error.code, error.field)

refused()
"""


def test_refusals_have_one_shape_from_each_way_in(penstock, foreign, buckets, photo, tmp_path):
    (buckets.folder / "in" / "photos").mkdir(exist_ok=True)
    (buckets.folder / "in" / "photos" / "one.png").write_bytes(photo.read_bytes())
    environment = foreign | {"PENSTOCK_API_URL": penstock.service.api_url, "PENSTOCK_API_KEY": penstock.key}
    assert python(environment, "-c", REFUSED, folder=tmp_path) == [
        "format_unsupported format",
        "field_invalid width",
        "upscale_not_allowed None",
        "field_invalid None",
        "input_unreachable None",
        "field_invalid quality",
        "file_not_found None",
    ]


def test_the_api_takes_no_address_of_a_folder_or_prefix(penstock, buckets):
    headers = {"Authorization": f"Bearer {penstock.key}"}
    request = {"kind": "image", "format": "webp"}
    for url in ("s3://in/photos/one.png", "file:///etc/hostname"):
        answer = httpx.post(f"{penstock.service.api_url}/tasks", json=request | {"url": url}, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "url_forbidden"
    with_destination = request | {"url": "https://example.com/a.png", "destination": "s3://out/a.webp"}
    answer = httpx.post(f"{penstock.service.api_url}/tasks", json=with_destination, headers=headers)
    assert answer.json()["error"]["code"] == "field_unknown"


def test_our_flow_runs_as_a_subflow(penstock, origin, photo):
    *_, made, refused = python(exported(penstock), EXAMPLES / "subflow.py", f"{origin}/{photo.name}")
    assert made == "completed 70"
    assert refused.startswith("upscale_not_allowed: The input is ")


def test_deployments_are_called_by_name_with_and_without_waiting(penstock, foreign, origin, photo):
    waited, later, refused = python(foreign, EXAMPLES / "deployments_by_name.py", f"{origin}/{photo.name}")
    run = wait_for(lambda: ended(penstock, later), 60)

    task_id, status = waited.split()
    assert (status, penstock.client.task(task_id)["output"]["width"]) == ("completed", 80)
    assert (run["state"]["type"], run["state"]["data"]["output"]["width"]) == ("COMPLETED", 81)
    assert refused.startswith("field_invalid: at ")


def ended(penstock, run_id):
    run = penstock.prefect.get(f"/flow_runs/{run_id}").raise_for_status().json()
    return run if run["end_time"] else None


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    ("number", "call"),
    list(enumerate(["nightly(URL)", "", "", "from_a_signed_address()", "print(ingest(URL)['status'])"])),
)
def test_the_programs_of_the_page_work_as_printed(penstock, foreign, origin, photo, *, tmp_path, number, call):
    url = f"{origin}/{photo.name}"
    program = re.findall(r"```python\n(.*?)```", (DOCS / "prefect.md").read_text(), re.DOTALL)[number]
    known = {"PENSTOCK_API_URL": penstock.service.api_url, "PENSTOCK_API_KEY": penstock.key}
    environment = exported(penstock) if "ingest" in call else foreign | known
    save = f"from prefect.blocks.system import Secret; Secret(value={url!r}).save('signed-address', overwrite=True)\n"
    text = program.replace("https://example.com/photo.png", url) + f"\nURL = {url!r}\n{call}\n"
    python(environment, "-c", save * ("signed" in call) + f"import os; os.chdir({str(tmp_path)!r})\n" + text)


def test_prefect_makes_a_typed_module_of_our_deployments(foreign, tmp_path):
    _, generate = blocks("docs/prefect.md", "sh")
    python(foreign, "-m", *shlex.split(generate), folder=tmp_path)
    module = tmp_path / "deployments_sdk.py"
    compile(module.read_text(), module, "exec")
    assert "convert-request" in module.read_text()


def test_a_signed_address_comes_from_a_secret_block_and_is_shown_nowhere(penstock, foreign, origin, photo):
    address = f"{origin}/{photo.name}?X-Amz-Signature=hush-91"
    save = "import sys; from prefect.blocks.system import Secret; Secret(value=sys.argv[1])"
    for name, value in {"signed": address, "no-address": "hush-91"}.items():
        python(foreign, "-c", f"{save}.save({name!r}, overwrite=True)", value)
    wanted = {"format": "webp", "width": 93}
    runs = [requested(penstock, wanted | {"url": f"secret-block:{name}"}) for name in ("signed", "no-address", "none")]
    signed, wrong, missing = (wait_for(lambda each=each: ended(penstock, each), 60) for each in runs)

    assert (signed["state"]["type"], signed["state"]["data"]["output"]["width"]) == ("COMPLETED", 93)
    assert wrong["state"]["message"].startswith("field_invalid: url names a Secret block that holds no http(s) address")
    assert missing["state"]["message"].startswith("field_invalid: url names a Secret block that does not exist")
    assert tables_with("hush-91", penstock, "prefect") == []


def requested(penstock, request):
    """The id of a run of `convert-request`."""
    found = penstock.prefect.get("/deployments/name/convert-request/convert-request").raise_for_status().json()
    path, body = f"/deployments/{found['id']}/create_flow_run", {"parameters": {"request": request}}
    return penstock.prefect.post(path, json=body, headers=csrf(penstock)).raise_for_status().json()["id"]
