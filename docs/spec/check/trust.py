"""Who is believed: docs/spec/07-trust.md. Integers only; ppm is parts per million."""

from collections import defaultdict
from math import isqrt

from blake3 import derive_key

MILLION, ONE = 1_000_000, 1 << 16
CLASSES, SHRINK, BIAS_PPM = 8, 4, 80_000


def towards_zero(a, b):
    """Integer division as most machines do it."""
    return a // b if a >= 0 else -(-a // b)


def walk(params, window, golden):
    """Mass by member. `golden`: those of the window's members that are golden, in order of their ids."""
    members = list(window.members)
    total = 1 << (60 if len(members) >= params["fine_from_members"] else 40)
    mass = dict.fromkeys(members, 0)
    if not golden:
        return mass

    def restart(amount):
        each, rest = divmod(amount, len(golden))
        return {g: each + (n < rest) for n, g in enumerate(golden)}

    edges = defaultdict(int)
    for x in window.exchanges():
        if x.good():
            edges[x.receiver, x.sender] += x.units()
    dealt = {m: sum(t["dealt_in"] for _, t in window.tallies(m)) for m in members}
    mass.update(restart(total))
    for _ in range(params["walk_steps"]):
        keep = 1000 - min(params["restart_permille"], 1000)
        per_unit = {m: mass[m] * keep // 1000 // dealt[m] if dealt[m] else 0 for m in members}
        mass = dict.fromkeys(members, 0)
        for (receiver, sender), units in edges.items():
            mass[sender] += per_unit[receiver] * units
        for g, amount in restart(total - sum(mass.values())).items():
            mass[g] += amount
    return mass


def credibility(params, window, golden):
    """Credibility in ppm by member."""
    members = window.members
    golden = set(golden)
    klass = {m: row["provider"] % CLASSES for m, row in members.items()}
    classes = [[0, 0] for _ in range(CLASSES)]
    records = {m: [[0, 0] for _ in range(CLASSES)] for m in members}
    known = [x for x in window.exchanges() if x.delivered]
    for x in known:
        if x.receiver in golden:
            for count in (classes[klass[x.receiver]], records[x.sender][klass[x.receiver]]):
                count[0] += 1
                count[1] += x.said == "i"
    observed = sum(n for n, _ in classes)
    if not observed:
        return dict.fromkeys(members, MILLION)
    overall = sum(inbox for _, inbox in classes) * MILLION // observed
    means = [inbox * MILLION // n if n else overall for n, inbox in classes]
    shifts = {}
    for m, record in records.items():
        difference = sum(inbox * MILLION - n * mean for (n, inbox), mean in zip(record, means))
        shifts[m] = towards_zero(difference, sum(n for n, _ in record) + SHRINK)
    reports = {m: [0, 0, 0, 0] for m in members}
    for x in known:
        if x.receiver not in golden:
            p = min(max(means[klass[x.receiver]] + shifts[x.sender], 0), MILLION)
            r = reports[x.receiver]
            r[0] += 1
            r[1] += x.said == "i"
            r[2] += p
            r[3] += p * (MILLION - p) // MILLION
    out = {}
    for m, (n, inbox, predicted, variance) in reports.items():
        root = isqrt(13 * variance * MILLION // 10 + MILLION**2 + (BIAS_PPM * n) ** 2)
        if classes[klass[m]][0] < params["tolerance_observations"]:
            root *= 2
        z = abs(inbox * MILLION - predicted) * MILLION // root
        out[m] = min(max(3 * MILLION // 2 - z // 2, 0), MILLION)
    return out


def median_mass(params, window, golden, mass):
    now = window.latest() or 0
    ordinary = [m for m in window.members if m not in golden]
    old = [m for m in ordinary if now - window.members[m]["joined"] > params["median_age"]]
    ranked = sorted(mass[m] for m in old or ordinary)
    return ranked[(len(ranked) - 1) // 2] if ranked else 0


def golden_set(roster):
    """Who is believed without further ado."""
    return {row["member"] for row in roster if row["role"] == "golden" and row["pool"] != "quarantined"}


def trust(params, window, roster):
    """{member: (mass, credibility, weight)} of everybody in the window or the roster, sorted by id."""
    roots = golden_set(roster)
    golden = [m for m in window.members if m in roots]
    mass, belief = walk(params, window, golden), credibility(params, window, golden)
    median = median_mass(params, window, set(golden), mass)

    def weight(m):
        if m in roots:
            return ONE
        ratio = min(mass[m] * ONE // median if median else ONE * (mass[m] > 0), ONE)
        floor = params["weight_floor_q16"] if belief[m] > params["floor_credibility"] else 0
        return max(ratio * belief[m] // MILLION, floor)

    out = {m: (mass[m], belief[m], weight(m)) for m in window.members}
    for m in (row["member"] for row in roster):
        out.setdefault(m, (0, MILLION, ONE if m in roots else params["weight_floor_q16"]))
    return dict(sorted(out.items()))


def digest(trusted):
    parts = [m + t.to_bytes(8, "big") + c.to_bytes(4, "big") + w.to_bytes(4, "big") for m, (t, c, w) in trusted.items()]
    return derive_key("warmnet/v1/trust", b"".join(parts))
