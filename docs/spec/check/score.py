"""The score, 0..100: docs/spec/08-score.md. Points in millionths, rates in ppm, weights in Q16.16."""

from collections import defaultdict
from math import isqrt

from blake3 import derive_key
from trust import MILLION, ONE, golden_set

REPLY, READ = 2, 1
FIELDS = ("value", "a", "r", "o", "b", "s", "inbox_lower", "delivered", "dealt", "completed")


def _root_up(n):
    root = isqrt(n)
    return root + (root * root < n)


def _scaled(k, n):
    shift = max(n.bit_length() - 40, 0)
    return min(k >> shift, n >> shift), n >> shift


def wilson_z1(k, n):
    k, n = _scaled(k, n)
    if n == 0:
        return 0
    root = _root_up(-(-4 * ONE * k * (n - k) // n) + ONE * ONE)
    return MILLION * max(2 * k + ONE - root, 0) // (2 * (n + ONE))


def wilson_z2(k, n):
    k, n = _scaled(k, n)
    if n == 0:
        return 0
    root = _root_up(-(-4 * ONE * k * (n - k) // n) + 4 * ONE * ONE)
    return MILLION * max(k + 2 * ONE - root, 0) // (n + 4 * ONE)


def observed_by_golden(golden, x):
    """Whether a golden mailbox observed it that still is one."""
    return x.golden_weight > 0 and x.receiver in golden


class Bounces:
    """Bounces and complaints of one sender; bounces only of epochs after `after`."""

    def __init__(self, window, golden, member, after):
        fresh = lambda epoch: after is None or epoch > after
        sends = window.by_sender[member] if window.held else []
        counted = [x for x in sends if fresh(x.epoch) and x.outcome in "ish"]
        self.attempts = len(counted)
        self.hard = sum(x.outcome == "h" for x in counted)
        seen = [x for x in sends if observed_by_golden(golden, x) and x.delivered]
        self.golden_delivered, self.golden_complaints = len(seen), sum(x.complaint for x in seen)
        reports = window.reports(member)
        self.external_sent = sum(r["sent"] for e, r in reports if fresh(e))
        self.external_hard = sum(r["hard"] for e, r in reports if fresh(e))
        self.complaint_sent = sum(r["sent"] for _, r in reports)
        self.external_complaints = sum(r["complaints"] for _, r in reports)


def accounted_until(params, row):
    """Last closed epoch whose bounces the row's debt holds or held."""
    until = row["debt_since"] - params["close_lag"]
    return until if row["debt_since"] > 0 and until >= 0 else None


def paid_until(params, row):
    return accounted_until(params, row) if row["debt"] == 0 else None


def _rates(window, member, trusted, golden):
    """(hits, total) of authentication, replies, reads and inbox, in rater weights."""
    sends = [x for x in window.by_sender[member] if x.delivered]
    tags, nodes = defaultdict(int), defaultdict(int)
    for rater in {x.receiver for x in sends} - golden:
        tags[window.members[rater]["tag"]] += trusted[rater][2]
        nodes[window.members[rater]["node"]] += trusted[rater][2]
    auth, replied, read, inbox = [0, 0], [0, 0], [0, 0], [0, 0]
    for x in sends:
        row = window.members[x.receiver]
        group = ONE if x.receiver in golden else max(tags[row["tag"]], nodes[row["node"]], ONE)
        weight = trusted[x.receiver][2] * ONE // group * (x.units() if x.receiver in golden else 1)

        def add(pair, hit):
            pair[0] += weight * hit
            pair[1] += weight

        arrived = x.outcome == "i"
        add(inbox, arrived)
        if x.auth is not None:
            add(auth, x.auth)
        if row["acts"] & REPLY:
            add(replied, arrived and x.replied)
        if row["acts"] & READ:
            add(read, arrived and x.read)
    return auth, replied, read, inbox, len(sends)


def score(params, window, trusted, golden, row):
    member = row["member"]
    if member in window.members:
        auth, replied, read, inbox, delivered = _rates(window, member, trusted, golden)
        x = Bounces(window, golden, member, paid_until(params, row))
        tallies = [t for _, t in window.tallies(member)]
    else:
        auth = replied = read = inbox = (0, 0)
        delivered, x, tallies = 0, Bounces(window, golden, member, None), []
    a = auth[0] * MILLION // auth[1] if auth[1] else 0
    r, o, inbox_lower = (wilson_z1(*pair) for pair in (replied, read, inbox))

    def floored(bound, k, n, floor):
        n = max(n, floor)
        return bound(min(k, n) * ONE, n * ONE)

    bounced = lambda k, n: floored(wilson_z1, k, n, params["bounce_floor"])
    complained = lambda k, n: floored(wilson_z2, k, n, params["complaint_floor"])
    b = max(bounced(x.hard, x.attempts), bounced(x.external_hard, x.external_sent))
    s = max(complained(x.golden_complaints, x.golden_delivered), complained(x.external_complaints, x.complaint_sent))
    value = min(max(50 * a + 150 * r + 20 * o - 1000 * b - 100_000 * s, 0), 100 * MILLION)
    dealt, completed = sum(t["dealt"] for t in tallies), sum(t["completed"] for t in tallies)
    incomplete = completed * MILLION < params["provisional_completion"] * dealt
    provisional = delivered < params["provisional_delivered"] or incomplete
    locked = provisional or value < params["lock_below"] or inbox_lower < params["inbox_gate"]
    values = (value, a, r, o, b, s, inbox_lower, delivered, dealt, completed)
    return dict(zip(FIELDS, values), provisional=provisional, locked=locked)


def scores(params, window, trusted, roster):
    """{member: score} of everybody in the roster, sorted by id."""
    golden = golden_set(roster)
    return {row["member"]: score(params, window, trusted, golden, row) for row in roster}


def digest(scored):
    parts = []
    for member, s in scored.items():
        parts += [member] + [s[f].to_bytes(4, "big") for f in FIELDS] + [bytes([s["provisional"], s["locked"]])]
    return derive_key("warmnet/v1/scores", b"".join(parts))
