//! "Did you mean ..?" for a key that is not known.

/// The known key nearest to the unknown one that a parser's message names, if one is near.
///
/// The message has the form of serde: the unknown name first, then the known ones, all in backticks.
pub(super) fn nearest(message: &str) -> Option<String> {
    let mut names = message.strip_prefix("unknown ")?.split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    let (steps, known) = names.map(|known| (steps(wrong, known), known)).min()?;
    // Up to a third of the letters: more is another word.
    (steps <= wrong.len().max(known.len()) / 3).then(|| known.to_owned())
}

/// Letters to change, add or drop to make `b` from `a` (Levenshtein's distance), row by row.
fn steps(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let message = |wrong: &str| format!("unknown field `{wrong}`, expected one of `poll_seconds`, `smtp_per_minute`, `timeouts`");
        assert_eq!(nearest(&message("poll_secs")).as_deref(), Some("poll_seconds"));
        assert_eq!(nearest(&message("timeout")).as_deref(), Some("timeouts"));
        assert_eq!(nearest(&message("colour")), None);
        assert_eq!(nearest("invalid type: string \"x\", expected u16"), None);
        assert_eq!((steps("kitten", "sitting"), steps("", "abc"), steps("abc", "abc")), (3, 3, 0));
    }
}
