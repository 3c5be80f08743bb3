"""A signed link gives what it was signed for, whatever is sent with it, and nothing to whoever changes it."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.services import Services
from tests.api.app import FakeRunService, Project, new_project, store_upload
from tests.api.test_files import picture
from tests.attacks.generated import generated

CONTENT = bytes(range(256)) * 8
LAST = len(CONTENT) - 1


@dataclass(frozen=True)
class Signed:
    """A link to `CONTENT`, the etag of that, and a project that may sign others."""

    client: httpx.Client
    url: str
    etag: str
    project: Project

    def sign_upload(self, filename: str) -> httpx.Response:
        body = {"method": "put", "filename": filename}
        return self.client.post("/signatures", json=body, **self.project())


@pytest.fixture(scope="module")
def signed(shared: tuple[httpx.Client, FakeRunService], parts: Services) -> Signed:
    project = new_project(parts)
    file = store_upload(parts, project, CONTENT)
    url = shared[0].get(f"/files/{file.id}", **project()).json()["data"]["url"]
    return Signed(shared[0], url, f'"{file.facts.sha256}"', project)


places = st.one_of(st.integers(0, LAST + 3), st.integers(0, 10**20), st.just("")).map(str)
spans = st.builds("{}-{}".format, places, places)
units = st.sampled_from(["bytes=", "bytes =", "Bytes=", "bytes= ", "items=", "bytes", ""])
noise = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=30).map(
    str.strip
)
ranges = st.one_of(noise, st.builds(lambda unit, several: (unit + ",".join(several)).strip(), units, st.lists(spans)))
validators = st.one_of(noise, st.sampled_from(["*", "ETAG", "W/ETAG", '"a", ETAG', "Thu, 01 Jan 1970 00:00:00 GMT"]))
conditions = st.fixed_dictionaries(
    {},
    optional={
        "Range": ranges, "If-None-Match": validators, "If-Range": validators, "If-Match": validators,
        "If-Modified-Since": validators, "Accept-Encoding": noise, "X-HTTP-Method-Override": st.just("DELETE"),
    },
)  # fmt: skip


def said_bytes(answer: httpx.Response) -> bytes:
    """Those that status and headers announce."""
    match answer.status_code:
        case 200:
            return CONTENT
        case 206:
            first, last, size = map(int, re.findall(r"\d+", answer.headers["content-range"]))
            assert 0 <= first <= last < size == len(CONTENT)
            return CONTENT[first : last + 1]
        case 416:
            assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"
            return b""
        case status:
            assert status == 304
            return b""


@generated
@given(st.sampled_from(["GET", "HEAD"]), conditions)
def test_whatever_part_is_asked_for_the_bytes_are_those_that_are_said(signed, method, conditions):
    headers = {name: value.replace("ETAG", signed.etag).encode("latin-1") for name, value in conditions.items()}
    answer = signed.client.request(method, signed.url, headers=headers)
    said = said_bytes(answer)
    assert answer.content == (b"" if method == "HEAD" else said)
    assert int(answer.headers.get("content-length", 0)) == len(said)


known = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "COPY", "LINK", "QUERY"]
methods = st.one_of(st.sampled_from(known), st.from_regex(r"[A-Z]{1,9}", fullmatch=True))


@generated
@given(methods.filter(lambda name: name not in ("GET", "HEAD", "CONNECT")))
def test_a_link_to_read_does_nothing_else(signed, method):
    answer = signed.client.request(method, signed.url)
    assert 400 <= answer.status_code < 500
    # On a connection of its own: what is no HTTP ends the next one, before the end of this response is noted.
    assert signed.client.get(signed.url, headers={"Connection": "close"}).content == CONTENT


parameters = st.sampled_from(["expires", "signature", "path", "method", "Signature", "signature[]"])
changes = st.lists(st.tuples(parameters, noise), min_size=1, max_size=3)


@generated
@given(changes, st.sampled_from(["instead", "before", "after"]))
def test_a_link_with_another_query_is_that_link_or_none(signed, changes, where):
    asked = urlsplit(signed.url)
    real = parse_qsl(asked.query)
    kept = [(name, value) for name, value in real if where != "instead" or name not in dict(changes)]
    query = [*changes, *kept] if where == "before" else [*kept, *changes]
    answer = signed.client.get(asked._replace(query=urlencode(query)).geturl())
    is_same = all(dict(query).get(name) == value for name, value in real)
    assert answer.status_code == (200 if is_same else 401)


@generated
@given(st.one_of(noise, st.text(max_size=40), st.from_regex(r"file_[a-z0-9]{0,40}", fullmatch=True)))
def test_a_signature_is_good_for_no_other_file(signed, name):
    asked = urlsplit(signed.url)
    file_id = asked.path.split("/")[2]
    answer = signed.client.get(asked._replace(path=asked.path.replace(file_id, quote(name, safe=""))).geturl())
    assert answer.status_code in (401, 404)


odd_names = [
    "../../a.png", "/etc/passwd", "a\0.png", 'a";b="c.png', "a\r\nX-Evil: 1.png", "CON", ".", "..", "\u202egnp.a",
]  # fmt: skip
filenames = st.one_of(st.text(min_size=1, max_size=60), st.sampled_from(odd_names))
headers = ["Content-Type", "Content-Encoding", "Content-Disposition", "If-Match", "Content-MD5", "Origin"]


@settings(generated, max_examples=generated.max_examples // 3)  # each reads a picture in a child
@given(filenames, st.dictionaries(st.sampled_from(headers), noise))
def test_a_link_uploads_under_any_name_and_header_once_or_says_what_is_wrong(signed, filename, described):
    link = signed.sign_upload(filename)
    assert link.status_code in (200, 422)
    if link.status_code == 200:
        url = link.json()["data"]["url"]
        sent = {name: value.encode("latin-1") for name, value in described.items()}
        answer = signed.client.put(url, content=picture(), headers=sent)
        assert answer.status_code in (200, 400, 415)
        again = signed.client.put(url, content=picture())
        assert again.status_code == (409 if answer.status_code == 200 else 200)
