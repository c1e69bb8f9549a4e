"""Double entry: docs/spec/06-bundles-and-reconciliation.md. Outcomes are one letter each."""

from collections import defaultdict

from blake3 import blake3, derive_key
from identity import exchange_id, replies_owed
from matching import GOLDEN

# In the order of their numbers: inbox, spam, unknown, hard, soft (for now), contradiction, no-show, void.
OUTCOMES = "isuhfcnv"
NO_SHOW, SENT, HARD, SOFT = range(4)
MISSING, INBOX, TAB, SPAM = 1, 2, 3, 4
U16_MAX = 0xFFFF


class Exchange:
    """One dealt pair by both words. `said` is the outcome as reconciled, `outcome` what counts after faults."""

    def __init__(self, epoch, sender, receiver, ring, round_):
        self.epoch, self.sender, self.receiver, self.ring, self.round = epoch, sender, receiver, ring, round_
        self.said, self.auth, self.completed = "n", None, False
        self.read = self.replied = self.rescued = self.complaint = self.owed = False
        self.golden_weight = 0

    def reconcile(self, sent, seen):
        """`sent`: the sender's own entry of the slot, `seen` the receiver's; None where there is none."""
        word = sent["outcome"] if sent else NO_SHOW
        bits = seen["outcome"] if seen else 0
        place = bits & 7
        found = place in (INBOX, TAB, SPAM)
        fits = sent and seen and bytes(sent["evidence"]) == blake3(bytes(seen["evidence"]))[:4]
        if word == NO_SHOW:
            self.said = "n"
        elif word == SENT:
            self.said = "u" if not found else "c" if not fits else "s" if place == SPAM else "i"
        else:
            self.said = "c" if found else "h" if word == HARD else "f"
        self.completed = self.said in "ish" or (self.said == "u" and seen is None)
        self.complaint = found and bool(bits >> 12 & 1)
        if self.said in "is":
            auth = [bits >> n & 3 for n in (3, 5, 7)]
            self.auth = False if 2 in auth else None if 0 in auth else True
            self.read, self.rescued, self.replied = (bool(bits >> n & 1) for n in (9, 10, 11))

    @property
    def delivered(self):
        return self.said in "is"

    def good(self):
        return self.said == "i" and not self.complaint

    def units(self):
        return max(self.golden_weight, 1)

    def flags(self):
        auth = {None: 0, False: 1, True: 2}[self.auth]
        low = self.ring | OUTCOMES.index(self.said) << 2 | auth << 5 | self.read << 7 | self.replied << 8
        high = self.golden_weight << 11 | self.owed << 14 | self.completed << 15
        return low | self.rescued << 9 | self.complaint << 10 | high


TALLY = ("dealt", "completed", "dealt_in", "seen_in", "owed_in", "replied_in")
REPORT = ("sent", "hard", "soft", "complaints", "replies")


class ClosedEpoch:
    """One epoch's bundles reconciled. `bundles`: by member, those that count and are not void; `reply_ppm`: as it was played."""

    def __init__(self, params, network, reply_ppm, epoch, rows, deal, bundles):
        self.params, self.network, self.reply_ppm = params, network, reply_ppm
        self.epoch, self.rows, self.bundles = epoch, rows, bundles
        entries = {}
        for member, bundle in bundles.items():
            for e in bundle["entries"]:
                entries[member, e["ring"], e["round"], e["side"]] = e
        self.exchanges = []
        self.tallies = {r["member"]: dict.fromkeys(TALLY, 0) for r in rows}
        self.reports = {m: b["report"] for m, b in bundles.items() if any(b["report"].values())}
        dealt_ring, got_ring = defaultdict(int), defaultdict(int)
        by_sender = defaultdict(list)
        for pair in deal.pairs:
            by_sender[pair[2]].append(pair)
        for position in sorted(by_sender):
            self._sender(position, sorted(by_sender[position]), deal.quotas[position], entries, dealt_ring, got_ring)
        for position, row in enumerate(rows):
            theirs = max(min(deal.quotas[position], dealt_ring[position]), got_ring[position])
            self._count(row["member"], "dealt_in", theirs)
        self.digest = self._digest()

    def _count(self, member, what, n):
        t = self.tallies[member]
        t[what] = min(t[what] + n, U16_MAX)

    def _sender(self, position, pairs, quota, entries, dealt_ring, got_ring):
        row = self.rows[position]
        me = row["member"]
        newcomer = self.epoch - row["joined"] < self.params["newcomer_epochs"] or row["pool"] == "rehab"
        weight = min(self.params["golden_newcomer_weight"] if newcomer else 1, 7)
        ring_pairs = used = 0
        for ring, round_, _, to, _ in pairs:
            receiver = self.rows[to]
            x = Exchange(self.epoch, me, receiver["member"], ring, round_)
            x.reconcile(entries.get((me, ring, round_, 0)), entries.get((receiver["member"], ring, round_, 1)))
            something = x.said != "n"
            if ring == GOLDEN:
                x.golden_weight = weight
                self._count(x.receiver, "dealt_in", weight)
                self._count(me, "dealt", 1)
            else:
                ring_pairs += 1
                dealt_ring[to] += 1
                if used >= quota or (not something and ring_pairs > quota):
                    continue
                used += something
                got_ring[to] += something
            if x.delivered and not x.complaint:
                name = exchange_id(self.network, self.epoch, ring, round_, me, x.receiver)
                x.owed = replies_owed(self.reply_ppm, name) > 0
            self._count(me, "completed", x.completed)
            self._count(x.receiver, "seen_in", x.delivered)
            self._count(x.receiver, "owed_in", x.owed)
            self._count(x.receiver, "replied_in", x.owed and x.replied)
            self.exchanges.append(x)
        self._count(me, "dealt", min(quota, ring_pairs))
        t = self.tallies[me]
        t["completed"] = min(t["completed"], t["dealt"])

    def _digest(self):
        out = [self.epoch.to_bytes(4, "big"), len(self.exchanges).to_bytes(8, "big")]
        for x in self.exchanges:
            out += [x.sender, x.receiver, x.round.to_bytes(2, "big"), x.flags().to_bytes(2, "big")]
        for member, t in self.tallies.items():
            out += [member] + [t[name].to_bytes(2, "big") for name in TALLY]
        for row in self.rows:
            report = self.reports.get(row["member"])
            if report:
                out += [row["member"]] + [report[name].to_bytes(4, "big") for name in REPORT]
        return derive_key("warmnet/v1/ledger-epoch", b"".join(out))


class Window:
    """The closed epochs behind every derived value."""

    def __init__(self, params):
        self.params, self.held = params, []

    def close(self, closed):
        span = max(self.params["window_epochs"], 1)
        self.held = [h for h in self.held if h.epoch + span > closed.epoch] + [closed]
        # A member is what its row said in the latest roster held.
        rows = {row["member"]: row for h in self.held for row in h.rows}
        self.members = dict(sorted(rows.items()))
        self._judge()

    members = {}

    def _judge(self):
        """Whose fault bounces are, and soft bounces in a row; over the whole window, in order."""
        p = self.params
        attempts, bounces, in_row, senders = defaultdict(int), defaultdict(int), defaultdict(int), defaultdict(set)
        self.last_bounce, promoted = {}, set()
        for x in self.exchanges():
            to = x.receiver
            if x.said not in "ishf":
                continue
            attempts[to] += 1
            if x.delivered:
                in_row[to] = 0
                continue
            if x.said == "f":
                in_row[to] += 1
                if in_row[to] < p["soft_in_row"]:
                    continue
                promoted.add(x)
            in_row[to] = 0
            bounces[to] += 1
            senders[to].add(x.sender)
            self.last_bounce[to] = x.epoch
        self.at_fault = {
            to for to, n in bounces.items()
            if n * 1000 >= p["dead_permille"] * attempts[to]
            and all(len({self.members[m][brand] for m in senders[to]}) >= p["dead_senders"] for brand in ("tag", "node"))
        }
        self.by_sender = defaultdict(list)
        for x in self.exchanges():
            bounced = x.said in "hf"
            x.outcome = "v" if bounced and x.receiver in self.at_fault else "h" if x in promoted else x.said
            self.by_sender[x.sender].append(x)

    def exchanges(self):
        return (x for h in self.held for x in h.exchanges)

    def tallies(self, member):
        """(epoch, counts) of the epochs in whose roster the member stood."""
        return [(h.epoch, h.tallies[member]) for h in self.held if member in h.tallies]

    def reports(self, member):
        return [(h.epoch, h.reports[member]) for h in self.held if member in h.reports]

    def latest(self):
        return self.held[-1].epoch if self.held else None

    def digest(self):
        parts = [h.epoch.to_bytes(4, "big") + h.digest for h in self.held]
        return derive_key("warmnet/v1/ledger-window", b"".join(parts))
