//! The words that fill a thread's slots, drawn once an exchange.

use super::words::Words;
use crate::entropy::Stream;

/// Names of all slots.
pub(super) const SLOTS: [&str; 11] =
    ["sender", "receiver", "colleague", "day", "other_day", "room", "topic", "thing", "town", "number", "time"];

/// The slots of one exchange.
pub(super) struct Slots([(&'static str, &'static str); SLOTS.len()]);

impl Slots {
    pub(super) fn draw(exchange: &[u8; 16], words: &Words) -> Self {
        let mut s = Stream::new("text-slots", &[exchange]);
        let mut below = |n: usize| usize::try_from(s.below(n as u64)).unwrap_or(0);
        // Different people and days: a name is a place in its third of the list, the other day lies 1 to 4 days on.
        let third = words.names.len() / 3;
        let names = [(); 3].map(|()| below(third));
        let order = below(3);
        let name = |who: usize| words.names[(who + order) % 3 * third + names[who]];
        let (sender, receiver, colleague) = (name(0), name(1), name(2));
        let day = below(words.days.len());
        let other_day = (day + 1 + below(words.days.len() - 1)) % words.days.len();
        let mut pick = |list: &[&'static str]| list[below(list.len())];
        Self([
            ("sender", sender),
            ("receiver", receiver),
            ("colleague", colleague),
            ("day", words.days[day]),
            ("other_day", words.days[other_day]),
            ("room", pick(words.rooms)),
            ("topic", pick(words.topics)),
            ("thing", pick(words.things)),
            ("town", pick(words.towns)),
            ("number", pick(words.numbers)),
            ("time", pick(words.times)),
        ])
    }

    pub(super) fn get(&self, name: &str) -> Option<&'static str> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, word)| *word)
    }
}
