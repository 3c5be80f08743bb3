"""Recognises URLs that are secrets: whoever has one can read what is behind it."""

import re
from itertools import pairwise
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from penstock.domain import errors

# Shown in place of a URL that may be a secret.
HIDDEN = "an address that is not shown here"

SECRET_WORDS = (
    "sig", "token", "key", "secret", "pass", "auth", "credential", "policy", "jwt", "hash", "hmac", "code",
    "x-amz-", "x-goog-",
)  # fmt: skip
_SECRET_NAMES = re.compile("|".join(SECRET_WORDS), re.IGNORECASE)

# The same for JSON schema, which has no case-insensitive match: credentials, a fragment, or such a parameter name.
_ANY_CASE = "|".join("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in word) for word in SECRET_WORDS)
SECRET_PATTERN = rf"^[^/?#]*//[^/?#]*@|#|[?&][^=&]*({_ANY_CASE})[^=&]*(=|&|$)"

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_WORDS = re.compile(r"[A-Za-z0-9]+")
# A name is taken for random if in a word of 8 or more characters, or in all its words of 20 or more together, more than
# a quarter of the neighbouring characters change between letter and digit or from lower to upper case.
_MIN_WORD_LENGTH, _MIN_NAME_LENGTH = 8, 20
_MAX_CHANGES = 0.25
# Longer words are taken for random in any case.
_MAX_WORD_LENGTH = 24


def require_no_secret(url: str, field: str = "url") -> None:
    """Raises `FieldInvalid` for a URL with credentials, a fragment or a parameter named like a secret."""
    if _carries_secret(url):
        raise _secret_error(field)


def require_no_secret_anywhere(url: str, field: str) -> None:
    """The same, and for a path that looks like a secret, as in many webhook URLs."""
    if not is_safe_to_show(url):
        raise _secret_error(field)


def is_safe_to_show(url: str) -> bool:
    """Whether a URL carries no secret and no part of its path looks like one."""
    parts = _split(url)
    if parts is None or _carries_secret(url):
        return False
    return not any(looks_like_token(part) for part in unquote(parts.path).split("/"))


def looks_like_token(name: str) -> bool:
    """Whether a name looks like a generated token: a UUID, hex, base64 and the like."""
    words = _WORDS.findall(name)
    joined = "".join(words)
    return (
        _UUID.search(name) is not None
        or any(len(word) >= _MAX_WORD_LENGTH for word in words)
        or any(len(word) >= _MIN_WORD_LENGTH and _changes_often(word) for word in words)
        or (len(joined) >= _MIN_NAME_LENGTH and _changes_often(joined))
    )


def _changes_often(word: str) -> bool:
    changes = sum(a.isdigit() != b.isdigit() or (a.islower() and b.isupper()) for a, b in pairwise(word))
    return changes > _MAX_CHANGES * (len(word) - 1)


def _carries_secret(url: str) -> bool:
    parts = _split(url)
    if parts is None:
        return False
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return parts.username is not None or bool(parts.fragment) or any(map(_SECRET_NAMES.search, names))


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None if it is not valid, which is reported elsewhere."""
    try:
        parts = urlsplit(url)
        _ = parts.username
    except ValueError:
        return None
    return parts


def _secret_error(field: str) -> errors.FieldInvalid:
    return errors.FieldInvalid(
        f"{field} carries a secret, and Prefect shows parameters in clear: send it to the API instead.",
        field=field,
    )
