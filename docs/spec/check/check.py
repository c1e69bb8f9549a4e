"""A second implementation of the rules, held against the golden vectors. `python3 docs/spec/check/check.py [vectors folder]`

Exit status 0: every value agrees, bit for bit. 1: the first difference is told on standard error.
"""

import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import network  # noqa: E402  (after the path is set)


def main():
    here = Path(__file__).resolve().parent
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here.parents[2] / "protocol" / "vectors"
    began = time.monotonic()
    try:
        records, totals = network.check(*network.load(folder), show=print)
    except Exception as e:
        print(f"DIFFERS: {e or type(e).__name__}", file=sys.stderr)
        return 1
    counts = ", ".join(f"{n} {what}" for what, n in totals.items())
    print(f"{records} records, {counts}: all as recorded ({time.monotonic() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
