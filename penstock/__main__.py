"""`penstock …` and `python -m penstock …`."""

from penstock.cli.main import cli


def main() -> None:
    try:
        cli(prog_name="penstock")
    except LookupError as missing:
        raise SystemExit(f"Error: {missing}") from missing


if __name__ == "__main__":
    main()
