//! Bad input: every decoder, the parsers of headers and addresses, what a store gives back, and lists of engine inputs.
//! Nothing panics, what is accepted encodes to the same again, and each refusal that a decoder knows is met.
//!
//! | file | what is in it |
//! |---|---|
//! | `mutate.rs` | inputs out of golden ones |
//! | `stable.rs` | the loop, the same for the same seed, and its table |
//! | `targets/` | one function of bytes a target |
//! | `world.rs`, `node.rs` | the recorded network, a node of it and what must hold of what it says |
//! | `scenes.rs`, `letters.rs` | what may happen to it |
//!
//! `make fuzz` runs 1,000,000 inputs a target. `WARMNET_FUZZ_INPUTS` and `WARMNET_FUZZ_SEED` choose how many and which.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a test may read files and clocks; the rules may not

#[path = "../recorded/cast.rs"]
#[allow(dead_code)] // the recording itself needs all of them
mod cast;
mod letters;
mod mutate;
mod node;
mod scenes;
mod stable;
mod targets;
mod world;

use stable::run;

#[test]
fn no_decoder_panics_and_each_refusal_is_met() {
    run(&targets::wire::targets());
}

#[test]
fn no_parser_panics_and_each_refusal_is_met() {
    run(&targets::text::targets());
}

#[test]
fn what_a_store_gives_back_is_read_or_refused() {
    run(&targets::stored::targets());
}

#[test]
fn no_list_of_inputs_stops_an_engine() {
    stable::lists();
}
