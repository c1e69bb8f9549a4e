"""Addresses, ids, streams, clocks and labels: docs/spec/01-identity.md, 02-wire.md, 05-exchange.md."""

import base64
import re

from blake3 import blake3, derive, derive_key, keyed_hash

DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TURNS = 5


def prefixed(parts):
    """Each part behind its length."""
    return b"".join(len(p).to_bytes(8, "big") + p for p in parts)


class Stream:
    """Numbers expanded from a purpose and a key."""

    def __init__(self, purpose, parts):
        self.output, self.blocks, self.held = derive(f"warmnet/v1/{purpose}", prefixed(parts)), 0, b""

    def next(self):
        if not self.held:
            self.held = self.output.root_block(self.blocks)
            self.blocks += 1
        number, self.held = self.held[:8], self.held[8:]
        return int.from_bytes(number, "little")

    def below(self, n):
        return self.next() * n >> 64

    def chance(self, ppm):
        return self.below(1_000_000) < ppm


ATEXT = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


def canonical(written):
    """The canonical form; None for what is no address."""
    local, _, domain = written.strip().rpartition("@")
    if len(written.strip().encode()) > 254 or not ATEXT.fullmatch(local) or not DOMAIN.fullmatch(domain):
        return None
    local, domain = local.lower(), domain.lower()
    plus = local.find("+")
    if plus > 0:
        local = local[:plus]
    if domain in DOTLESS:
        local, domain = local.replace(".", ""), DOTLESS[domain]
    return f"{local}@{domain}" if local else None


def member_id(network, salt, address):
    return keyed_hash(salt, prefixed([b"warmnet/v1/member", network, address.encode()]))


def domain_tag(tag_key, subject):
    """`subject`: the registrable domain, or the whole address at a shared provider."""
    return derive_key("warmnet/v1/domain-tag", tag_key + subject.encode(), 16)


def exchange_id(network, epoch, ring, round_, sender, receiver):
    slot = epoch.to_bytes(4, "big") + bytes([ring]) + round_.to_bytes(2, "big")
    return derive_key("warmnet/v1/exchange", network + slot + sender + receiver, 16)


def replies_owed(reply_ppm, exchange):
    stream, owed = Stream("replies", [exchange]), 0
    while owed < TURNS - 1 and stream.chance(reply_ppm):
        owed += 1
    return owed


class Clock:
    def __init__(self, epoch_zero_ms, epoch_ms):
        self.zero, self.length = epoch_zero_ms, epoch_ms

    def after(self, now, span):
        return now + span * self.length // DAY

    def at(self, epoch, offset):
        """Wall time of an offset in protocol milliseconds."""
        return self.zero + epoch * self.length + offset * self.length // DAY

    def bundle_at(self, epoch, member):
        point = Stream("bundle-point", [member, epoch.to_bytes(4, "big")])
        return self.at(epoch + 1, 18 * HOUR + point.below(5 * HOUR))

    def times(self, epoch, member):
        """Start, last sending, last act, signing of the bundle, last gossip of it."""
        late = self.at(epoch + 1, 12 * HOUR), self.at(epoch + 1, 18 * HOUR)
        return [self.at(epoch, 0), *late, self.bundle_at(epoch, member), self.at(epoch + 4, 12 * HOUR)]


def evidence(signature):
    """(receiver's, sender's) evidence of a label."""
    receiver = blake3(signature)[:4]
    return receiver, blake3(receiver)[:4]


NUMBER = r"(0|[1-9][0-9]{0,9})"
LABEL = re.compile(rf"v1;n=([0-9a-fA-F]{{16}});e={NUMBER};r={NUMBER}\.{NUMBER};x=([0-9a-fA-F]{{32}});t={NUMBER};s=([A-Za-z0-9+/=\s]+)")


def parse_label(value):
    """The fields of a label's header; None for anything else."""
    found = LABEL.fullmatch(";".join(part.strip() for part in value.split(";")))
    if not found:
        return None
    network, epoch, ring, round_, exchange, turn, signature = found.groups()
    try:
        signature = base64.b64decode("".join(signature.split()), validate=True)
    except ValueError:
        return None
    fields = {
        "network": network.lower(), "epoch": int(epoch), "ring": int(ring), "round": int(round_), "exchange": exchange.lower(),
        "turn": int(turn), "signature": signature.hex(),
    }
    fits = fields["epoch"] < 1 << 32 and fields["ring"] <= 2 and fields["round"] < 1 << 16 and fields["turn"] < TURNS
    return fields if fits and len(signature) == 64 else None


def label_input(network, exchange, turn, message_id, author, addressee, text):
    """What a label's signature covers; `text` is normalised."""
    where = network + exchange + bytes([turn]) + prefixed([message_id.encode()])
    return b"warmnet/label/v1" + where + author + addressee + blake3(text.encode())
