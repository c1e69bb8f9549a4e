"""The recorded network: `network.bin` is what a node received, `network.json` what it must make of it."""

from itertools import zip_longest

import messages
import refusals
import trust as trusting
from blake3 import blake3
from chain import Chain, require
from codec import decode
from credits import credits
from roster import first_row
from score import FIELDS

GENESIS, RECORD, ROW, BUNDLE, NOTICE, FAULT = range(1, 7)


class Differs(Exception):
    """A value is not the recorded one."""


def same(what, wanted, got):
    """Raises `Differs` with the first difference of two values; of lists with its place."""
    if wanted == got:
        return
    if isinstance(wanted, list) and isinstance(got, list):
        pairs = list(zip_longest(wanted, got, fillvalue="nothing"))
        at = next(i for i, (a, b) in enumerate(pairs) if a != b)
        what = f"{what}, number {at} of {len(wanted)}"
        wanted, got = pairs[at]
    raise Differs(f"{what}\n  recorded: {wanted}\n  computed: {got}")


def frames(data):
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 5], "big")
        require(at + 5 + size <= len(data), "a frame ends inside the file")
        yield data[at], data[at + 5 : at + 5 + size]
        at += 5 + size


def days(data):
    """(genesis, [{notices, record, rows, bundles, faults}]): a day begins with its notices or its record."""
    genesis, out, early = None, [], []
    for kind, body in frames(data):
        if kind == GENESIS:
            genesis = body
        elif kind == NOTICE:
            early.append(body)
        elif kind == RECORD:
            out.append({"notices": early, "record": body, "rows": [], "bundles": [], "faults": []})
            early = []
        else:
            require(out and kind in (ROW, BUNDLE, FAULT), "a frame has a known kind and place")
            out[-1][{ROW: "rows", BUNDLE: "bundles", FAULT: "faults"}[kind]].append(body)
    return genesis, out


def signed_input(network, day):
    """Hash over what every signature of a day covers."""

    def payload(kind, data):
        envelope = decode(messages.ENVELOPE, data, messages.SIGNED[kind][1] + 128)
        return messages.signed_input(kind, envelope["version"], network, messages.open_envelope(kind, data)[2])

    record = messages.open_envelope("epoch-record", day["record"])[0]
    parts = [payload("notice", n) for n in day["notices"]] + [payload("epoch-record", day["record"])]
    parts += [payload("issuing-key", record["authority"])] + [payload("departure", d) for d in record["departures"]]
    parts += [payload("bundle", b) for b in day["bundles"]]
    for fault in day["faults"]:
        both = decode(messages.FAULT, fault, messages.FAULT_BYTES)[1]
        parts += [payload("bundle", both["first"]), payload("bundle", both["second"])]
    return blake3(b"".join(parts)).hex()


def check_deal(chain, epoch, wanted):
    play = chain.play(epoch)
    deal = chain.deal(play)
    same("degraded", wanted["degraded"], play.degraded)
    same("weekday", wanted["weekday"], chain.weekday(epoch))
    same("seed", wanted["seed"], play.seed.hex())
    same("quotas", wanted["quotas"].split(), [str(q) for q in deal.quotas])
    pairs = [f"{ring}.{k}:{a}>{b}{'*' * spare}" for ring, k, a, b, spare in deal.pairs]
    same("pairs", wanted["pairs"].split(), pairs)
    return len(pairs)


def check_closed(closed, wanted):
    if wanted is None or closed is None:
        return same("closed epoch", wanted, closed)
    same("closed epoch", wanted["epoch"], closed.epoch)
    same("outcomes", list(wanted["outcomes"]), [x.outcome for x in closed.exchanges])
    outcomes = "".join(x.outcome for x in closed.exchanges)
    count = lambda letters: sum(outcomes.count(letter) for letter in letters)
    tallies = list(closed.tallies.values())
    total = lambda what: sum(t[what] for t in tallies)
    counts = [total("dealt"), *map(count, ("i", "s", "u", "hf", "cv")), total("completed")]
    same("counts", wanted["counts"], counts)
    same("tallies", wanted["tallies"], [" ".join(str(n) for n in t.values()) for t in tallies])


def check_derived(chain, derived, record, wanted):
    check_closed(derived["closed"], wanted["closed"])
    ledger, trust, scores = (d.hex() for d in derived["digests"])
    same("ledger digest", wanted["ledger"], ledger)
    members = derived["scores"]
    same("trust", wanted["trust"], [" ".join(map(str, derived["trust"][m])) for m in members])
    same("trust digest", wanted["trust_digest"], trust)
    if wanted["fine_trust_digest"]:
        finer = trusting.trust(record["params"] | {"fine_from_members": 0}, chain.window, derived["before"])
        same("trust digest in fine masses", wanted["fine_trust_digest"], trusting.digest(finer).hex())
    names = FIELDS + ("provisional", "locked")
    same("scores", wanted["scores"], [" ".join(str(int(s[f])) for f in names) for s in members.values()])
    same("scores digest", wanted["scores_digest"], scores)
    same("credits", wanted["credits"].split(), [str(credits(record["params"], chain.window, m)) for m in members])
    same("results", wanted["results"], derived["results"].hex())
    same("results of the record", record["results"].hex(), derived["results"].hex())


def check_rows(chain, derived, rows, degraded):
    held = {r["member"]: r for r in rows}
    for row in derived["rows"]:
        for field, value in row.items():
            same(f"{field} of row {row['member'].hex()[:8]}", held.get(row["member"], {}).get(field), value)
    require(not derived["gone"] & held.keys(), "who left is in no roster")
    known = {row["member"] for row in derived["rows"]}
    admitted = [row for row in rows if row["member"] not in known]
    require(not degraded or not admitted, "a degraded record admits nobody")
    for row in admitted:
        first = first_row(chain.params, row, chain.records[-1]["epoch"])
        for field, value in first.items():
            same(f"{field} of the first row {row['member'].hex()[:8]}", row[field], value)
    return len(admitted)


def check(data, recorded, show=lambda line: None):
    """Everything of the recorded network; raises at the first difference."""
    genesis, received = days(data)
    chain = Chain(genesis)
    same("network id", recorded["network"], chain.network.hex())
    same("number of records", len(recorded["records"]), len(received))
    proofs, earlier = {}, []
    totals = {"pairs": 0, "bundles": 0, "exchanges": 0, "first rows": 0}
    totals["refusals"] = refusals.of_first_record(chain, received[0]["record"])
    show("record  members  pairs  bundles  closed  exchanges  inbox  results")
    for epoch, (day, wanted) in enumerate(zip(received, recorded["records"])):
        try:
            same("signed input", wanted["signed_input"], signed_input(chain.network, day))
            rows = [decode(messages.ROW, r, 512) for r in day["rows"]]
            record = chain.accept(day["record"], rows)
            same("roster", wanted["roster"], record["roster"].hex())
            told = [messages.open_envelope("notice", n) for n in day["notices"]]
            require([m for m, _, _ in told] == record["notices"], "the record lists the notices told before")
            require(all(proofs.get(m) == d for m, d in record["proofs"]), "the record lists faults told before")
            derived = chain.derive()
            check_derived(chain, derived, record, wanted)
            totals["first rows"] += check_rows(chain, derived, rows, record["degraded"])
            pairs = check_deal(chain, epoch, wanted)
            for bundle in day["bundles"]:
                chain.accept_bundle(bundle)
            totals["refusals"] += refusals.of_bundles(chain, day, earlier)
            earlier = earlier or day["bundles"][:1]
            proofs.update(chain.check_fault(f) for f in day["faults"])
        except Exception as e:
            raise type(e)(f"record {epoch}: {e}") from e
        closed = derived["closed"]
        exchanges = closed.exchanges if closed else []
        inbox = sum(x.outcome == "i" for x in exchanges)
        totals["pairs"] += pairs
        totals["bundles"] += len(day["bundles"])
        totals["exchanges"] += len(exchanges)
        name = closed.epoch if closed else "-"
        show(f"{epoch:6}  {len(rows):7}  {pairs:5}  {len(day['bundles']):7}  {name:>6}  {len(exchanges):9}  {inbox:5}  {derived['results'].hex()[:12]}")
    return len(received), totals

