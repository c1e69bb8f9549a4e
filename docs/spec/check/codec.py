"""The byte format of docs/spec/02-wire.md: types that read, write and show values. Decoding is strict."""


class Refused(Exception):
    """These bytes are no canonical message."""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise Refused("the message ends early")
        self.at += n
        return self.data[self.at - n : self.at]

    def varint(self):
        first = self.take(1)[0]
        size = {251: 2, 252: 4, 253: 8}.get(first)
        if size is None:
            if first > 253:
                raise Refused("no integer of this format")
            return first
        return int.from_bytes(self.take(size), "little")


def varint(n):
    if n < 251:
        return bytes([n])
    for marker, size in ((251, 2), (252, 4), (253, 8)):
        if n < 1 << 8 * size:
            return bytes([marker]) + n.to_bytes(size, "little")
    raise Refused("an integer of more than 64 bits")


class Byte:
    def order(self, v):
        """Paths of the fields inside, in wire order."""
        return []

    def read(self, r):
        return r.take(1)[0]

    def write(self, v):
        return bytes([v])

    def show(self, v):
        return v


class Int(Byte):
    """An unsigned integer of up to `bits`, variable length."""

    def __init__(self, bits):
        self.bits = bits

    def read(self, r):
        v = r.varint()
        if v >> self.bits:
            raise Refused(f"an integer of more than {self.bits} bits")
        return v

    def write(self, v):
        return varint(v)


class Signed(Byte):
    """A 64-bit signed integer: zigzag, then as `Int`."""

    def read(self, r):
        v = r.varint()
        return v >> 1 if v & 1 == 0 else -(v >> 1) - 1

    def write(self, v):
        return varint(v << 1 if v >= 0 else (-v << 1) - 1)


class Bool(Byte):
    def read(self, r):
        v = r.take(1)[0]
        if v > 1:
            raise Refused("no truth value")
        return v == 1


class Id(Byte):
    """`n` raw bytes, shown as hex."""

    def __init__(self, n):
        self.n = n

    def read(self, r):
        return r.take(self.n)

    def write(self, v):
        return v

    def show(self, v):
        return v.hex()


class Raw(Id):
    """`n` raw bytes, shown as numbers."""

    def show(self, v):
        return list(v)


class Bytes(Byte):
    """A length and that many bytes."""

    def read(self, r):
        return r.take(r.varint())

    def write(self, v):
        return varint(len(v)) + v

    def show(self, v):
        return list(v)


class Text(Bytes):
    def read(self, r):
        try:
            return r.take(r.varint()).decode()
        except UnicodeDecodeError:
            raise Refused("no UTF-8")

    def write(self, v):
        return super().write(v.encode())

    def show(self, v):
        return v


class Option:
    def __init__(self, inner):
        self.inner = inner

    def read(self, r):
        return self.inner.read(r) if Bool().read(r) else None

    def write(self, v):
        return b"\0" if v is None else b"\1" + self.inner.write(v)

    def show(self, v):
        return None if v is None else self.inner.show(v)

    def order(self, v):
        return [] if v is None else self.inner.order(v)


class Vec(Option):
    def read(self, r):
        return [self.inner.read(r) for _ in range(r.varint())]

    def write(self, v):
        return varint(len(v)) + b"".join(self.inner.write(x) for x in v)

    def show(self, v):
        return [self.inner.show(x) for x in v]

    def order(self, v):
        return list(dict.fromkeys(path for x in v for path in self.inner.order(x)))


class Tuple:
    def __init__(self, *parts):
        self.parts = parts

    def read(self, r):
        return tuple(p.read(r) for p in self.parts)

    def write(self, v):
        return b"".join(p.write(x) for p, x in zip(self.parts, v, strict=True))

    def show(self, v):
        return [p.show(x) for p, x in zip(self.parts, v)]

    def order(self, v):
        return list(dict.fromkeys(path for p, x in zip(self.parts, v) for path in p.order(x)))


class Struct:
    """Fields one after the other, in this order."""

    def __init__(self, **fields):
        self.fields = fields

    def read(self, r):
        return {name: t.read(r) for name, t in self.fields.items()}

    def write(self, v):
        return b"".join(t.write(v[name]) for name, t in self.fields.items())

    def show(self, v):
        return {name: t.show(v[name]) for name, t in self.fields.items()}

    def order(self, v):
        return [path for name, t in self.fields.items() for path in under(name, t.order(v[name]))]


class Enum:
    """The variant's number, then what it holds. A value is its name, or (name, content)."""

    def __init__(self, **variants):
        self.variants, self.names = variants, list(variants)

    def read(self, r):
        number = Int(32).read(r)
        if number >= len(self.names):
            raise Refused("an unknown variant")
        name = self.names[number]
        inner = self.variants[name]
        return name if inner is None else (name, inner.read(r))

    def write(self, v):
        name, content = (v, None) if isinstance(v, str) else v
        inner = self.variants[name]
        return varint(self.names.index(name)) + (b"" if inner is None else inner.write(content))

    def show(self, v):
        return v if isinstance(v, str) else {v[0]: self.variants[v[0]].show(v[1])}

    def order(self, v):
        return [] if isinstance(v, str) else under(v[0], self.variants[v[0]].order(v[1]))


def under(name, paths):
    return [f"{name}.{path}" for path in paths] or [name]


def decode(kind, data, limit):
    """Exactly one message: within its limit, nothing behind it, and in its only spelling."""
    if len(data) > limit:
        raise Refused(f"{len(data)} bytes where at most {limit} are allowed")
    reader = Reader(data)
    value = kind.read(reader)
    if reader.at != len(data):
        raise Refused("bytes behind the message")
    if kind.write(value) != data:
        raise Refused("not the canonical spelling")
    return value
