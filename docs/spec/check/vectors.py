"""The golden vectors of wire, identities, rings and texts."""

import exchange
import identity
import matching
import messages
import parameters
import roster
import text
import transport
from blake3 import blake3
from codec import Refused, decode
from network import same

PLAIN = {
    "envelope": messages.ENVELOPE, "genesis": messages.GENESIS, "params": messages.PARAMS, "roster-row": messages.ROW, "fault": messages.FAULT,
    "introduce": messages.INTRODUCE, "introduced": messages.INTRODUCED, "apply": messages.APPLY,
    "enrolment-answer": messages.ANSWER, "request": messages.REQUEST, "response": messages.RESPONSE,
}
LARGEST = 4 * 1024 * 1024


def check_message(network, signer, m):
    name, data = m["message"], bytes.fromhex(m["hex"])
    kind, limit = messages.SIGNED.get(name) or (PLAIN[name], LARGEST)
    if name in PLAIN:
        message = decode(kind, data, limit)
        same(f"fields of {name}", m["fields"], kind.show(message))
    else:
        same(f"fields of {name}", m["fields"], kind.show(messages.read_payload(name, m["version"], data)))
        same(f"limit of {name}", m["limit"], limit)
        same(f"signed input of {name}", m["signed_input"], messages.signed_input(name, m["version"], network, data).hex())
        message, by, payload = messages.open_envelope(name, bytes.fromhex(m["envelope"]))
        same(f"envelope of {name}", (m["fields"], signer, m["hex"]), (kind.show(message), by.hex(), payload.hex()))
    same(f"order of {name}", m["order"], kind.order(message))


def refuses(bad):
    data, name = bytes.fromhex(bad["hex"]), bad["message"]
    try:
        if name == "bundle-envelope":
            messages.open_envelope("bundle", data)
        elif name == "genesis":
            messages.read_genesis(data)
        else:
            kind, limit = messages.SIGNED.get(name) or (PLAIN[name], LARGEST)
            value = decode(kind, data, limit)
            if name == "bundle":
                messages.check_entries(value["entries"])
    except Refused:
        return True
    return False


def check_label(network, v):
    same("fields of the label", v["fields"], identity.parse_label(v["header"]))
    same("a folded label", v["fields"], identity.parse_label(v["header"].replace("; s=", ";\r\n\ts=")))
    for bad in v["refused"]:
        same(f"label {bad}", None, identity.parse_label(bad))
    exchange, author, addressee = (bytes.fromhex(x) for x in (v["fields"]["exchange"], v["author"], v["addressee"]))
    covered = identity.label_input(network, exchange, v["fields"]["turn"], v["message_id"], author, addressee, v["text"])
    same("signed input of the label", v["signed_input"], covered.hex())
    proof = [e.hex() for e in identity.evidence(bytes.fromhex(v["fields"]["signature"]))]
    same("evidence", [v["receiver_evidence"], v["sender_evidence"]], proof)


def check_wire(v):
    network = bytes.fromhex(v["network"])
    for m in v["messages"]:
        check_message(network, v["signer"], m)
    same("enums", sorted(v["variants"]), sorted(messages.ENUMS))
    for place, names in v["variants"].items():
        same(f"variants of {place}", names, messages.ENUMS[place].names)
    standard = next(m["fields"] for m in v["messages"] if m["message"] == "params")
    for p in v["params"]:
        same(f"{p['field']} {p['value']}", p["holds"], parameters.hold(standard | {p["field"]: p["value"]}))
    by_name = {m["message"]: bytes.fromhex(m["hex"]) for m in v["messages"]}
    names = [blake3(by_name[n]).hex() for n in ("genesis", "params")]
    same("digests", [v["digests"]["network_id"], v["digests"]["params"]], names)
    check_label(network, v["label"])
    same("enrolment headers", v["enrolment_header"], {n: f"v1; {n}={x * 16}" for n, x in (("token", "06"), ("code", "07"))})
    for bad in v["refused"]:
        same(f"{bad['message']} with {bad['why']}", True, refuses(bad))
    return len(v["messages"]) + len(v["refused"]) + len(v["params"])


def check_identity(v):
    network, salt, tag_key = (bytes.fromhex(v[n]) for n in ("network", "salt", "tag_key"))
    for a in v["addresses"]:
        address = identity.canonical(a["written"])
        same("canonical address", a["canonical"], address)
        same("member id", a["member"], identity.member_id(network, salt, address).hex())
        # The registrable domain comes from the Public Suffix List.
        tags = [identity.domain_tag(tag_key, subject).hex() for subject in (a["registrable"], address)]
        same("domain tags", [a["tag"], a["shared_tag"]], tags)
    for bad in v["refused_addresses"]:
        same(f"address {bad}", None, identity.canonical(bad))
    for long in v["longest_addresses"]:
        same("an address at the limits", long, identity.canonical(long))
    for x in v["exchanges"]:
        members = bytes.fromhex(x["sender"]), bytes.fromhex(x["receiver"])
        exchange = identity.exchange_id(network, x["epoch"], x["ring"], x["round"], *members)
        same("exchange id", x["id"], exchange.hex())
        same("replies owed", x["replies_owed"], identity.replies_owed(300_000, exchange))
    for s in v["streams"]:
        stream = identity.Stream(s["purpose"], [bytes.fromhex(p) for p in s["parts"]])
        same("stream", s["numbers"], [str(stream.next()) for _ in s["numbers"]])
        same("below", s["below"], [stream.below(n * 1000) for n in range(1, 6)])
    for m in v["merkle"]:
        same("Merkle root", m["root"], messages.merkle(bytes([i] * i) for i in range(m["leaves"])).hex())
    clock, member = identity.Clock(**v["clock"]["clock"]), bytes.fromhex(v["clock"]["member"])
    times = v["clock"]["start_send_act_bundle_deadline"]
    same("times", times, [clock.times(e, member) for e in range(len(times))])
    return sum(len(v[n]) for n in ("addresses", "exchanges", "streams", "merkle")) + len(times)


def check_transport(v):
    network = bytes.fromhex(v["network"])
    same("network as text", v["text"], transport.network_text(network))
    same("protocol names", v["names"], transport.names(network))
    same("topics", v["topics"], {word: transport.topic(network, word) for word in transport.WORDS})
    for m in v["messages"]:
        same("message id", m["id"], transport.message_id(v["topics"][m["topic"]], bytes.fromhex(m["data"])).hex())
    for p in v["peers"]:
        same("peer id", p["peer"], transport.peer(bytes.fromhex(p["node"])))
    for f in v["frames"]:
        same("frame", f["frame"], transport.frame(bytes.fromhex(f["data"])).hex())
    return sum(len(v[n]) for n in ("names", "topics", "messages", "peers", "frames"))


def ring_row(n, quota, golden):
    member = (n * 0x9E3779B1 & 0xFFFFFFFF).to_bytes(4, "big").ljust(32, b"\0")
    row = {"member": member, "node": member, "tag": n.to_bytes(4, "big"), "quota": quota, "dead": False, "complained": False, "weekdays": 0x7F}
    return row | {"role": "golden" if golden else "member", "pool": "standard"}


def check_rings(v, params):
    rings = ["open", "rehab", "golden"]
    for p in v["permutations"]:
        permutation = matching.Permutation(bytes.fromhex(p["seed"]), rings.index(p["ring"]), p["round"], len(p["places"]))
        same("permutation", p["places"], [permutation.place(i) for i in range(len(p["places"]))])
    for d in v["deals"]:
        n = d["members"]
        rows = [ring_row(i, 0 if i >= n else 2 + i % 4, i >= n) for i in range(n + d["golden"])]
        deal = matching.Deal(params, sorted(rows, key=lambda r: r["member"]), bytes.fromhex(d["seed"]), 0)
        same("deal", d["pairs"], [[rings[ring], *rest] for ring, *rest in deal.pairs])
    return len(v["permutations"]) + len(v["deals"])


def check_plans(plans, params):
    """Everybody's part of a deal: fresh members, then golden ones, their number the first four bytes of id, node and tag."""
    rings = ["open", "rehab", "golden"]
    params = params | {"golden_seats": 40, "golden_per_member": 8}

    def row(n, golden):
        name = n.to_bytes(4, "big")
        certified = {"provider": 0, "languages": 1, "ramp": "fresh", "weekdays": 0x7F, "acts": 15}
        certified |= {"member": name.ljust(32, b"\0"), "node": name.ljust(32, b"\0"), "tag": name.ljust(16, b"\0")}
        return roster.first_row(params, certified | {"role": "golden" if golden else "member"}, 0)

    for plan in plans:
        n = plan["members"]
        rows = [row(i, i >= n) for i in range(n + plan["golden"])]
        deal = matching.Deal(params, rows, bytes.fromhex(plan["seed"]), 0)
        parts = [
            [position, sends, rings[pair[0]], pair[1], pair[3 if sends else 2], spare, meeting]
            for position in range(len(rows))
            for sends in (True, False)
            for pair, spare, meeting in deal.part(position, sends)
        ]
        same("parts of a deal", plan["parts"], parts)
    return sum(len(plan["parts"]) for plan in plans)


def check_texts(v, banks):
    """`banks`: a folder with `bank_<language>.txt`."""
    members = [bytes.fromhex(m) for m in v["members"]]
    sources = {}
    for language, wanted in v["banks"].items():
        data = (banks / f"bank_{language}.txt").read_bytes()
        same(f"bank {language}", wanted, blake3(data).hex())
        sources[language] = data.decode()
    for c in v["capitals"]:
        same(f"capitals of {c['text']!r}", c["written"], text.sentences(c["text"], c["after_comma"]))
    for t in v["texts"]:
        language, exchange = t["language"], bytes.fromhex(t["exchange"])
        bank, words = sources[language], v["words"][language]
        subject, body = text.mail(bank, words, language, exchange, members, t["epoch"], t["meeting"], t["turn"])
        digest = blake3(text.normalise(body).encode()).hex()
        same(f"text in {language}", [t["subject"], t["digest"]], [subject, digest])
    return len(v["texts"]) + len(v["capitals"])


def check_exchange(v):
    clock = lambda x: identity.Clock(**x["clock"])
    for x in v["introductions"]:
        same("introduction", x["at"], exchange.introduction_at(clock(x), x["epoch"], bytes.fromhex(x["exchange"])))
    same("pauses", v["pauses"], [exchange.pause(tries) for tries in range(len(v["pauses"]))])
    for x in v["slots"]:
        hours = [x[n] * identity.MINUTE for n in ("from_minute", "until_minute")]
        at = exchange.send_slots(clock(x), x["epoch"], bytes.fromhex(x["member"]), hours, x["mails"])
        same(f"{x['mails']} send times", x["at"], at)
    for x in v["acts"]:
        plan = exchange.act_plan(clock(x), x["read_ppm"], bytes.fromhex(x["exchange"]), x["turn"], x["found"])
        same("acts", [x[n] for n in ("rescue", "read", "reply", "file")], plan)
    for x in v["foreign"]:
        same(f"foreign {x['mail']!r}", x["foreign"], exchange.is_foreign(x["mail"], x["expected"]))
    return sum(len(v[n]) for n in ("introductions", "pauses", "slots", "acts", "foreign"))
