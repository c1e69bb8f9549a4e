//! A node that lives a list of inputs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| warmnet_fuzz::live(input));
