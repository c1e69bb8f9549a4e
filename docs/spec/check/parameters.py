"""What parameters may be: the table of docs/spec/00-conventions.md, which the page itself gives, and R-CONV-8."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "00-conventions.md"
KNOWN_VERSION = 1
# Of a later version only the first three fields are known to mean the same.
KNOWN_ALWAYS = ("version", "window_epochs", "close_lag")
NEVER_ABOVE = (
    ("rehab_below", "lock_below"), ("lock_below", "premium_from"), ("bounce_watch", "bounce_throttle"),
    ("bounce_throttle", "bounce_rehab"), ("complaint_watch", "complaint_rehab"), ("debt_rate", "bounce_rehab"),
)


def _ranges():
    rows = PAGE.read_text().split("\n## Parameters\n")[1].split("\n#")[0].splitlines()
    cells = [[c.strip().strip("`").replace(",", "") for c in row.strip("|").split("|")] for row in rows if row.startswith("| `")]
    return {name: (int(lowest), int(highest)) for name, _, lowest, highest, _ in cells}


RANGES = _ranges()


def hold(params):
    known = params["version"] <= KNOWN_VERSION
    within = lambda name: RANGES[name][0] <= params[name] <= RANGES[name][1]
    ordered = all(params[lower] <= params[upper] for lower, upper in NEVER_ABOVE)
    return all(within(name) for name in (RANGES if known else KNOWN_ALWAYS)) and (ordered or not known)
