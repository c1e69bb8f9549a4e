# The front door. `make` alone prints what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Builds go outside the checkout, so that a clean clone finds what an earlier one built.
# CARGO_TARGET_DIR or WARMNET_TARGET_DIR put them elsewhere.
CARGO_TARGET_DIR ?= $(or $(WARMNET_TARGET_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/warmnet/target)
export CARGO_TARGET_DIR

# Always the whole workspace: features are united the same way each time, so nothing is compiled twice. RocksDB's C++
# alone takes minutes.
BINS := $(CARGO_TARGET_DIR)/debug
OUT ?= demo-out

.PHONY: help setup build demo test soak fuzz check bench

help: ## Print this list
	@echo "Warmnet:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "Builds go to $(CARGO_TARGET_DIR)"

setup: ## Install what a fresh Debian or Ubuntu lacks (silent when nothing does)
	@scripts/setup.sh

build: setup ## Build the programs
	cargo build --workspace --bins

demo: build ## Run a whole network on this machine, about 5 minutes; report in demo-out/
	$(BINS)/warmnet-sim localnet --out $(OUT)

test: build ## Run every test
	@if cargo nextest --version >/dev/null 2>&1; then \
		echo "cargo nextest run --workspace" && cargo nextest run --workspace; \
	else \
		echo "cargo test --workspace" && cargo test --workspace --lib --bins --tests; \
	fi
	cargo test --workspace --doc

soak: build ## Kill a sending node 1,000 times; no mail may come twice (10 minutes or more)
	WARMNET_KILLS=1000 cargo test --workspace --test smtp_faults -- killed --nocapture

fuzz: setup ## Feed every decoder and parser, and an engine, 1,000,000 bad inputs each; with libFuzzer where nightly is
	scripts/fuzz.sh $(or $(INPUTS),1000000)

check: setup ## Format, lints, docs, licences and bans, purity of the rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	scripts/deny.sh
	scripts/purity.sh

bench: build ## Measure start, memory, signatures, bundles, mail (release build; RocksDB is reused)
	scripts/bench.sh
