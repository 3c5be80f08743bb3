"""A secret in an address, a header, a setting or a key is in no log line, whatever stands around it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.logs.redaction import redacted, redacted_traceback
from tests.attacks.generated import generated

SECRET = "hush4c1e9dhush4c1e9dhush"
# The characters of RFC 3986 that an address may have in a query or in credentials.
LEGAL = "aZ09-._~!$&'()*+,;=:%"
around = st.text(LEGAL, max_size=8)
queries = st.text(LEGAL + "/?@", max_size=8)
paths = st.text(LEGAL + "/@", max_size=12)
schemes = st.sampled_from(["https", "HTTP", "s3", "postgresql", "x-y+z"])
headers = st.sampled_from(
    ["Authorization", "Cookie", "set-cookie", "X-Amz-Security-Token", "Proxy-Authorization", "X-Api-Key"]
)
settings = st.sampled_from(
    ["password", "PGPASSWORD", "client_secret", "accessToken", "api-key", "aws_secret_access_key", "sig"]
)

of_a_query = st.builds(
    "{}://h.example/{}{}{}{}{}".format, schemes, paths, st.sampled_from("?#"), queries, st.just(SECRET), queries
)
of_a_target = st.builds("/{}?{}{}{}".format, paths, queries, st.just(SECRET), queries)
of_credentials = st.builds("{}://{}{}{}@h.example/a".format, schemes, around, st.just(SECRET), around)
values = st.builds("{}{}{}".format, around, st.just(SECRET), st.text(LEGAL + '"', max_size=8))
of_a_header = st.one_of(
    st.builds("{}: {}".format, headers, values),
    st.builds("{!r}".format, st.dictionaries(headers, values, min_size=1, max_size=2)),
    st.builds(lambda name, value: repr([(name.encode(), value.encode())]), headers, values),
)
of_a_setting = st.one_of(
    st.builds("{}={}{}".format, settings, st.just(SECRET), around.map(lambda text: text.replace("&", ""))),
    st.builds("{}='{} {}'".format, settings, st.just("two"), st.just(SECRET)),
    st.builds("{!r}".format, st.dictionaries(settings, values, min_size=1)),
)
of_a_key = st.sampled_from([f"penstock_{SECRET}", "AKIAHUSH4C1E9DHUSH4C", f"Bearer {SECRET}", f"basic  {SECRET}"])
secrets = st.one_of(of_a_query, of_a_target, of_credentials, of_a_header, of_a_setting, of_a_key)
outside = st.one_of(
    st.text(max_size=20), st.sampled_from(["GET ", '"', "(b'", "url=", "{'a': ", "/a/b ", "https://b.example/?c "])
)


@generated
@given(outside, secrets, outside)
def test_a_secret_is_not_written(before, secret, after):
    for text in (f"{before} {secret} {after}", f"{before}\n{secret}\n{after}", f"'{secret}'", f'("{secret}", 3)'):
        assert "hush" not in redacted(text).lower()
        assert "hush" not in redacted_traceback(text).lower()


@generated
@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing(text):
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "piece", ["a-", "/", "a://", "/a", "?", "'", "cookie:", "cookie ", "token=", "@", "…", "penstock_", "file:"]
)
def test_a_line_of_100_kb_is_redacted_in_under_a_second(piece):
    began = time.monotonic()
    redacted(piece * (100_000 // len(piece)))
    assert time.monotonic() - began < 1
