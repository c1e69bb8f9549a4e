//! Whose words are they? A mail under a true label that is not the exchange's text was changed on its way, or its author wrote
//! something else. Only the second is complained of, so the benefit of the doubt is wide: banners of any length, links that a
//! gateway adds or rewrites, other encodings and lost parts leave most runs of words as they were (docs/adr/0015).

use std::collections::BTreeSet;

/// Words in a run. 3: two texts about anything share words and pairs of words, hardly ever three in a row.
const RUN: usize = 3;
/// Under one run of this many left, the words are somebody's own. 4: a lost accent in every tenth word spoils a third of all runs, a
/// soft line break in every line a quarter.
const LEFT: usize = 4;

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

/// Whether a mail says something, and next to nothing of it is `expected`: the exchange's text without the visible footer, which
/// everybody can copy.
///
/// # Example
/// ```
/// use warmnet_protocol::exchange::foreign::is_foreign;
/// let expected = "See you on Monday at ten, room four, and bring the plan.";
/// assert!(is_foreign("Buy now, quickly, while there is some left", expected));
/// assert!(!is_foreign("[EXTERNAL] See you on Monday at ten, ro?m four, and bring the plan. https://gateway.test", expected));
/// ```
#[must_use]
pub fn is_foreign(mail: &str, expected: &str) -> bool {
    let (mail, expected) = (words(mail), words(expected));
    let runs: BTreeSet<&[String]> = mail.windows(RUN).collect();
    let left = expected.windows(RUN).filter(|run| runs.contains(run)).count();
    !mail.is_empty() && left * LEFT < expected.windows(RUN).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::text::{LANGUAGES, sample, source, thread_count};

    /// Every thread's every turn in every language, without the footer.
    fn texts() -> Vec<String> {
        let mut out = Vec::new();
        for language in 0..LANGUAGES.len() as u8 {
            let bank = source(language).unwrap();
            for (thread, turn) in (0..thread_count(bank)).flat_map(|thread| (0..5).map(move |turn| (thread, turn))) {
                let body = sample(bank, language, thread, turn, &[thread as u8; 16]).unwrap().body;
                out.push(body.trim_end().rsplit_once("\n\n").unwrap().0.to_owned());
            }
        }
        out
    }

    /// Text as a provider may leave it.
    fn mangled(text: &str) -> [String; 6] {
        let lines = |width: usize, end: &str| {
            let chars: Vec<char> = text.chars().collect();
            chars.chunks(width).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join(end)
        };
        let ascii: String = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        let twice: String = text.bytes().map(char::from).collect();
        [
            format!("{}\n\n{text}", "This mail comes from outside, see https://gateway.test/why. ".repeat(40)),
            text.to_uppercase(),
            ascii,
            twice,
            lines(75, "=\n"),
            format!("> {}", text.replace('\n', "\n> ")),
        ]
    }

    #[test]
    fn what_a_provider_mangles_is_nobodys_fault() {
        let texts = texts();
        assert!(texts.len() > 400, "{}", texts.len());
        for text in &texts {
            for left in mangled(text) {
                assert!(!is_foreign(&left, text), "{left}");
            }
            assert!(!is_foreign("", text), "an empty mail says nothing");
        }
    }

    #[test]
    fn other_words_are_foreign_with_or_without_the_footer() {
        let advert = "Dear friend, we have an offer for you that you will not want to miss. Please see our new prices for the whole \
            week and let me know by Friday whether you would like to have one of them. Warmnet exchange 03030303-03030303: automated \
            mail between consenting mailboxes";
        for text in texts() {
            assert!(is_foreign(advert, &text), "{text}");
            assert!(is_foreign("Buy now", &text));
        }
    }
}
