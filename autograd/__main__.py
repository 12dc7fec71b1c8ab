"""`python -m autograd`: a short report of what this machine computes with, and how to get faster matrix products from it.

`--gpu` imports CuPy and names its devices. The facts are in `report`.
"""

import argparse

from .report import lines


def main() -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(prog="python -m autograd", description="What this machine computes with.")
    parser.add_argument("--gpu", action="store_true", help="import CuPy, which takes a while, and name its devices")
    print("\n".join(lines(parser.parse_args().gpu)))


if __name__ == "__main__":
    main()
