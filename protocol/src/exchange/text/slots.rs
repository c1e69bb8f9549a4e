//! The words that fill a thread's slots, drawn once an exchange.

use crate::entropy::Stream;

const NAMES: [&str; 33] = [
    "Alma", "Anton", "Bea", "Boris", "Carla", "Cem", "Dana", "David", "Edda", "Elias", "Fay", "Felix", "Greta", "Hugo", "Ida", "Ivan",
    "Jana", "Jonas", "Kira", "Lars", "Lena", "Marco", "Mila", "Nils", "Nora", "Oskar", "Pia", "Ravi", "Sara", "Tom", "Ute", "Vera",
    "Yusuf",
];
const DAYS: [&str; 5] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
const ROOMS: [&str; 10] = [
    "the small room",
    "the library",
    "room 12",
    "the corner office",
    "the kitchen table",
    "the meeting room",
    "the garden room",
    "room 4",
    "the workshop",
    "the front office",
];
const TOPICS: [&str; 16] = [
    "the spring catalogue",
    "the supplier list",
    "the new floor plan",
    "the visitor survey",
    "the training days",
    "the archive boxes",
    "the shift plan",
    "the delivery notes",
    "the reading group",
    "the trade fair stand",
    "the maintenance log",
    "the printer contract",
    "the welcome folder",
    "the parking plan",
    "the photo collection",
    "the stock count",
];
/// One thing each, so that a verb in the singular fits.
const THINGS: [&str; 14] = [
    "the folding table",
    "the spare projector",
    "a box of labels",
    "the blue folder",
    "a high chair",
    "the old camera",
    "a long cable",
    "the paper cutter",
    "the label printer",
    "a set of keys",
    "the flip chart",
    "the coffee maker",
    "a small whiteboard",
    "the bike stand",
];
const TOWNS: [&str; 14] =
    ["Leeds", "Ghent", "Turin", "Porto", "Graz", "Lyon", "Malmo", "Cork", "Basel", "Gdansk", "Bilbao", "Aarhus", "Utrecht", "Trieste"];
const NUMBERS: [&str; 12] = ["three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "fourteen", "fifteen", "twenty"];
const TIMES: [&str; 10] = ["9:15", "9:40", "10:20", "11:05", "11:30", "13:45", "14:10", "15:25", "16:00", "16:35"];

/// The slots of one exchange.
pub(super) struct Slots([(&'static str, &'static str); 11]);

impl Slots {
    pub(super) fn draw(exchange: &[u8; 16]) -> Self {
        let mut s = Stream::new("text-slots", &[exchange]);
        let mut below = |n: usize| usize::try_from(s.below(n as u64)).unwrap_or(0);
        // Different people and days: a name is a place in its third of the list, the other day lies 1 to 4 days on.
        let names = [(); 3].map(|()| below(NAMES.len() / 3));
        let order = below(3);
        let name = |who: usize| NAMES[(who + order) % 3 * (NAMES.len() / 3) + names[who]];
        let (sender, receiver, colleague) = (name(0), name(1), name(2));
        let day = below(DAYS.len());
        let other_day = (day + 1 + below(DAYS.len() - 1)) % DAYS.len();
        let mut pick = |list: &[&'static str]| list[below(list.len())];
        Self([
            ("sender", sender),
            ("receiver", receiver),
            ("colleague", colleague),
            ("day", DAYS[day]),
            ("other_day", DAYS[other_day]),
            ("room", pick(&ROOMS)),
            ("topic", pick(&TOPICS)),
            ("thing", pick(&THINGS)),
            ("town", pick(&TOWNS)),
            ("number", pick(&NUMBERS)),
            ("time", pick(&TIMES)),
        ])
    }

    pub(super) fn get(&self, name: &str) -> Option<&'static str> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, word)| *word)
    }
}
