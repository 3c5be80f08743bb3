"""No log line shows a credential, a key, the query of an address, or a folder."""

import pytest

from penstock.logs.redaction import redacted, redacted_traceback

SECRET = "hush4c1e9dhush4c1e9dhush"

SECRETS = {
    "a query": f"GET https://cdn.example/films/a.mp4?X-Amz-Signature={SECRET}&e=1 failed",
    "a fragment": f"https://cdn.example/a.mp4#{SECRET}",
    "a query of a path": f'"GET /files/file_1/content?signature={SECRET} HTTP/1.1" 403',
    "credentials of an address": f"cannot reach https://me:{SECRET}@host.example:8443/a",
    "credentials with an at sign": f"cannot reach https://me:{SECRET}@x@host.example/a",
    "a database": f"postgresql://penstock:{SECRET}@db.example/penstock is away",
    "a libpq string": f"host=db user=me password={SECRET} dbname=x",
    "a bearer token": f"sent Authorization: Bearer {SECRET}",
    "a header as Python shows it": f"{{'authorization': 'Basic {SECRET}', 'host': 'x'}}",
    "a header of bytes": f"(b'authorization', b'Bearer {SECRET}')",
    "a cookie": f"Cookie: session={SECRET}; theme={SECRET}",
    "a header of S3": f"x-amz-security-token: {SECRET}",
    "an API key": f"the key penstock_{SECRET} was refused",
    "JSON": f'{{"api_key": "{SECRET}", "token":"{SECRET}"}}',
    "Prefect's setting": f"PREFECT_API_AUTH_STRING=penstock:{SECRET}",
    "an AWS key": "AKIAHUSH4C1E9DHUSH4C",
    "a query across lines": f"one\nhttps://a.example/b?c={SECRET}\nthree",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_not_shown(text):
    assert "hush" not in redacted(text).lower()


SHOWN = {
    "https://cdn.example:8443/films/a.mp4?sig=x": "https://cdn.example:8443/films/a.mp4?…",
    "cannot open /home/me/.penstock/scratch/tsk_1/input: gone": "cannot open …/input: gone",
    "file:///srv/films/a.mp4 is damaged": "…/a.mp4 is damaged",
    "'/srv/my/clip.mov'": "'…/clip.mov'",
    "read /srv/films/": "read …/",
    "https://host.example/a/b/c": "https://host.example/a/b/c",
    "/health": "/health",
    "tsk_1 failed in upload: StorageUnavailable 3/4 parts": "tsk_1 failed in upload: StorageUnavailable 3/4 parts",
    "plan: {'video': 'encode h264, 16:9 → 4:3'}": "plan: {'video': 'encode h264, 16:9 → 4:3'}",
    "50 % of 3 MB/s, and/or later": "50 % of 3 MB/s, and/or later",
}  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_the_rest_can_still_be_read(text, shown):
    assert redacted(text) == shown


def test_a_traceback_says_where_the_code_is_but_not_where_the_file_was():
    text = 'Traceback:\n  File "/opt/penstock/a/b.py", line 3, in c\n    open(d)\nOSError: no /home/me/x/secret.mov'
    assert redacted_traceback(text).splitlines() == [
        "Traceback:",
        '  File "/opt/penstock/a/b.py", line 3, in c',
        "    open(d)",
        "OSError: no …/secret.mov",
    ]
