//! What a signature costs, for a message as long as a bundle of 40 entries.
//!
//! One run, one thread, one machine: the ratios count, the absolute figures don't travel.

#[path = "goals/mod.rs"]
#[allow(dead_code, reason = "shared; each benchmark needs a part of it")]
mod goals;

use ed25519_dalek::VerifyingKey;
use goals::{Goals, ROUNDS};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;
use warmnet_protocol::identity::{NodeKey, PublicKey, keys};

const MESSAGES: u32 = 2_000;

fn best(mut work: impl FnMut()) -> f64 {
    (0..ROUNDS).fold(0.0, |best: f64, _| {
        let start = Instant::now();
        work();
        best.max(f64::from(MESSAGES) / start.elapsed().as_secs_f64())
    })
}

fn main() -> ExitCode {
    let goals = Goals::of("first_light");
    let signer = NodeKey::from_seed(&[1; 32]);
    let messages: Vec<Vec<u8>> = (0..MESSAGES).map(|n| n.to_be_bytes().repeat(138)).collect();
    let mut signatures = vec![];
    let sign = best(|| signatures = messages.iter().map(|m| signer.sign(m)).collect());
    let id = signer.node_id();
    let all = || messages.iter().zip(&signatures);
    let strict = best(|| {
        all().for_each(|(m, s)| {
            let read = VerifyingKey::from_bytes(&id.0).expect("a signer's key");
            assert!(black_box(read.verify_strict(m, &ed25519_dalek::Signature::from_bytes(&s.0)).is_ok()));
        });
    });
    let anew = best(|| all().for_each(|(m, s)| assert!(black_box(keys::verify(&id, m, s)))));
    let key = PublicKey::of(&id).expect("a signer's key");
    let known = best(|| all().for_each(|(m, s)| assert!(black_box(key.verify(m, s)))));
    println!("sign                           {sign:>9.0} a second, one thread");
    println!("verify_strict of the library   {strict:>9.0} a second, one thread, the public key read anew each time");
    println!("the same rules by its verify   {anew:>9.0} a second, {:.2} times", anew / strict);
    println!("with the key at hand           {known:>9.0} a second, {:.2} times", known / strict);
    goals.end()
}
