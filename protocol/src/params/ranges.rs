//! What each parameter may be. A genesis, a record or an order with another value is refused, so no rule has to ask again: within
//! these ranges nothing divides by zero, overflows or takes unbounded time.
//!
//! Ranges are those of this program's rules: of a newer `version` it only reads what the window is made of, and plays nothing.

use super::{MILLION, Params, RULES_VERSION};
use crate::limits::{DEGRADED_EPOCHS, KEEP_EPOCHS, ROSTER_ROWS};

/// One parameter's range.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The field.
    pub name: &'static str,
    /// Lowest value.
    pub lowest: u32,
    /// Highest value.
    pub highest: u32,
    of: fn(&Params) -> u32,
}

/// Two parameters of which one is never above the other.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// The lower field.
    pub lower: &'static str,
    /// The upper field.
    pub upper: &'static str,
    value: fn(&Params) -> u32,
    limit: fn(&Params) -> u32,
}

/// Why parameters can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// A value outside its range.
    #[error("the parameter {name} is {value}; it may be {lowest} to {highest} (R-CONV-8)")]
    Range {
        /// The field.
        name: &'static str,
        /// Its value.
        value: u32,
        /// Lowest value.
        lowest: u32,
        /// Highest value.
        highest: u32,
    },
    /// A value above one that it must not exceed.
    #[error("the parameter {lower} is {value}; it may be at most {upper}, which is {limit} (R-CONV-8)")]
    Order {
        /// The field that is too high.
        lower: &'static str,
        /// Its value.
        value: u32,
        /// The field it must not exceed.
        upper: &'static str,
        /// That one's value.
        limit: u32,
    },
}

const PPM: u32 = MILLION as u32;
const PERMILLE: u32 = 1_000;
const POINTS: u32 = 100 * PPM;
const MEMBERS: u32 = ROSTER_ROWS as u32;
/// Ten years of days: what lasts longer lasts for ever.
const EPOCHS: u32 = 3_650;
/// Longest lag between play and close.
const LAG: u32 = 10;
/// Longest window: a node that starts again finds all of it in the records it kept.
const WINDOW: u32 = KEEP_EPOCHS - LAG - DEGRADED_EPOCHS;
/// Mails of the fastest ramp in the longest window: what needs more never happens.
const MAILS: u32 = 30 * WINDOW;
/// A share of one part in this many is as good as none.
const PARTS: u32 = 1_000;

macro_rules! ranges {
    ($($field:ident: $lowest:expr, $highest:expr;)*) => {
        &[$(Range { name: stringify!($field), lowest: $lowest, highest: $highest, of: |p| p.$field }),*]
    };
}

macro_rules! orders {
    ($($lower:ident <= $upper:ident;)*) => {
        &[$(Order { lower: stringify!($lower), upper: stringify!($upper), value: |p| p.$lower, limit: |p| p.$upper }),*]
    };
}

/// `version`, `window_epochs` and `close_lag`: what every program reads, whatever the version.
const FROZEN: usize = 3;

/// Every parameter, in wire order.
pub const RANGES: &[Range] = ranges! {
    version: 1, u32::MAX;
    // A week at least, so that every weekday counts.
    window_epochs: 7, WINDOW;
    // Bundles are accepted until the middle of e+4.
    close_lag: 5, LAG;
    // In less than two epochs an id could be fitted to a beacon already committed.
    enrolment_delay: 2, EPOCHS;
    admissions_floor: 0, MEMBERS;
    admissions_permille: 0, PERMILLE;
    // Without golden evidence nobody is believed; a golden member's seats fit the 400 entries of its bundle.
    golden_seats: 1, 400;
    // A listing stands up to three times (rehab, complaints): 75 seats beside 60 sends and 60 receives.
    golden_per_member: 1, 25;
    // The ledger holds a weight in three bits.
    golden_newcomer_weight: 1, 7;
    newcomer_epochs: 0, EPOCHS;
    round_share: 1, PARTS;
    quota_divisor: 1, PARTS;
    // As many spares as mails at most.
    spare_divisor: 1, PARTS;
    rehab_ring_from: 0, MEMBERS;
    // What the fastest ramp gives: a member in rehab sends no more than one that is well.
    rehab_quota_floor: 0, 30;
    // A closed Sybil set holds at most (1-a)/a times what flows in: 9 times. Above, nobody but golden members is heard.
    restart_permille: 100, 900;
    // Each step reads every good exchange of the window. One step is golden members' own word; at a tenth of restart 128 leave a millionth.
    walk_steps: 1, 128;
    fine_from_members: 0, MEMBERS;
    median_age: 0, EPOCHS;
    weight_floor_q16: 0, 1 << 16;
    floor_credibility: 0, PPM;
    tolerance_observations: 0, PPM;
    provisional_delivered: 0, MAILS;
    provisional_completion: 0, PPM;
    lock_below: 0, POINTS;
    rehab_below: 0, POINTS;
    premium_from: 0, POINTS;
    inbox_gate: 0, PPM;
    bounce_floor: 0, PPM;
    complaint_floor: 0, PPM;
    reply_ppm: 0, PPM;
    read_ppm: 0, PPM;
    service_full: 1, PERMILLE;
    dead_senders: 1, MEMBERS;
    // Above the whole no mailbox is ever at fault.
    dead_permille: 1, PERMILLE;
    soft_in_row: 1, MAILS;
    equivocation_epochs: 1, EPOCHS;
    dead_clear_epochs: 0, EPOCHS;
    trigger_mails: 1, PPM;
    trigger_events: 1, PPM;
    bounce_watch: 0, PPM;
    bounce_throttle: 0, PPM;
    bounce_rehab: 1_000, PPM;
    complaint_watch: 0, PPM;
    complaint_rehab: 0, PPM;
    // One bounce owes a thousand mails at most: a debt must be payable.
    debt_rate: 1_000, PPM;
    pause_cut: 0, PERMILLE;
    // What is cut comes back.
    pause_step: 1, PERMILLE;
    // A row counts clean epochs in one byte.
    pause_clean: 0, u8::MAX as u32;
    pause_floor: 0, PERMILLE;
    pause_placements: 1, MAILS;
    external_ceiling: 0, PPM;
    credits_inbound: 0, PARTS;
    complaint_tags: 1, MEMBERS;
};

/// Parameters of which one never exceeds the other.
pub const ORDERS: &[Order] = orders! {
    // A member would go in and out of rehab by one and the same score.
    rehab_below <= lock_below;
    lock_below <= premium_from;
    bounce_watch <= bounce_throttle;
    bounce_throttle <= bounce_rehab;
    complaint_watch <= complaint_rehab;
    // Bounces that send to rehab owe something; else nothing accounts for them, and they send there again.
    debt_rate <= bounce_rehab;
};

impl Params {
    /// Whether every value is one that the rules can work with.
    ///
    /// # Errors
    /// [`ParamsError`]: the first value that is not.
    ///
    /// # Example
    /// ```
    /// use warmnet_protocol::params::Params;
    /// let wrong = Params { pause_cut: 1_500, ..Params::standard() };
    /// assert_eq!(wrong.check().unwrap_err().to_string(), "the parameter pause_cut is 1500; it may be 0 to 1000 (R-CONV-8)");
    /// ```
    pub fn check(&self) -> Result<(), ParamsError> {
        let (ranges, orders) = if self.version > RULES_VERSION { (&RANGES[..FROZEN], &[][..]) } else { (RANGES, ORDERS) };
        for Range { name, lowest, highest, of } in ranges {
            let value = of(self);
            if !(*lowest..=*highest).contains(&value) {
                return Err(ParamsError::Range { name, value, lowest: *lowest, highest: *highest });
            }
        }
        for Order { lower, value, upper, limit } in orders {
            if value(self) > limit(self) {
                return Err(ParamsError::Order { lower, value: value(self), upper, limit: limit(self) });
            }
        }
        Ok(())
    }
}
