#!/usr/bin/env bash
# Bans, licences, sources and, where its database can be reached, known vulnerabilities (deny.toml).
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
  echo "deny: installing cargo-deny"
  cargo install cargo-deny --locked --quiet
fi

cargo deny --all-features --log-level error check bans licenses sources

# The database is fetched apart from the check, so that an unreachable host is told from a finding.
if timeout "${DENY_FETCH_SECONDS:-120}" cargo deny --log-level error fetch db >/dev/null 2>&1; then
  cargo deny --all-features --log-level error check advisories
else
  echo "advisories: NOT CHECKED, the database can't be reached" >&2
fi
