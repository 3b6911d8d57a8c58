"""Start of the command line: `carrel`, or `python -m carrel`."""

import gc
import sys


def main() -> int:
    """Run the command line and return its exit code."""
    gc.disable()  # nothing to collect while modules load: it only costs time
    from carrel.cli.app import run

    code = run(sys.argv[1:])
    gc.freeze()  # the process ends: nothing is gained by looking through all of it for cycles
    return code


if __name__ == "__main__":
    sys.exit(main())
