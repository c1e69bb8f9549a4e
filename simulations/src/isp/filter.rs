//! Reputation per sending domain, and the logistic chance of the inbox.
//!
//! ```text
//! logit = base(temper) + age + engagement - complaints - bounces - failed authentication - bad words
//! ```
//! The constants are invented, as providers publish none. They are chosen so that a young domain starts at 25 to 45 %
//! inbox, that two or three weeks of readers who open, answer and rescue its mail bring it above 75 %, and that age
//! alone hardly helps. The same code runs whether anybody engages or not.

use super::sight::{Authentication, Sight};
use std::collections::BTreeMap;

/// How strict a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// Starts a young domain at about 45 %.
    Lenient,
    /// At about 36 %.
    Average,
    /// At about 27 %.
    Strict,
}

impl Temper {
    /// Logit of an unknown, new-born, authenticated domain.
    fn base(self) -> f64 {
        match self {
            Self::Lenient => -0.25,
            Self::Average => -0.6,
            Self::Strict => -1.05,
        }
    }
}

/// Logits that full engagement adds: lifts even a strict provider to over 90 %.
const ENGAGEMENT: f64 = 3.6;
/// Engagement points at which half of it is reached: some fifteen mails that somebody wanted.
const ENGAGEMENT_HALF: f64 = 15.0;
/// Points of a read in the inbox, of a reply, of a rescue out of junk. A reply is the strongest sign of a wanted mail,
/// a rescue contradicts the filter itself, a read may be an accident.
const POINTS: [f64; 3] = [0.5, 1.5, 1.0];
/// Logits per e-fold of age above a month: an old domain gains about 1.4 in three years, a new one 0.2 in three weeks.
const AGE: f64 = 0.4;
/// Logits that a complaint rate of 100 % would take: 0.3 % hurts little alone, 10 % is ruin.
const COMPLAINTS: f64 = 25.0;
/// Logits that a rate of unknown recipients of 100 % would take.
const BOUNCES: f64 = 8.0;
/// Mails added to the denominator of both rates, so that one complaint about the first mail is no verdict.
const PRIOR_MAILS: f64 = 20.0;
/// Logits that failed authentication takes: forging is nearly always junk.
const AUTH_FAIL: f64 = 2.5;
/// Logits that the lack of any authentication takes.
const AUTH_NONE: f64 = 1.0;
/// Logits of one phrase that filters dislike, and how many count.
const BAD_WORD: f64 = 0.6;
const MAX_BAD_WORDS: u32 = 4;
/// Days after which half of what was seen is forgotten: about the month that senders are advised to warm for.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Domains remembered a provider; beyond it the one with the fewest mails is forgotten.
const MAX_DOMAINS: usize = 10_000;

/// What a provider learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A mail of the domain was delivered.
    Delivered,
    /// Read in the inbox.
    Read,
    /// Answered.
    Replied,
    /// Moved out of junk.
    Rescued,
    /// Moved into junk by its reader, or reported there.
    Complained,
    /// Sent to an address that does not exist.
    Bounced,
}

/// What is remembered of a domain: counts that fade.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reputation {
    /// Mails delivered.
    pub delivered: f64,
    /// Reads.
    pub reads: f64,
    /// Replies.
    pub replies: f64,
    /// Rescues.
    pub rescues: f64,
    /// Complaints.
    pub complaints: f64,
    /// Mails to unknown users.
    pub bounces: f64,
    /// Day to which the counts are faded.
    day: f64,
}

impl Reputation {
    /// The same, faded to a later day.
    fn faded(mut self, day: f64) -> Self {
        let passed = day - self.day;
        if passed > 0.0 {
            let left = (-passed / HALF_LIFE_DAYS).exp2();
            let counts =
                [&mut self.delivered, &mut self.reads, &mut self.replies, &mut self.rescues, &mut self.complaints, &mut self.bounces];
            counts.into_iter().for_each(|c| *c *= left);
            self.day = day;
        }
        self
    }

    /// Logits that the domain's record adds.
    #[must_use]
    pub fn logit(&self) -> f64 {
        let [read, reply, rescue] = POINTS;
        let points = read * self.reads + reply * self.replies + rescue * self.rescues;
        // Squared: one reader proves little, ten prove much, a hundred not much more.
        let trust = points.powi(2) / (points.powi(2) + ENGAGEMENT_HALF.powi(2));
        // Only delivered mail can draw a complaint, and a bounce must not make the rate of them look better.
        let complained = self.complaints / (self.delivered + PRIOR_MAILS);
        let bounced = self.bounces / (self.delivered + self.bounces + PRIOR_MAILS);
        ENGAGEMENT * trust - COMPLAINTS * complained - BOUNCES * bounced
    }
}

/// One provider's filter.
pub struct Filter {
    temper: Temper,
    seed: u64,
    domains: BTreeMap<String, Reputation>,
}

impl Filter {
    /// A filter that knows nobody.
    #[must_use]
    pub fn new(temper: Temper, seed: u64) -> Self {
        Self { temper, seed, domains: BTreeMap::new() }
    }

    /// Learns an event about a domain on a day.
    pub fn learn(&mut self, domain: &str, event: Event, day: f64) {
        if !self.domains.contains_key(domain) && self.domains.len() >= MAX_DOMAINS {
            let least = self.domains.iter().min_by(|a, b| a.1.delivered.total_cmp(&b.1.delivered)).map(|(d, _)| d.clone());
            least.and_then(|d| self.domains.remove(&d));
        }
        let r = self.domains.entry(domain.to_owned()).or_insert_with(|| Reputation { day, ..Reputation::default() });
        *r = r.faded(day);
        let field = match event {
            Event::Delivered => &mut r.delivered,
            Event::Read => &mut r.reads,
            Event::Replied => &mut r.replies,
            Event::Rescued => &mut r.rescues,
            Event::Complained => &mut r.complaints,
            Event::Bounced => &mut r.bounces,
        };
        *field += 1.0;
    }

    /// What is remembered of a domain on a day.
    #[must_use]
    pub fn reputation(&self, domain: &str, day: f64) -> Reputation {
        self.domains.get(domain).map(|r| r.faded(day)).unwrap_or_default()
    }

    /// The chance that a mail reaches the inbox, 0..1.
    #[must_use]
    pub fn chance(&self, mail: &Sight, day: f64) -> f64 {
        let auth = match mail.authentication {
            Authentication::Pass => 0.0,
            Authentication::Fail => AUTH_FAIL,
            Authentication::None => AUTH_NONE,
        };
        let age = AGE * (1.0 + mail.age_days.max(0.0) / 30.0).ln();
        let words = BAD_WORD * f64::from(mail.bad_words.min(MAX_BAD_WORDS));
        let logit = self.temper.base() + age + self.reputation(&mail.domain, day).logit() - auth - words;
        1.0 / (1.0 + (-logit).exp())
    }

    /// Whether this mail reaches the inbox: its own coin, thrown with the filter's seed, against the chance.
    #[must_use]
    pub fn inbox(&self, mail: &Sight, day: f64) -> bool {
        let mut h = blake3::Hasher::new();
        h.update(&self.seed.to_le_bytes()).update(&mail.digest);
        let mut coin = [0u8; 8];
        h.finalize_xof().fill(&mut coin);
        let unit = (u64::from_le_bytes(coin) >> 11) as f64 / (1u64 << 53) as f64;
        unit < self.chance(mail, day)
    }
}

#[cfg(test)]
mod tests;
