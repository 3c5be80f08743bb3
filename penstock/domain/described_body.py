"""JSON bodies whose fields are described one by one, so that every violation is reported."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from penstock.domain import errors
from penstock.domain.request import unknown_field_message


class DescribedBody(BaseModel):
    """A body; `field_rules` says what each field must be, as the end of a sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    field_rules: ClassVar[Mapping[str, str]]


def given_fields(body: Any, model: type[DescribedBody]) -> dict[str, Any]:
    """The fields without those that are null, which means left out. Raises `BodyInvalid` for anything but an object."""
    if not isinstance(body, dict):
        raise errors.BodyInvalid("The body must be a JSON object.")
    return {name: value for name, value in body.items() if value is not None or name not in model.model_fields}


def field_violations(given: Mapping[str, Any], model: type[DescribedBody]) -> list[errors.RequestError]:
    """An error for each field that is wrong, unknown or missing."""
    try:
        model.model_validate(given)
    except ValidationError as invalid:
        found = {str(one["loc"][0]): one["type"] for one in reversed(invalid.errors(include_input=False))}
        return [_violation(name, error_type, model) for name, error_type in reversed(found.items())]
    return []


def _violation(name: str, error_type: str, model: type[DescribedBody]) -> errors.RequestError:
    match error_type:
        case "extra_forbidden":
            return errors.FieldUnknown(unknown_field_message(name[:64], model.model_fields), field=name[:64])
        case "missing":
            return errors.FieldRequired(f"{name} is required.", field=name)
        case _:
            return errors.FieldInvalid(f"{name} {model.field_rules[name]}.", field=name)
