//! Sets of UIDs as commands carry them (RFC 3501 `sequence-set`).

/// Longest set in one command, in bytes. Servers must take lines of 8,192 (RFC 7162 section 4); half of that leaves
/// room for a folder's name.
const MAX_SET: usize = 4096;

/// One command's share of a set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct UidSet {
    /// As written: `4,9:12`.
    pub(super) text: String,
    /// The same, ascending.
    pub(super) uids: Vec<u32>,
}

/// The UIDs in as few sets as the length allows, neighbours joined. A range holds nothing but UIDs asked for, so
/// no other mail can get into a command.
pub(super) fn uid_sets(uids: &[u32]) -> Vec<UidSet> {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut sets: Vec<UidSet> = Vec::new();
    for run in sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let part = if first == last { first.to_string() } else { format!("{first}:{last}") };
        match sets.last_mut() {
            Some(set) if set.text.len() + 1 + part.len() <= MAX_SET => {
                set.text.push(',');
                set.text.push_str(&part);
                set.uids.extend(run);
            }
            _ => sets.push(UidSet { text: part, uids: run.to_vec() }),
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<u32> {
        let number = |t: &str| t.parse::<u32>().expect("a number");
        text.split(',')
            .flat_map(|part| {
                let (first, last) = part.split_once(':').unwrap_or((part, part));
                number(first)..=number(last)
            })
            .collect()
    }

    #[test]
    fn neighbours_are_joined() {
        let sets = uid_sets(&[9, 4, 5, 6, 9, 11, u32::MAX]);
        assert_eq!(sets.len(), 1);
        assert_eq!(sets[0].text, "4:6,9,11,4294967295");
        assert!(uid_sets(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_sets_hold_just_the_uids_and_stay_short(
            near in proptest::collection::btree_set(1..3000_u32, 0..1500),
            far in proptest::collection::btree_set(any::<u32>(), 0..900),
        ) {
            let wanted: BTreeSet<u32> = near.union(&far).copied().collect();
            let sets = uid_sets(&wanted.iter().rev().copied().collect::<Vec<_>>());
            let mut got: Vec<u32> = Vec::new();
            for set in &sets {
                prop_assert!(set.text.len() <= MAX_SET);
                prop_assert_eq!(&read(&set.text), &set.uids);
                got.extend(&set.uids);
            }
            prop_assert_eq!(got, wanted.into_iter().collect::<Vec<_>>());
        }
    }
}
