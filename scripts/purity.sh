#!/usr/bin/env bash
# `protocol` is pure: no clock, thread, file, socket, async, randomness or log of its own (ARCHITECTURE.md).
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

# 1. Words its shipped sources must not hold. Comments may speak of them, and a file of tests may measure itself.
words='Instant::now|SystemTime::now|thread::|std::fs|std::net|\btokio\b|\brand::|\btracing::|\blog::|std::env|std::process'
if found=$(grep -rnE "$words" protocol/src --include='*.rs' --exclude='tests.rs' | grep -vE '^[^:]+:[0-9]+:[[:space:]]*//'); then
  echo "purity: protocol/src must not mention these:" >&2
  echo "$found" >&2
  failed=1
fi

# 2. Its dependencies, against a short list. A new one needs a reason in docs/adr/0005-dependencies.md.
allowed='base64 bincode blake3 ed25519-dalek hex psl serde thiserror zeroize'
actual=$(cargo metadata --format-version 1 --no-deps --locked | python3 -c '
import json, sys
package = next(p for p in json.load(sys.stdin)["packages"] if p["name"] == "warmnet-protocol")
print("\n".join(sorted({d["name"] for d in package["dependencies"] if d["kind"] is None})))')
for name in $actual; do
  case " $allowed " in
    *" $name "*) ;;
    *) echo "purity: protocol depends on $name, which is not on the list in scripts/purity.sh" >&2; failed=1 ;;
  esac
done
[ "$failed" = 0 ] || exit 1

# 3. It builds where there is no clock, thread or file at all.
target=wasm32-unknown-unknown
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
  cargo check --quiet --locked -p warmnet-protocol --target "$target"
  echo "purity: protocol is pure, and builds for $target"
else
  echo "purity: protocol is pure; $target is not installed, so it was not built for it"
fi
