"""`penstock …` and `python -m penstock …`."""

import sys


def main() -> None:
    """Run the command line. Without the dependencies of the service it says how to install them, and exits with 1."""
    try:
        from penstock.cli.main import cli  # noqa: PLC0415 - the client is installed without click

        cli(prog_name="penstock")
    except ModuleNotFoundError as missing:
        if (missing.name or "penstock").partition(".")[0] == "penstock":
            raise
        sys.exit(
            f"This installation is the client alone ({missing.name} is missing). "
            "The commands need the service: pip install 'penstock[service]'"
        )


if __name__ == "__main__":
    main()
