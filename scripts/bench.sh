#!/usr/bin/env bash
# `make bench`: runs the benchmarks with the RocksDB that the dev build made, so that its C++ isn't compiled a second time.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:?run it by make bench}"

# Newest first: an older one may be of another version. librocksdb-sys links libstdc++ itself when ROCKSDB_LIB_DIR is set.
library=$(ls -t "$CARGO_TARGET_DIR"/debug/build/librocksdb-sys-*/out/librocksdb.a 2>/dev/null | head -n 1 || true)
if [ -n "$library" ]; then
  ROCKSDB_LIB_DIR=$(dirname "$library")
  export ROCKSDB_LIB_DIR ROCKSDB_STATIC=1
else
  echo "bench: no librocksdb.a from the dev build; RocksDB is compiled anew, some minutes"
fi
# scipy, which the trust kernel is measured beside; its benchmark says so when there is none.
WARMNET_PEERS_PYTHON=$(scripts/peers.sh)
export WARMNET_PEERS_PYTHON=${WARMNET_PEERS_PYTHON:-python3}
# Only benchmark programs: the unit tests are no benchmarks.
exec cargo bench --workspace --bench '*' "$@"
