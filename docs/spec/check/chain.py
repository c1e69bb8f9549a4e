"""Records, rosters and bundles folded into one state: docs/spec/03-records-and-roster.md."""

import ledger
import matching
import messages
import parameters
import roster as policy
import score as scoring
import trust as trusting
from blake3 import blake3, derive_key
from codec import decode

DEGRADED_EPOCHS = 7
PARAMS_NOTICE = 7
LISTS = {"notices": 32, "proofs": 32, "departures": 64}
ROSTER_ROWS = 1_000_000
DAY_MS = 86_400_000


class Broken(Exception):
    """A record, roster, bundle or fault breaks a rule."""


def require(condition, rule):
    if not condition:
        raise Broken(rule)


def bit(bitmap, position):
    byte = position // 8
    return byte < len(bitmap) and bool(bitmap[byte] >> position % 8 & 1)


class Play:
    def __init__(self, epoch, rows, seed, degraded):
        self.epoch, self.rows, self.seed, self.degraded = epoch, rows, seed, degraded


class Chain:
    def __init__(self, genesis_bytes):
        self.genesis = messages.read_genesis(genesis_bytes)
        self.params, self.network, self.serial = self.genesis["params"], blake3(genesis_bytes), 0
        self.records, self.rosters, self.bundles = [], [], {}
        self.window, self.void, self.quarantined = ledger.Window(self.params), {}, set()
        self.last_digest, self.last_beacon = self.network, self.genesis["first_beacon"]

    def weekday(self, epoch):
        return (self.genesis["clock"]["epoch_zero_ms"] // DAY_MS + epoch + 3) % 7

    def play(self, epoch):
        """Roster and seed of an epoch, by the records held now."""
        if epoch < len(self.records) and not self.records[epoch]["degraded"]:
            record = self.records[epoch]
            seed = derive_key("warmnet/v1/matching-seed", record["beacon"] + record["previous"])
            return Play(epoch, self.rosters[epoch], seed, False)
        on_time = [e for e, r in enumerate(self.records[:epoch]) if not r["degraded"]]
        if not on_time or epoch - on_time[-1] > DEGRADED_EPOCHS:
            return None
        seed = derive_key("warmnet/v1/degraded-seed", self.records[on_time[-1]]["beacon"] + epoch.to_bytes(4, "big"))
        return Play(epoch, self.rosters[on_time[-1]], seed, True)

    def params_at(self, epoch):
        """The parameters an epoch is played by: of its own record, else by what the last one before it announced."""
        known = [r for r in self.records if r["epoch"] <= epoch]
        if not known:
            return self.genesis["params"]
        upcoming = known[-1]["upcoming"]
        return upcoming["params"] if upcoming and upcoming["from"] <= epoch else known[-1]["params"]

    def deal(self, play):
        return matching.Deal(self.params_at(play.epoch), play.rows, play.seed, self.weekday(play.epoch))

    def accept(self, envelope, rows):
        """The next record and its roster, checked before anything is derived from them."""
        record, serial, digest = self.check_record(envelope)
        require([r["member"] for r in rows] == sorted({r["member"] for r in rows}), "rows are sorted by member")
        require(len(rows) == record["roster_len"], "the roster has the length it names")
        require(messages.merkle(messages.ROW.write(r) for r in rows) == record["roster"], "the roster has the digest it names")
        self.params, self.serial = record["params"], serial
        self.records.append(record)
        self.rosters.append(rows)
        self.last_digest, self.last_beacon = digest, record["beacon"]
        return record

    def check_record(self, envelope):
        """(record, serial of its certificate, digest) of a record that may come next."""
        record, signer, payload = messages.open_envelope("epoch-record", envelope)
        epoch = len(self.records)
        require(record["epoch"] == epoch, "the record is the next one")
        require(record["previous"] == self.last_digest, "it names the record before it")
        require(blake3(record["beacon"]) == self.last_beacon, "its beacon hashes to the one before")
        key, root, _ = messages.open_envelope("issuing-key", record["authority"])
        require(root == self.genesis["root"] and key["key"] == signer, "the root certified its signer")
        require(key["from"] <= epoch <= key["until"], "the certificate holds in this epoch")
        require(key["serial"] >= self.serial, "no earlier certificate follows a later one")
        require(record["params"] == self.params_at(epoch), "its parameters are those in force")
        self._check_upcoming(record, self.records[-1]["upcoming"] if epoch else None)
        closes = record["ledger"]["epoch"] if record["ledger"] else None
        require(closes == (epoch - self.params["close_lag"] if epoch >= self.params["close_lag"] else None), "it closes the right epoch")
        lists = ((len(record[name]), limit) for name, limit in LISTS.items())
        require(all(length <= limit for length, limit in lists) and record["roster_len"] <= ROSTER_ROWS, "its lists are not too long")
        return record, key["serial"], blake3(payload)

    def _check_upcoming(self, record, before):
        """A change announced stays named until it is in force; a new one comes early enough and leaves the window alone."""
        carried = before if before and before["from"] > record["epoch"] else None
        announced = record["upcoming"]
        if carried:
            require(announced == carried, "a change that was announced is named again")
        elif announced:
            require(announced["from"] >= record["epoch"] + PARAMS_NOTICE, "a change is announced early enough")
            require(all(announced["params"][n] == record["params"][n] for n in ("window_epochs", "close_lag")), "the window stays")
            require(announced["params"] != record["params"], "a change changes something")
            require(parameters.hold(announced["params"]), "what is announced is within its range")

    def accept_bundle(self, envelope):
        """The first bundle of a member and epoch stays."""
        bundle, signer, payload = messages.open_envelope("bundle", envelope)
        closed = self.records[-1]["ledger"]
        require(closed is None or bundle["epoch"] > closed["epoch"], "a bundle's epoch is open")
        rows = {r["member"]: r for r in self.play(bundle["epoch"]).rows}
        require(bundle["member"] in rows, "a bundle's member is in the roster of its epoch")
        require(rows[bundle["member"]]["node"] == signer, "a bundle is signed by its member's node")
        held = self.bundles.setdefault((bundle["epoch"], bundle["member"]), (bundle, blake3(payload)))
        require(held[1] == blake3(payload), "a member has one bundle an epoch")

    def check_fault(self, data):
        """(member, digest) of an equivocation proof."""
        _, both = decode(messages.FAULT, data, messages.FAULT_BYTES)
        require(blake3(both["first"]) < blake3(both["second"]), "the envelope with the smaller digest comes first")
        (a, signer, x), (b, other, y) = (messages.open_envelope("bundle", both[n]) for n in ("first", "second"))
        same = (a["member"], a["epoch"], signer) == (b["member"], b["epoch"], other)
        require(same and x != y, "two different bundles of one member, epoch and signer")
        return a["member"], blake3(data)

    def derive(self):
        """What the newest record leads to."""
        record = self.records[-1]
        epoch, lag = record["epoch"], self.params["equivocation_epochs"]
        self.void.update({member: epoch + lag for member, _ in record["proofs"]})
        self.void = {m: until for m, until in self.void.items() if until > epoch}
        for notice in record["notices"]:
            (self.quarantined.add if notice["kind"] == "listed" else self.quarantined.discard)(notice["tag"])
        closed = self._close(record["ledger"]) if record["ledger"] else None
        before = former = self.rosters[-2] if epoch else []
        golden = trusting.golden_set(before)
        trusted = trusting.trust(self.params, self.window, before)
        scores = scoring.scores(self.params, self.window, trusted, before)
        gone = self._departed(record["departures"], before)
        rows = before = [r for r in before if r["member"] not in gone]
        if not record["degraded"]:
            step = lambda r: policy.next_row(
                self.params, r, self.window, golden, scores.get(r["member"]), epoch, r["tag"] in self.quarantined
            )
            rows = [step(r) for r in before]
        digests = self.window.digest(), trusting.digest(trusted), scoring.digest(scores)
        results = derive_key("warmnet/v1/results", b"".join(digests))
        return {"closed": closed, "before": former, "gone": gone, "trust": trusted, "scores": scores, "rows": rows, "digests": digests, "results": results}

    def _departed(self, envelopes, rows):
        """Members that their own node takes out; any other envelope does nothing."""
        rows, gone = {r["member"]: r for r in rows}, set()
        for data in envelopes:
            departure, signer, _ = messages.open_envelope("departure", data)
            row = rows.get(departure["member"])
            if row and (row["node"], row["joined"], row["role"]) == (signer, departure["joined"], "member"):
                gone.add(departure["member"])
        return gone

    def _close(self, root):
        play = self.play(root["epoch"])
        if play is None:
            return None
        present = [r["member"] for n, r in enumerate(play.rows) if bit(root["present"], n)]
        held = [(m, self.bundles[root["epoch"], m]) for m in present]
        require(messages.merkle(digest for _, (_, digest) in held) == root["digest"], "the ledger root has the digest it names")
        words = {m: bundle for m, (bundle, _) in held if m not in self.void}
        closed = ledger.ClosedEpoch(
            self.params, self.network, self.params_at(play.epoch)["reply_ppm"], play.epoch, play.rows, self.deal(play), words
        )
        self.window.close(closed)
        return closed
