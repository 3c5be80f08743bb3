"""The jail of child processes, read without the other settings: `plan` starts one before it loads them."""

from typing import get_args

from penstock.domain.errors import InvalidSettings
from penstock.sandbox.job import JailMode
from penstock.settings.variables import read_variables

VARIABLE = "PENSTOCK_JAIL"


def read_jail_mode() -> JailMode:
    """`PENSTOCK_JAIL` of this environment. `read_settings`, which has to follow, raises what is wrong with it."""
    try:
        found = read_variables()
    except InvalidSettings:
        found = {}
    modes: tuple[JailMode, ...] = get_args(JailMode)
    return next((mode for mode in modes if mode == found.get(VARIABLE)), "auto")
