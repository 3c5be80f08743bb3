"""`penstock …` and `python -m penstock …`."""

import signal
import sys
from types import ModuleType


def main() -> None:
    """Run the command line. Without the dependencies of the service it says how to install them, and exits with 1."""
    # httpx imports a command line of its own where it finds click, with rich and pygments: 0.1 s for each command.
    sys.modules.setdefault("httpx._main", ModuleType("httpx._main"))
    try:
        from penstock.cli.main import cli  # noqa: PLC0415 - the client is installed without click

        cli(prog_name="penstock")
    except KeyboardInterrupt:  # while the first modules were imported
        sys.exit(128 + signal.SIGINT)
    except ModuleNotFoundError as missing:
        if (missing.name or "penstock").partition(".")[0] == "penstock":
            raise
        sys.exit(
            f"This installation is the client alone ({missing.name} is missing). "
            "The commands need the service: pip install 'penstock[service]'"
        )


if __name__ == "__main__":
    main()
