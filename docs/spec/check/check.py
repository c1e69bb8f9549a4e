"""A second implementation of the rules, held against the golden vectors. `python3 docs/spec/check/check.py [vectors folder]`

Exit status 0: every value agrees, bit for bit, and no file was left unread. 1: the first difference is told on standard error.
"""

import json
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import network  # noqa: E402  (after the path is set)
import vectors  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
BANKS = ROOT / "protocol" / "src" / "exchange" / "text"


class Folder:
    """The vectors, and which of them were read."""

    def __init__(self, path):
        self.path, self.unread = path, {f.name for f in path.iterdir()}

    def bytes(self, name):
        self.unread.discard(name)
        return (self.path / name).read_bytes()

    def json(self, name):
        return json.loads(self.bytes(name))


def check(folder):
    wire = folder.json("wire.json")
    params = next(m["fields"] for m in wire["messages"] if m["message"] == "params")
    print(f"wire.json      {vectors.check_wire(wire):5} messages")
    print(f"identity.json  {vectors.check_identity(folder.json('identity.json')):5} derivations")
    print(f"rings.json     {vectors.check_rings(folder.json('rings.json'), params):5} permutations and deals")
    print(f"plan.json      {vectors.check_plans(folder.json('plan.json'), params):5} dealt pairs and spares")
    print(f"transport.json {vectors.check_transport(folder.json('transport.json')):5} names, ids and frames")
    print(f"exchange.json  {vectors.check_exchange(folder.json('exchange.json')):5} times and verdicts")
    print(f"text.json      {vectors.check_texts(folder.json('text.json'), BANKS):5} texts")
    records, totals = network.check(folder.bytes("network.bin"), folder.json("network.json"), show=print)
    network.same("files left unread", set(), folder.unread)
    print(f"network.bin    {records:5} records, " + ", ".join(f"{n} {what}" for what, n in totals.items()))


def main():
    began = time.monotonic()
    try:
        check(Folder(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "protocol" / "vectors"))
    except Exception as e:
        print(f"DIFFERS: {e or type(e).__name__}", file=sys.stderr)
        return 1
    print(f"all as recorded ({time.monotonic() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
