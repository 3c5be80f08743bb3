"""The request of a webhook: to allowed addresses only, without redirects. The body of the response is not read."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpcore

from penstock.domain import errors
from penstock.domain.web_addresses import parse_address, parse_allowed
from penstock.domain.webhooks import Outcome, OutcomeCode, code_of_status
from penstock.storage.error_translation import translate_http_errors
from penstock.storage.guarded_connections import Deadline, GuardedBackend
from penstock.storage.http_source import FetchPolicy, default_headers
from penstock.storage.response_headers import Headers, encode_headers


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A message and where it goes."""

    url: str
    body: bytes
    headers: Headers


def post_webhook(
    message: WebhookRequest, policy: FetchPolicy, seconds: float, is_stopped: Callable[[], bool]
) -> Outcome:
    """The outcome of one request, which takes at most `seconds`. Raises `Cancelled` once stopped."""
    try:
        return _outcome(_status(message, policy, Deadline.after(seconds, is_stopped)))
    except errors.UrlForbidden:
        return Outcome("address_forbidden")
    except errors.InputTimeout:
        return Outcome("timed_out")
    except errors.InputError as error:
        # httpcore's pool raises errors again `from None`, which leaves only their context.
        return Outcome(_code_of_cause(error.__cause__ or error.__context__))


def _outcome(status: int) -> Outcome:
    return Outcome(code_of_status(status), status)


def _code_of_cause(cause: BaseException | None) -> OutcomeCode:
    match cause:
        case ssl.SSLError():
            return "certificate_invalid"
        case httpcore.ProtocolError() | ValueError():
            return "response_invalid"
        case _:
            return "unreachable"


def _status(message: WebhookRequest, policy: FetchPolicy, deadline: Deadline) -> int:
    allowed = parse_allowed(policy.allow)
    address = parse_address(message.url, allowed)
    request = httpcore.Request(
        "POST",
        httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target),
        headers=encode_headers(
            {**default_headers(address), **message.headers, "Content-Length": str(len(message.body))}
        ),
        content=message.body,
        extensions={"timeout": {"connect": policy.connect_seconds}},
    )
    with httpcore.ConnectionPool(network_backend=GuardedBackend(deadline, allowed, policy.resolve)) as pool:
        with translate_http_errors():
            response = pool.handle_request(request)
        response.close()
        return response.status
