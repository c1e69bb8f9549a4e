#!/usr/bin/env bash
# `make fuzz`: feeds every decoder and parser, and an engine, bad inputs. Where a nightly compiler is installed libFuzzer looks for
# inputs by the code they reach (fuzz/); the stable loop, which also demands that each refusal is met, runs everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:?run it by make fuzz}"
inputs=${1:-1000000}

say() { echo "fuzz: $*"; }

WARMNET_FUZZ_INPUTS=$inputs cargo test --workspace --test fuzz -- --nocapture

if ! cargo +nightly --version >/dev/null 2>&1; then
  say "no nightly compiler: libFuzzer is left out (rustup toolchain install nightly)"
  exit 0
fi
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
  say "installing cargo-fuzz"
  cargo install --quiet --locked cargo-fuzz
fi
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR-fuzz
corpus=$CARGO_TARGET_DIR/corpus
cargo +nightly fuzz build --fuzz-dir fuzz decoder
cargo +nightly fuzz build --fuzz-dir fuzz engine
mapfile -t names < <(cargo +nightly run --quiet --release --manifest-path fuzz/Cargo.toml --bin seeds "$corpus")
mkdir -p "$corpus/engine"

# A finding ends the run: libFuzzer prints the input's file and how to run it again.
one() {
  local what=$1 log
  log=$(mktemp)
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    say "a finding in $what: see above"
    exit 1
  fi
  say "$what: $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log" | tail -n 1)s, $(find "$corpus/$what" -type f | wc -l) inputs kept"
  rm -f "$log"
}
for name in "${names[@]}"; do
  WARMNET_FUZZ_TARGET=$name one "$name" cargo +nightly fuzz run --fuzz-dir fuzz decoder "$corpus/$name" -- -runs="$inputs" -max_len=32768 -rss_limit_mb=2048
done
# A list is some hundred inputs of the engine.
one engine cargo +nightly fuzz run --fuzz-dir fuzz engine "$corpus/engine" -- -runs="$((inputs / 250 + 1))" -max_len=12288 -rss_limit_mb=2048
say "no finding"
