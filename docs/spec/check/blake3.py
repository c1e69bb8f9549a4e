"""BLAKE3 in plain Python: hash, keyed hash, derive_key, extended output. After the BLAKE3 paper, section 2."""

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
COLUMNS_AND_DIAGONALS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED_HASH, DERIVE_KEY_CONTEXT, DERIVE_KEY_MATERIAL = (1 << i for i in range(7))
BLOCK, CHUNK = 64, 1024


def _unrolled():
    """The compression function with its seven rounds written out: local names are what plain Python is fastest with."""
    state = ", ".join(f"v{i}" for i in range(16))
    words = ", ".join(f"m{i}" for i in range(16))
    out = ["def compress(cv, block, counter, length, flags):", f"    {words} = block"]
    out.append("    v0, v1, v2, v3, v4, v5, v6, v7 = cv")
    out.append("    v8, v9, v10, v11 = IV[:4]")
    out.append("    v12, v13, v14, v15 = counter & 0xFFFFFFFF, counter >> 32, length, flags")
    order = list(range(16))
    for _ in range(7):
        for n, (a, b, c, d) in enumerate(COLUMNS_AND_DIAGONALS):
            for word, (r1, r2) in zip(order[2 * n : 2 * n + 2], ((16, 12), (8, 7))):
                out.append(f"    v{a} = v{a} + v{b} + m{word} & 0xFFFFFFFF; x = v{d} ^ v{a}; v{d} = (x >> {r1} | x << {32 - r1}) & 0xFFFFFFFF")
                out.append(f"    v{c} = v{c} + v{d} & 0xFFFFFFFF; x = v{b} ^ v{c}; v{b} = (x >> {r2} | x << {32 - r2}) & 0xFFFFFFFF")
        order = [order[i] for i in PERMUTATION]
    out.append(f"    v = ({state})")
    out.append("    return [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ cv[i] for i in range(8)]")
    scope = {"IV": IV}
    exec("\n".join(out), scope)
    return scope["compress"]


compress = _unrolled()


def _words(block):
    block = block.ljust(BLOCK, b"\0")
    return [int.from_bytes(block[i : i + 4], "little") for i in range(0, BLOCK, 4)]


class _Output:
    """A node of the tree before it is known whether it is the root."""

    def __init__(self, cv, block, counter, length, flags):
        self.input = (cv, block, counter, length, flags)

    def chaining_value(self):
        return compress(*self.input)[:8]

    def root_block(self, counter):
        """The `counter`-th 64 bytes of the extended output."""
        cv, block, _, size, flags = self.input
        return b"".join(w.to_bytes(4, "little") for w in compress(cv, block, counter, size, flags | ROOT))

    def root_bytes(self, length):
        return b"".join(self.root_block(n) for n in range((length + BLOCK - 1) // BLOCK))[:length]


def _chunk(key, data, counter, flags):
    cv, blocks = key, [data[i : i + BLOCK] for i in range(0, len(data), BLOCK)] or [b""]
    for n, block in enumerate(blocks):
        mine = flags | (CHUNK_START if n == 0 else 0)
        if n == len(blocks) - 1:
            return _Output(cv, _words(block), counter, len(block), mine | CHUNK_END)
        cv = compress(cv, _words(block), counter, BLOCK, mine)[:8]


def _tree(key, data, counter, flags):
    if len(data) <= CHUNK:
        return _chunk(key, data, counter, flags)
    # The left side is the largest power of two of chunks that leaves something to the right.
    left = CHUNK
    while 2 * left < len(data):
        left *= 2
    sides = _tree(key, data[:left], counter, flags), _tree(key, data[left:], counter + left // CHUNK, flags)
    return _Output(key, sides[0].chaining_value() + sides[1].chaining_value(), 0, BLOCK, flags | PARENT)


def blake3(data, length=32):
    """Plain BLAKE3 of `data`."""
    return _tree(list(IV), data, 0, 0).root_bytes(length)


def keyed_hash(key, data, length=32):
    """BLAKE3 under a 32-byte key."""
    return _tree(_words(key)[:8], data, 0, KEYED_HASH).root_bytes(length)


_contexts = {}


def derive(context, data):
    """derive_key mode, as an output to read blocks from: `context` is a fixed text, `data` the key material."""
    if context not in _contexts:
        _contexts[context] = _words(_tree(list(IV), context.encode(), 0, DERIVE_KEY_CONTEXT).root_bytes(32))[:8]
    return _tree(_contexts[context], data, 0, DERIVE_KEY_MATERIAL)


def derive_key(context, data, length=32):
    return derive(context, data).root_bytes(length)
