"""Names, ids and frames of the network layer: docs/spec/12-transport.md."""

from blake3 import blake3

WORDS = ("records", "bundles", "notices", "faults")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def network_text(network):
    return network[:8].hex()


def names(network):
    text = network_text(network)
    return {"request": f"/warmnet/{text}/request/1", "identify": f"/warmnet/{text}/1"}


def topic(network, word):
    return f"/warmnet/{network_text(network)}/{word}/1"


def message_id(topic, data):
    return blake3(len(topic).to_bytes(8, "little") + topic.encode() + data)[:20]


def peer(node):
    """The peer id of an Ed25519 key, as text: the key itself, in base 58 (no leading zero byte but the first)."""
    data = bytes([0x00, 0x24, 0x08, 0x01, 0x12, 0x20]) + node
    number, out = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        out = BASE58[digit] + out
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + out


def frame(data):
    return len(data).to_bytes(4, "big") + data
