#!/usr/bin/env bash
# Installs what a fresh Debian or Ubuntu lacks to build and test Warmnet. Says what it does, asks nothing, starts nothing,
# and is silent when nothing is missing.
set -euo pipefail

packages=(clang libclang-dev cmake pkg-config make g++ postfix dovecot-imapd dovecot-lmtpd dovecot-sieve isync rbldnsd spamd openssl python3)
policy=/usr/sbin/policy-rc.d

say() { echo "setup: $*"; }

need_rust() {
  command -v cargo >/dev/null && return 0
  echo "setup: cargo is missing" >&2
  echo "  do: install Rust 1.95 or newer from https://rustup.rs, then run this again" >&2
  return 1
}

missing_packages() {
  # One call for all of them; a package that was never heard of goes to standard error and is missing too.
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
  local package
  for package in "${packages[@]}"; do
    grep -qxF "$package" <<<"$installed" || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# While packages are installed, policy-rc.d tells them not to start their services: the tests start servers of their own.
# The former file waits beside it; a run that was killed left both, and the next one begins by putting things right.
kept=$policy.before-warmnet-setup
ours='# by warmnet setup'
restore_policy() {
  if [ -e "$policy" ] && grep -qxF "$ours" "$policy"; then as_root rm -f "$policy"; fi
  if [ -e "$kept" ]; then as_root mv -f "$kept" "$policy"; fi
}
forbid_starts() {
  restore_policy
  trap restore_policy EXIT
  trap 'exit 130' INT TERM HUP
  if [ -e "$policy" ]; then as_root mv "$policy" "$kept"; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$ours" | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  absent=()
  for program in clang cmake pkg-config make g++ openssl python3; do
    command -v "$program" >/dev/null || absent+=("$program")
  done
  if [ ${#absent[@]} -gt 0 ]; then
    say "this is neither Debian nor Ubuntu; please install: ${absent[*]}"
    say "the build also needs libclang, and the tests Postfix, Dovecot (IMAP, LMTP, Sieve), rbldnsd and spamd, the benchmarks mbsync"
  fi
  need_rust
  exit
fi

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "setup: missing: ${missing[*]}" >&2
    echo "  do: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  run() { as_root env DEBIAN_FRONTEND=noninteractive "$@" </dev/null >"$log" 2>&1 || { cat "$log" >&2; say "failed: $*"; return 1; }; }
  say "missing: ${missing[*]}"
  say "reading the package lists (apt-get update)"
  run apt-get update -qq
  say "installing (services are not started)"
  forbid_starts
  run apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}"
  rm -f "$log"
  say "done"
fi

need_rust
