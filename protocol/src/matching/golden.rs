//! Golden seats: the member sends, the golden mailbox observes, rescues and replies.

use super::RingKind;
use super::permutation::Permutation;
use crate::ids::Digest;
use crate::params::Params;

/// Seats an epoch can number: a seat is a 16-bit round.
const SEATS_MAX: u64 = 1 << 16;

/// The golden seats of an epoch.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    /// Eligible positions in order, as often as they are listed.
    listed: Vec<u32>,
    /// Positions of golden members in order.
    golden: Vec<u32>,
    places: Permutation,
    mailboxes: Permutation,
    seats: u32,
    /// Seats after which every place has met the same mailboxes again.
    cycle: u64,
    /// Cycles after which all mailboxes were met.
    shifts: u64,
}

impl Seats {
    pub(super) fn new(params: &Params, seed: &Digest, listed: Vec<u32>, golden: Vec<u32>) -> Self {
        let (len, g) = (listed.len() as u64, golden.len() as u64);
        let wanted = u64::from(params.golden_seats) * g;
        let seats = wanted.min(u64::from(params.golden_per_member) * len).min(SEATS_MAX) as u32;
        let shifts = gcd(len, g).max(1);
        Self {
            places: Permutation::new(seed, RingKind::Golden, 0, len as u32),
            mailboxes: Permutation::new(seed, RingKind::Golden, 1, g as u32),
            cycle: (len * g / shifts).max(1),
            listed,
            golden,
            seats,
            shifts,
        }
    }
    /// Number of seats, those that fall away included.
    pub(super) fn len(&self) -> u32 {
        self.seats
    }
    /// (sender, golden receiver) of a seat.
    pub(super) fn seat(&self, n: u32) -> Option<(u32, u32)> {
        if n >= self.seats {
            return None;
        }
        let place = n % self.listed.len() as u32;
        Some((self.listed[self.places.backward(place) as usize], self.mailbox(n)))
    }
    fn mailbox(&self, n: u32) -> u32 {
        let n = u64::from(n);
        let index = (n + (n / self.cycle) % self.shifts) % self.golden.len() as u64;
        self.golden[self.mailboxes.backward(index as u32) as usize]
    }
    /// Seats of one sender, in order, with the golden receiver.
    pub(super) fn of_sender(&self, position: u32) -> Vec<(u32, u32)> {
        let first = self.listed.partition_point(|p| *p < position);
        let mine = self.listed[first..].iter().take_while(|p| **p == position).count();
        let mut out = Vec::new();
        for index in first..first + mine {
            let place = self.places.forward(index as u32);
            out.extend((place..self.seats).step_by(self.listed.len()).map(|n| (n, self.mailbox(n))));
        }
        out.sort_unstable();
        out
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
