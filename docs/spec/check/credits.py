"""Credits: docs/spec/09-policy.md."""

def credits(params, window, member):
    """How many are left: by epoch, what was earned comes before what was spent, and none is owed."""
    sent = dict((epoch, report["sent"]) for epoch, report in window.reports(member))
    left = 0
    for epoch, tally in window.tallies(member):
        left = max(left + params["credits_inbound"] * tally["seen_in"] - sent.get(epoch, 0), 0)
    return left
