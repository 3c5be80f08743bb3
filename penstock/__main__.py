"""`penstock …` and `python -m penstock …`."""

from penstock.cli.main import cli


def main() -> None:
    cli(prog_name="penstock")


if __name__ == "__main__":
    main()
