"""Who mails whom: docs/spec/04-matching.md. A pair is (ring, round, sender, receiver, spare), members by roster position."""

from collections import defaultdict
from math import gcd

from blake3 import derive_key

OPEN, REHAB, GOLDEN = 0, 1, 2
FEISTEL_ROUNDS, HALF_BITS, QUOTA_MAX, SEATS_MAX = 4, 5, 120, 1 << 16
MASK64 = (1 << 64) - 1


def _mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK64
    return x ^ x >> 31


class Permutation:
    """A keyed permutation of 0..size."""

    def __init__(self, seed, ring, round_, size):
        self.size = size
        self.half = max(((size - 1 if size else 0).bit_length() + 1) // 2, HALF_BITS)
        material = seed + bytes([ring]) + round_.to_bytes(2, "big")
        keys = [derive_key("warmnet/v1/ring", material + bytes([f]), 8) for f in range(FEISTEL_ROUNDS)]
        self.keys = [int.from_bytes(k, "little") for k in keys]

    def place(self, x):
        mask = (1 << self.half) - 1
        while True:
            left, right = x >> self.half, x & mask
            for key in self.keys:
                left, right = right, left ^ (_mix(key ^ right) & mask)
            x = left << self.half | right
            if x < self.size:
                return x

    def table(self):
        """What stands at each place."""
        out = [0] * self.size
        for x in range(self.size):
            out[self.place(x)] = x
        return out


def _plays(row, weekday):
    return row["pool"] != "quarantined" and row["weekdays"] >> weekday & 1


class Deal:
    """All pairs of an epoch (`pairs`) and each position's effective quota (`quotas`)."""

    def __init__(self, params, rows, seed, weekday):
        self.params, self.rows, self.seed = params, rows, seed
        riders, rehab, listed, golden = [], [], [], []
        for position, row in enumerate(rows):
            if not _plays(row, weekday):
                continue
            if row["role"] == "golden":
                golden.append(position)
            elif row["dead"] or row["quota"]:
                in_rehab = row["pool"] == "rehab"
                listed += [position] * (1 + (row["dead"] or in_rehab) + row["complained"])
                if not row["dead"]:
                    (rehab if in_rehab else riders).append(position)
        if len(rehab) < params["rehab_ring_from"]:
            riders, rehab = riders + rehab, []
        self.quotas = [0] * len(rows)
        self.pairs = self._rounds(OPEN, riders) + self._rounds(REHAB, rehab) + self._seats(listed, golden)

    def part(self, position, sends):
        """What a member takes of the deal as sender or as receiver: (pair, whether it is a spare, number of the meeting)."""
        mine = [pair for pair in self.pairs if pair[2 if sends else 3] == position]
        rings, seats, out = 0, defaultdict(int), []
        for pair in sorted(mine, key=lambda pair: pair[:2]):
            ring, _, sender, receiver, _ = pair
            if ring == GOLDEN:
                out.append((pair, False, seats[sender, receiver]))
                seats[sender, receiver] += 1
            else:
                rings += 1
                out.append((pair, rings > self.quotas[position], int(sender > receiver)))
        return out

    def _related(self, a, b):
        a, b = self.rows[a], self.rows[b]
        return a["node"] == b["node"] or a["tag"] == b["tag"]

    def _rounds(self, ring, riders):
        p, m = self.params, len(riders)
        cap = min(max((m - 1 if m else 0) // max(p["quota_divisor"], 1), 1), QUOTA_MAX)
        capped = {r: min(self.rows[r]["quota"], cap) for r in riders}
        order = sorted(riders, key=lambda r: (-capped[r], r))
        reach = {r: q + -(-q // max(p["spare_divisor"], 1)) for r, q in capped.items()}
        fewest = max(-(-m // max(p["round_share"], 1)), 2)
        layouts = []
        while True:
            size = sum(reach[r] > len(layouts) for r in riders)
            if size < fewest:
                break
            table = Permutation(self.seed, ring, len(layouts), size).table()
            layouts.append([order[i] for i in table])
        for r in riders:
            self.quotas[r] = min(capped[r], len(layouts))
        pairs, neighbours = [], set()
        for k, layout in enumerate(layouts):
            steps = list(zip(layout, layout[1:] + layout[:1]))
            kept = [(a, b) for a, b in steps if frozenset((a, b)) not in neighbours and not self._related(a, b)]
            pairs += [(ring, k, a, b, k >= self.quotas[a]) for a, b in sorted(kept)]
            neighbours.update(frozenset(s) for s in steps)
        return pairs

    def _seats(self, listed, golden):
        p, n, g = self.params, len(listed), len(golden)
        seats = min(p["golden_seats"] * g, p["golden_per_member"] * n, SEATS_MAX)
        if not seats:
            return []
        listed.sort()
        places = Permutation(self.seed, GOLDEN, 0, n).table()
        boxes = Permutation(self.seed, GOLDEN, 1, g).table()
        shifts = gcd(n, g)
        cycle = n * g // shifts
        pairs = []
        for seat in range(seats):
            sender = listed[places[seat % n]]
            receiver = golden[boxes[(seat + seat // cycle % shifts) % g]]
            if not self._related(sender, receiver):
                pairs.append((GOLDEN, seat, sender, receiver, False))
        return pairs
