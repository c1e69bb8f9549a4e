//! What a signature costs, for a message as long as a bundle of 40 entries.
//!
//! One run, one thread, one machine: the ratios count, the absolute figures don't travel.

use std::hint::black_box;
use std::time::Instant;
use warmnet_protocol::identity::{NodeKey, PublicKey, keys};

const MESSAGES: u32 = 2_000;

fn best_of(runs: u32, mut work: impl FnMut()) -> f64 {
    (0..runs).fold(0.0, |best: f64, _| {
        let start = Instant::now();
        work();
        best.max(f64::from(MESSAGES) / start.elapsed().as_secs_f64())
    })
}

fn main() {
    let signer = NodeKey::from_seed(&[1; 32]);
    let messages: Vec<Vec<u8>> = (0..MESSAGES).map(|n| n.to_be_bytes().repeat(138)).collect();
    let mut signatures = vec![];
    let sign = best_of(5, || signatures = messages.iter().map(|m| signer.sign(m)).collect());
    let id = signer.node_id();
    let all = || messages.iter().zip(&signatures);
    let verify = best_of(5, || all().for_each(|(m, s)| assert!(black_box(keys::verify(&id, m, s)))));
    let key = PublicKey::of(&id).expect("a signer's key");
    let known = best_of(5, || all().for_each(|(m, s)| assert!(black_box(key.verify(m, s)))));
    println!("sign                           {sign:>9.0} a second, one thread");
    println!("verify_strict                  {verify:>9.0} a second, one thread, the public key read anew each time");
    println!("verify_strict, key at hand     {known:>9.0} a second, one thread");
}
