"""Tomorrow's row: docs/spec/09-policy.md."""

from score import REPLY, Bounces, accounted_until, observed_by_golden
from trust import MILLION

CALM, WATCH, THROTTLE, REHAB = range(4)


def ramp_mails(ramp, day):
    if ramp == "gentle":
        return min(day + 2, 20)
    return min(2 * day + 20, 30) if ramp == "fresh" else min(day + 5, 25)


def quota(params, row):
    normal = ramp_mails(row["ramp"], row["ramp_day"])
    if row["role"] == "golden" or row["pool"] == "quarantined":
        return 0
    if row["pool"] == "rehab":
        wanted = max(normal // 2, params["rehab_quota_floor"])
    else:
        full = max(params["service_full"], 1)
        wanted = normal * row["cut"] // 1000 * min(row["service"], full) // full
    return max(wanted, 1)


def first_row(params, admitted, epoch):
    """The first row of a member: what admission certified of it, and nothing chosen besides."""
    certified = ("member", "node", "tag", "provider", "languages", "role", "ramp", "weekdays", "acts")
    row = {name: admitted[name] for name in certified}
    row |= {"unlocked_once": False, "dead": False, "complained": False, "joined": epoch, "cut": 1000, "service": 1000}
    row |= dict.fromkeys(("ramp_day", "clean_epochs", "debt", "debt_since"), 0)
    row["pool"] = "premium" if row["role"] == "golden" else "warming"
    return row | {"quota": quota(params, row)}


def service(window, row):
    """Replies given over replies owed, per mille."""
    if row["member"] not in window.members or not row["acts"] & REPLY:
        return 1000
    tallies = [t for _, t in window.tallies(row["member"])]
    owed, given = (sum(t[what] for t in tallies) for what in ("owed_in", "replied_in"))
    return given * 1000 // owed if owed else 1000


def trigger(params, x):
    """The worst level that raw rates reach."""

    def above(events, mails, rate):
        enough = mails >= params["trigger_mails"] and events >= params["trigger_events"]
        return enough and events * MILLION > rate * mails

    bounced = lambda rate: above(x.hard, x.attempts, rate) or above(x.external_hard, x.external_sent, rate)
    complained = lambda rate: above(x.golden_complaints, x.golden_delivered, rate) or above(
        x.external_complaints, x.complaint_sent, rate
    )
    if bounced(params["bounce_rehab"]) or complained(params["complaint_rehab"]):
        return REHAB
    if bounced(params["bounce_throttle"]):
        return THROTTLE
    watched = bounced(params["bounce_watch"]) or complained(params["complaint_watch"])
    return WATCH if watched else CALM


def pool_by_score(params, pool, unlocked_once, score):
    if not unlocked_once:
        return "warming"
    if score and not score["provisional"]:
        if score["value"] >= params["premium_from"]:
            return "premium"
        if score["value"] >= params["lock_below"]:
            return "standard"
    return "standard" if pool == "warming" else pool


def next_dead(params, window, golden, row, closed):
    member = row["member"]
    last = window.last_bounce.get(member)
    if last is None:
        return False
    if not row["dead"]:
        return member in window.at_fault and last == closed
    works = any(x.epoch > last and x.delivered and observed_by_golden(golden, x) for x in window.by_sender[member])
    return not (last + params["dead_clear_epochs"] <= closed and works)


def next_complained(params, window, row):
    """Whether raters of enough other domains complained of mail that both sides say was delivered."""
    heard = (x for x in window.by_sender[row["member"]] if x.complaint and x.delivered) if window.members else ()
    tags = {window.members[x.receiver]["tag"] for x in heard}
    return len(tags - {row["tag"]}) >= params["complaint_tags"]


def _charge(params, row, x, epoch):
    def owed(hard, sent):
        return max(-(-hard * MILLION // max(params["debt_rate"], 1)) - sent, 0)

    more = owed(x.hard, x.attempts) + owed(x.external_hard, x.external_sent)
    if more:
        row["debt"] += more
        row["debt_since"] = epoch


def _rehabilitate(params, row, window, golden, score, epoch, closed, released):
    member = row["member"]
    x = Bounces(window, golden, member, accounted_until(params, row))
    triggered = trigger(params, x) == REHAB
    firm = score["value"] if score and not score["provisional"] else None
    if row["pool"] != "rehab":
        fell = row["unlocked_once"] and firm is not None and firm < params["rehab_below"]
        if triggered or fell or released:
            row["pool"] = "rehab"
            _charge(params, row, x, epoch)
        return
    if closed is not None:
        clean = [
            y for y in window.by_sender[member]
            if y.epoch == closed and y.delivered and not (y.complaint and observed_by_golden(golden, y))
        ]
        row["debt"] = max(row["debt"] - len(clean), 0)
    if triggered:
        _charge(params, row, x, epoch)
    recovered = not row["unlocked_once"] or (firm is not None and firm >= params["lock_below"])
    if row["debt"] == 0 and not triggered and recovered:
        row["pool"] = pool_by_score(params, "warming", row["unlocked_once"], score)


def _bad(params, window, member, closed, level):
    """Whether the newly closed epoch calls for a pause."""
    now, before, bounced = [0, 0], [0, 0], False
    for x in window.by_sender[member]:
        bounced |= x.epoch == closed and x.outcome == "h"
        if x.delivered:
            count = now if x.epoch == closed else before
            count[0] += x.outcome == "i"
            count[1] += 1
    bounced |= any(e == closed and r["hard"] for e, r in window.reports(member))
    least = params["pause_placements"]
    broke_in = now[1] >= least and before[1] >= least and 2 * now[0] * before[1] < before[0] * now[1]
    return (bounced and level >= THROTTLE) or broke_in


def _pause(params, row, bad):
    if bad:
        row["cut"] = min(max(row["cut"] * params["pause_cut"] // 1000, params["pause_floor"]), 1000)
        row["clean_epochs"] = 0
    elif row["clean_epochs"] < min(params["pause_clean"], 255):
        row["clean_epochs"] += 1
    else:
        row["cut"] = min(row["cut"] + params["pause_step"], 1000)


def _advances(params, row, window, epoch):
    closes = epoch - params["close_lag"]
    if closes < row["joined"]:
        return True
    counts = dict(window.tallies(row["member"])).get(closes)
    return counts is not None and counts["completed"] > 0


def next_row(params, before, window, golden, score, epoch, quarantined):
    """The row of `epoch` from the row before."""
    row = dict(before)
    released = before["pool"] == "quarantined" and not quarantined
    if row["role"] == "golden":
        row["pool"], row["quota"] = ("quarantined" if quarantined else "premium"), 0
        return row
    member, known = row["member"], row["member"] in window.members
    closed = epoch - params["close_lag"]
    closed = closed if closed >= 0 and window.latest() == closed else None
    row["service"] = service(window, row)
    if known and closed is not None:
        row["dead"] = next_dead(params, window, golden, row, closed)
    row["complained"] = next_complained(params, window, row)
    if score and not score["provisional"] and score["value"] >= params["lock_below"]:
        row["unlocked_once"] = True
    if quarantined:
        row["pool"], row["quota"] = "quarantined", 0
        return row
    _rehabilitate(params, row, window, golden, score, epoch, closed if known else None, released)
    if row["pool"] != "rehab":
        row["pool"] = pool_by_score(params, row["pool"], row["unlocked_once"], score)
        if known and closed is not None:
            level = trigger(params, Bounces(window, golden, member, accounted_until(params, row)))
            _pause(params, row, _bad(params, window, member, closed, level))
        if epoch > row["joined"] and not row["dead"] and row["cut"] == 1000 and _advances(params, row, window, epoch):
            row["ramp_day"] += 1
    row["quota"] = quota(params, row)
    return row
