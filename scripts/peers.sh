#!/usr/bin/env bash
# Prints the path of a Python that has numpy and scipy, the peers of `make bench`. Installs them into the cache folder when need
# be; prints nothing, and says so, where that can't be done.
set -euo pipefail

venv=${XDG_CACHE_HOME:-$HOME/.cache}/warmnet/peers
has_scipy() { "$1" -c 'import numpy, scipy.sparse' 2>/dev/null; }

for python in "$venv/bin/python" python3; do
  if command -v "$python" >/dev/null && has_scipy "$python"; then
    command -v "$python"
    exit
  fi
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "peers: installing numpy and scipy into $venv" >&2
if { python3 -m venv --clear "$venv" && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy scipy; } </dev/null >"$log" 2>&1; then
  echo "$venv/bin/python"
else
  tail -n 3 "$log" >&2
  echo "peers: scipy can't be installed, so nothing is compared with it; on Debian or Ubuntu: apt-get install python3-scipy" >&2
fi
