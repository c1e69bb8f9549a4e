"""What a chain must not accept, tried on the recorded network: docs/spec/03-records-and-roster.md. Signatures are not checked here, so
what was recorded can be changed freely."""

import messages
from chain import LISTS, ROSTER_ROWS, Broken, require
from codec import decode

FILL = {
    "notices": {"tag": bytes(16), "kind": "listed", "reason": "operator", "evidence": bytes(32), "since": 0, "review": 0},
    "proofs": (bytes(32), bytes(32)),
    "departures": b"",
}


def refused(accept, envelope, rule):
    try:
        accept(envelope)
    except Broken as e:
        require(str(e) == rule, f"refused because '{e}' and not because '{rule}'")
        return 1
    raise Broken(f"accepted against '{rule}'")


def changed(kind, data, change):
    """The envelope with another message in it, in its own layout."""
    envelope = decode(messages.ENVELOPE, data, messages.SIGNED[kind][1] + 128)
    layout = messages.layout(kind, envelope["version"])
    message = decode(layout, envelope["payload"], messages.SIGNED[kind][1])
    change(message)
    return messages.ENVELOPE.write(envelope | {"payload": layout.write(message)})


def of_first_record(chain, data):
    """How many records were refused that differ in one thing from the first one of an empty chain."""
    set_ = lambda **fields: lambda record: record.update(fields)
    certificate = lambda **fields: lambda r: r.update(authority=changed("issuing-key", r["authority"], set_(**fields)))
    tries = [(set_(**{name: [FILL[name]] * (limit + 1)}), "its lists are not too long") for name, limit in LISTS.items()]
    tries += [
        (set_(roster_len=ROSTER_ROWS + 1), "its lists are not too long"),
        (set_(ledger={"epoch": 0, "present": b"", "digest": bytes(32)}), "it closes the right epoch"),
        (set_(epoch=1), "the record is the next one"),
        (set_(previous=bytes(32)), "it names the record before it"),
        (set_(beacon=bytes(32)), "its beacon hashes to the one before"),
        (lambda r: r["params"].update(golden_seats=21), "its parameters are those in force"),
        (certificate(key=bytes(32)), "the root certified its signer"),
        (certificate(**{"from": 1}), "the certificate holds in this epoch"),
    ]
    return sum(refused(chain.check_record, changed("epoch-record", data, change), rule) for change, rule in tries)


def of_bundles(chain, day, earlier):
    """How many bundles were refused behind a record. `earlier`: some of an epoch that may be closed by now."""
    count, closed = 0, chain.records[-1]["ledger"]
    for bundle in day["bundles"][:1]:
        other = lambda m: m["report"].update(replies=m["report"]["replies"] + 1)
        count += refused(chain.accept_bundle, changed("bundle", bundle, other), "a member has one bundle an epoch")
    if closed:
        count += sum(refused(chain.accept_bundle, bundle, "a bundle's epoch is open") for bundle in earlier)
    return count
