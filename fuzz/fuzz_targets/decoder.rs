//! One decoder or parser, named by `WARMNET_FUZZ_TARGET`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| warmnet_fuzz::decode(input));
