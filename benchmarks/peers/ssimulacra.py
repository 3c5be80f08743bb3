"""A pair of pictures for each line of JSON on the input, one line with their SSIMULACRA2 for an answer."""

import json
import sys

from ssimulacra2 import compute_ssimulacra2


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(compute_ssimulacra2(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
