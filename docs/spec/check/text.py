"""What a warming mail says: docs/spec/05-exchange.md, section "Text". A bank is a file, its words stand in vectors/text.json."""

from identity import TURNS, Stream

LANGUAGES = ["en", "de", "fr", "es"]
MEETINGS, EPOCHS = 10, 90
PLAIN_LISTS = {"room": "rooms", "topic": "topics", "thing": "things", "town": "towns", "number": "numbers", "time": "times"}


def u64(n):
    return n.to_bytes(8, "big")


def parse(text):
    """A list of words (str), slots ((name,)) and choices ([options])."""
    pieces, at = _sequence(text, 0)
    if at != len(text):
        raise ValueError("a bar or bracket without its partner")
    return pieces


def _sequence(text, at):
    pieces = []
    while at < len(text) and text[at] not in "|}":
        if text[at] == "[":
            end = text.index("]", at)
            pieces.append((text[at + 1 : end],))
            at = end + 1
        elif text[at] == "{":
            options = []
            while True:
                option, at = _sequence(text, at + 1)
                options.append(option)
                if text[at] == "}":
                    break
            pieces.append(options)
            at += 1
        else:
            end = min((i for i in (text.find(c, at) for c in "{}[]|") if i >= 0), default=len(text))
            pieces.append(text[at:end])
            at = end
    return pieces, at


def draw_slots(exchange, words):
    stream = Stream("text-slots", [exchange])
    third = len(words["names"]) // 3
    places = [stream.below(third) for _ in range(3)]
    order = stream.below(3)
    names = [words["names"][(who + order) % 3 * third + place] for who, place in enumerate(places)]
    slots = dict(zip(("sender", "receiver", "colleague"), names))
    days = words["days"]
    day = stream.below(len(days))
    slots["day"] = days[day]
    slots["other_day"] = days[(day + 1 + stream.below(len(days) - 1)) % len(days)]
    for slot, name in PLAIN_LISTS.items():
        slots[slot] = words[name][stream.below(len(words[name]))]
    return slots


def expand(pieces, number, digits, stream, slots):
    """The first `digits` choices are the digits of `number`, least significant first; the stream picks the rest."""
    out = ""
    for piece in pieces:
        if isinstance(piece, str):
            out += piece
        elif isinstance(piece, tuple):
            out += slots[piece[0]]
        elif digits:
            number, digit = divmod(number, len(piece))
            digits -= 1
            out += expand(piece[digit], 0, 0, stream, slots)
        else:
            out += expand(piece[stream.below(len(piece))], 0, 0, stream, slots)
    return out


def numbered(pieces, needed):
    """How many leading choices number a text, and how many texts they tell apart."""
    groups, numbers = 0, 1
    for piece in pieces:
        if numbers >= needed:
            break
        if isinstance(piece, list):
            groups, numbers = groups + 1, numbers * len(piece)
    return groups, numbers


def sentences(text, after_comma):
    """Begins sentences and lines with a capital; in German not the line after one that ends with a comma."""
    starts, ended, comma, out = True, False, False, ""
    for c in text:
        if c == "\n":
            starts = after_comma or not comma
        elif c in ".?!":
            ended = True
        elif c == " ":
            starts, ended = starts or ended, False
        elif c not in "¿¡":
            ended = False
            if starts:
                out += c.upper()
                starts, comma = False, c == ","
                continue
        if not c.isspace():
            comma = c == ","
        out += c
    return out


def mail(bank, words, language, exchange, members, epoch, meeting, turn):
    """(subject, body) of a turn."""
    threads = bank.split("\n====\n")
    count, pair = epoch * MEETINGS + meeting % MEETINGS, sorted(members)
    block, seat = divmod(count, len(threads))
    stream, order = Stream("text-order", [*pair, u64(block)]), list(range(len(threads)))
    for last in range(len(threads) - 1, 0, -1):
        other = stream.below(last + 1)
        order[last], order[other] = order[other], order[last]
    thread = order[seat]
    needed = -(-(EPOCHS * MEETINGS - 1) // len(threads)) + 1
    slots = draw_slots(exchange, words)

    def part(index):
        pieces = parse(threads[thread].split("\n----\n")[index].strip())
        groups, numbers = numbered(pieces, needed)
        start = Stream("text-number", [*pair, u64(thread) + u64(index)]).below(numbers)
        text = expand(pieces, (start + block) % numbers, groups, Stream("text-turn", [exchange, bytes([index])]), slots)
        return sentences(text, language != "de")

    assert turn < TURNS
    name = "-".join(exchange[i : i + 4].hex() for i in range(0, 16, 4))
    footer = f"Warmnet exchange {name}: automated mail between consenting mailboxes"
    return ("Re: " if turn else "") + part(0), f"{part(turn + 1)}\n\n{footer}\n"


def normalise(text):
    return " ".join(text.split())
