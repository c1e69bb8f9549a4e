"""Every message of docs/spec/02-wire.md, field by field."""

import parameters
from blake3 import blake3
from codec import Bool, Byte, Bytes, Enum, Id, Int, Option, Raw, Refused, Signed, Struct, Text, Tuple, Vec, decode

U16, U32, U64 = Int(16), Int(32), Int(64)
EPOCH, DIGEST, MEMBER, NODE, TAG = U32, Id(32), Id(32), Id(32), Id(16)

# Every parameter is a u32, in this order.
PARAMS = Struct(**{name: U32 for name in """
version window_epochs close_lag enrolment_delay admissions_floor admissions_permille golden_seats golden_per_member
golden_newcomer_weight newcomer_epochs round_share quota_divisor spare_divisor rehab_ring_from rehab_quota_floor
restart_permille walk_steps fine_from_members median_age weight_floor_q16 floor_credibility tolerance_observations
provisional_delivered provisional_completion lock_below rehab_below premium_from inbox_gate bounce_floor complaint_floor
reply_ppm read_ppm service_full dead_senders dead_permille soft_in_row equivocation_epochs dead_clear_epochs trigger_mails
trigger_events bounce_watch bounce_throttle bounce_rehab complaint_watch complaint_rehab debt_rate pause_cut pause_step
pause_clean pause_floor pause_placements external_ceiling credits_inbound complaint_tags
""".split()})

GENESIS = Struct(
    version=Byte(), name=Text(), root=NODE, coordinator=NODE, first_beacon=DIGEST,
    clock=Struct(epoch_zero_ms=Signed(), epoch_ms=U64), params=PARAMS,
)
ENVELOPE = Struct(version=Byte(), signer=NODE, payload=Bytes(), signature=Id(64))
NOTICE = Struct(
    tag=TAG, kind=Enum(listed=None, released=None), reason=Enum(blocklist=None, operator=None),
    evidence=DIGEST, since=EPOCH, review=EPOCH,
)
RECORD = Struct(
    epoch=EPOCH, previous=DIGEST, beacon=Id(32), roster=DIGEST, roster_len=U32,
    ledger=Option(Struct(epoch=EPOCH, present=Bytes(), digest=DIGEST)),
    notices=Vec(NOTICE), proofs=Vec(Tuple(MEMBER, DIGEST)), departures=Vec(Bytes()), results=DIGEST, params=PARAMS,
    upcoming=Option(Struct(**{"from": EPOCH}, params=PARAMS)), degraded=Bool(), authority=Bytes(),
)
ISSUING_KEY_1 = Struct(key=NODE, **{"from": EPOCH}, until=EPOCH)
ISSUING_KEY = Struct(key=NODE, **{"from": EPOCH}, until=EPOCH, serial=U32)
DEPARTURE = Struct(member=MEMBER, joined=EPOCH)
PASSPORT = Struct(member=MEMBER, node=NODE, tag=TAG, **{"from": EPOCH})
RAMP = Enum(gentle=None, fresh=None, prewarmed=None)
ROW = Struct(
    member=MEMBER, node=NODE, tag=TAG, provider=Byte(), languages=Byte(), role=Enum(member=None, golden=None),
    pool=Enum(warming=None, standard=None, premium=None, rehab=None, quarantined=None), unlocked_once=Bool(), joined=EPOCH,
    ramp=RAMP, ramp_day=U16, quota=U16, cut=U16, clean_epochs=Byte(), debt=U32, debt_since=EPOCH, service=U16,
    weekdays=Byte(), acts=Byte(), dead=Bool(), complained=Bool(),
)
ENTRY = Struct(ring=Byte(), round=U16, side=Byte(), outcome=U16, evidence=Raw(4))
BUNDLE = Struct(
    member=MEMBER, epoch=EPOCH, entries=Vec(ENTRY),
    report=Struct(sent=U32, hard=U32, soft=U32, complaints=U32, replies=U32),
)
FAULT = Enum(Equivocation=Struct(first=Bytes(), second=Bytes()))
SLOT = Struct(ring=Enum(open=None, rehab=None, golden=None), round=U16)
INTRODUCE = Struct(epoch=EPOCH, slot=SLOT, **{"from": MEMBER}, to=MEMBER, address=Text(), salt=Id(32))
DECLINE = Enum(NotHere=None, NotDealt=None, WrongAddress=None, Paused=None, Quarantined=None, NotReady=None)
INTRODUCED = Enum(Welcome=Struct(address=Text(), salt=Id(32)), Declined=DECLINE)
APPLY = Struct(
    member=MEMBER, address=Text(), salt=Id(32), provider=Byte(), languages=Byte(), weekdays=Byte(), acts=Byte(), ramp=RAMP
)
ANSWER = Enum(
    Challenge=Struct(golden=Text(), token=Raw(16)), Pending=None, Admitted=Struct(passport=Bytes()), Refused=Struct(reason=Text()),
    Left=None,
)
REQUEST = Enum(
    Introduce=INTRODUCE, Apply=APPLY, Confirm=Struct(member=MEMBER, code=Raw(16)), Records=Struct(**{"from": EPOCH}),
    Roster=Struct(epoch=EPOCH, digest=DIGEST, **{"from": U32}), Bundles=Struct(epoch=EPOCH, have=Bytes()), Notices=None,
    Contacts=Struct(nodes=Vec(NODE)), Leave=Bytes(), Leaves=Struct(record=EPOCH, **{"from": U32}), Faults=Struct(digests=Vec(DIGEST)),
)
RESPONSE = Enum(
    Introduced=INTRODUCED, Enrolment=ANSWER, Records=Vec(Bytes()), Roster=Struct(rows=Vec(ROW), total=U32), Bundles=Vec(Bytes()),
    Notices=Vec(Bytes()), Contacts=Vec(Tuple(NODE, Vec(Text()))), Refused=Struct(reason=Text()),
    Leaves=Struct(digests=Vec(DIGEST), total=U32), Faults=Vec(Bytes()),
)

# Kind of a signed message: its payload and largest payload in bytes.
SIGNED = {
    "epoch-record": (RECORD, 144 * 1024),
    "departure": (DEPARTURE, 64),
    "bundle": (BUNDLE, 24 * 1024),
    "notice": (NOTICE, 256),
    "issuing-key": (ISSUING_KEY, 128),
    "passport": (PASSPORT, 256),
}
# Every enum, by message and field.
ENUMS = {
    "request": REQUEST, "response": RESPONSE, "enrolment-answer": ANSWER, "introduced": INTRODUCED, "introduced.Declined": DECLINE,
    "fault": FAULT, "notice.kind": NOTICE.fields["kind"], "notice.reason": NOTICE.fields["reason"],
    "roster-row.role": ROW.fields["role"], "roster-row.pool": ROW.fields["pool"], "roster-row.ramp": RAMP,
    "introduce.slot": SLOT.fields["ring"],
}
# A kind with a layout before the newest: its version, that layout, and how its fields are read as those of the newest.
PREVIOUS = {"issuing-key": (1, ISSUING_KEY_1, lambda m: {**m, "serial": 0})}
FAULT_BYTES = 2 * (24 * 1024 + 256)
BUNDLE_ENTRIES = 400
GENESIS_BYTES, NAME_BYTES, EPOCH_MS, EPOCH_ZERO_MS = 4096, 64, (1000, 86_400_000), 253_402_300_799_999


def signed_input(kind, version, network, payload):
    """What the signature of an envelope covers."""
    return f"warmnet/{kind}/v{version}".encode() + network + payload


def newest(kind):
    return PREVIOUS[kind][0] + 1 if kind in PREVIOUS else 1


def layout(kind, version):
    """Of the newest version, or of the one before."""
    if version == newest(kind):
        return SIGNED[kind][0]
    if kind in PREVIOUS and version == PREVIOUS[kind][0]:
        return PREVIOUS[kind][1]
    raise Refused("an unknown version")


def read_payload(kind, version, payload):
    """A signed message of its newest layout, or of the one before."""
    message = decode(layout(kind, version), payload, SIGNED[kind][1])
    if version != newest(kind):
        message = PREVIOUS[kind][2](message)
    if kind == "issuing-key" and version != (2 if message["serial"] else 1):
        raise Refused("a lower version says the same")
    return message


def open_envelope(kind, data):
    """(message, signer, payload). The signature is left to an Ed25519 library, strict verification."""
    envelope = decode(ENVELOPE, data, SIGNED[kind][1] + 128)
    message = read_payload(kind, envelope["version"], envelope["payload"])
    if kind == "bundle":
        check_entries(message["entries"])
    return message, envelope["signer"], envelope["payload"]


def read_genesis(data):
    genesis = decode(GENESIS, data, GENESIS_BYTES)
    if genesis["version"] != 1 or len(genesis["name"].encode()) > NAME_BYTES or not EPOCH_MS[0] <= genesis["clock"]["epoch_ms"] <= EPOCH_MS[1] \
            or abs(genesis["clock"]["epoch_zero_ms"]) > EPOCH_ZERO_MS:
        raise Refused("a genesis out of its limits")
    if not parameters.hold(genesis["params"]):
        raise Refused("a parameter out of its range")
    return genesis


def check_entries(entries):
    keys = [(e["ring"], e["round"], e["side"]) for e in entries]
    if len(entries) > BUNDLE_ENTRIES or any(a >= b for a, b in zip(keys, keys[1:])):
        raise Refused("entries out of order, or too many")
    for e in entries:
        bits = e["outcome"]
        auth = [bits >> n & 3 for n in (3, 5, 7)]
        sender = e["side"] == 0 and bits <= 3
        seen = 1 <= bits & 7 <= 4 and bits >> 13 == 0 and 3 not in auth
        if e["ring"] > 2 or not (sender or (e["side"] == 1 and (bits == 0 or seen))):
            raise Refused("an unknown ring, side or outcome")


def digest(data):
    return blake3(data)


def merkle(leaves):
    """Leaf H(0 || row), node H(1 || left || right), an odd node goes up as it is; no leaf: H of nothing."""
    level = [blake3(b"\0" + leaf) for leaf in leaves]
    if not level:
        return blake3(b"")
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [blake3(b"\1" + p[0] + p[1]) if len(p) == 2 else p[0] for p in pairs]
    return level[0]
