"""When a node asks, sends and acts, and whose words a mail holds: docs/spec/05-exchange.md."""

from math import cos, exp, log, sqrt, tau

from identity import HOUR, MINUTE, Stream

GAP = 10 * MINUTE
RUN, LEFT = 3, 4


def log_normal(stream, median, sigma):
    """Floating point: a node's own plan, never a shared value."""
    unit = lambda n: (n >> 11) / (1 << 53)
    u, v = max(unit(stream.next()), 1e-12), unit(stream.next())
    return median * exp(sigma * sqrt(-2 * log(u)) * cos(tau * v))


def introduction_at(clock, epoch, exchange):
    return clock.at(epoch, Stream("introduction", [exchange]).below(2 * HOUR))


def pause(tries):
    """Before an introduction is asked again, in protocol milliseconds."""
    return min(20 * MINUTE << min(tries, 8), 120 * MINUTE)


def send_slots(clock, epoch, member, hours, mails):
    stream, last, out = Stream("send-slots", [member, epoch.to_bytes(4, "big")]), 0, []
    part = max(hours[1] - hours[0], GAP) // max(mails, 1)
    for n in range(mails):
        jitter = int(min(log_normal(stream, part / 3, 0.6), part * 0.95))
        offset = max(hours[0] + n * part + jitter, last)
        last = offset + GAP
        out.append(clock.at(epoch, offset))
    return out


def act_plan(clock, read_ppm, exchange, turn, now):
    """Times of rescue, read (None: it stays unread), reply and file."""
    stream = Stream("acts", [exchange, bytes([turn])])
    rescue = (3 + stream.below(12)) * MINUTE
    dwell = min(max(int(log_normal(stream, 15.0 * MINUTE, 0.8)), MINUTE), 3 * HOUR)
    reads = stream.chance(read_ppm)
    answer = 25 * MINUTE + min(int(log_normal(stream, 60.0 * MINUTE, 0.8)), 275 * MINUTE)
    read = rescue + dwell
    after = lambda span: clock.after(now, span)
    return [after(rescue), after(read) if reads else None, after(max(answer, read + 2 * MINUTE)), after(max(read, answer) + 20 * MINUTE)]


def words(text):
    return "".join(c if c.isalnum() else " " for c in text).lower().split()


def is_foreign(mail, expected):
    """Whether a mail says something, and under a quarter of the runs of three words that it should hold are in it."""
    runs = lambda text: [tuple(text[n : n + RUN]) for n in range(len(text) - RUN + 1)]
    mail, expected = words(mail), runs(words(expected))
    held = set(runs(mail))
    return bool(mail) and sum(run in held for run in expected) * LEFT < len(expected)
