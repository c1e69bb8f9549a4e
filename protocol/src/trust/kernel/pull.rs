//! What rows get: the inner loop. Rows of one length lie side by side (`order.rs`), so a short length has a loop of its own, whose
//! entries are unrolled.

use super::{Arithmetic, Rows, Totals};

/// Sums of a row side by side: an addition needn't wait for the one before it. Entry i belongs to sum i mod `LANES`, whatever the
/// loop, so a row's bits depend on its entries alone.
const LANES: usize = 2;
/// Lengths with a loop of their own.
const LENGTHS: usize = 17;

type Body<A> = fn(&A, Rows<'_, A>, &[<A as Arithmetic>::Mass], &mut Totals<<A as Arithmetic>::Sum>);

/// Bodies by length; one for any length stands in for 0, which only a root can have.
const fn bodies<A: Arithmetic>() -> [Body<A>; LENGTHS] {
    [
        any::<A>,
        of::<A, 1>,
        of::<A, 2>,
        of::<A, 3>,
        of::<A, 4>,
        of::<A, 5>,
        of::<A, 6>,
        of::<A, 7>,
        of::<A, 8>,
        of::<A, 9>,
        of::<A, 10>,
        of::<A, 11>,
        of::<A, 12>,
        of::<A, 13>,
        of::<A, 14>,
        of::<A, 15>,
        of::<A, 16>,
    ]
}

/// Adds up what each of `rows`, all with `length` entries, gets, and what it will give.
pub(super) fn of_one_length<A: Arithmetic>(
    arithmetic: &A,
    length: usize,
    rows: Rows<'_, A>,
    gives: &[A::Mass],
    totals: &mut Totals<A::Sum>,
) {
    bodies::<A>().get(length).unwrap_or(&(any::<A> as Body<A>))(arithmetic, rows, gives, totals);
}

fn of<A: Arithmetic, const N: usize>(arithmetic: &A, rows: Rows<'_, A>, gives: &[A::Mass], totals: &mut Totals<A::Sum>) {
    let count = rows.shares.len();
    let (columns, weights) = (&rows.columns.as_chunks::<N>().0[..count], &rows.weights.as_chunks::<N>().0[..count]);
    settle(arithmetic, |row| few::<A, N>(gives, &columns[row], &weights[row]), rows.shares, rows.given, rows.kept, rows.next, totals);
}

fn any<A: Arithmetic>(arithmetic: &A, rows: Rows<'_, A>, gives: &[A::Mass], totals: &mut Totals<A::Sum>) {
    let length = rows.columns.len() / rows.shares.len().max(1);
    let got = |row| {
        let entries = row * length..(row + 1) * length;
        many::<A>(gives, &rows.columns[entries.clone()], &rows.weights[entries])
    };
    settle(arithmetic, got, rows.shares, rows.given, rows.kept, rows.next, totals);
}

/// One row of few entries: first all that is given, then the sums, so that no check of a bound stands between the additions.
#[inline(always)]
fn few<A: Arithmetic, const N: usize>(gives: &[A::Mass], columns: &[u32; N], weights: &[A::Weight; N]) -> A::Sum {
    let mut given = [A::Mass::default(); N];
    for i in 0..N {
        given[i] = gives[columns[i] as usize];
    }
    let mut sums = [A::Sum::default(); LANES];
    for i in 0..N {
        sums[i % LANES] = A::flow(sums[i % LANES], given[i], weights[i]);
    }
    sums.into_iter().fold(A::Sum::default(), A::add)
}

/// One row of any length.
fn many<A: Arithmetic>(gives: &[A::Mass], columns: &[u32], weights: &[A::Weight]) -> A::Sum {
    const AT_ONCE: usize = 4 * LANES;
    let mut sums = [A::Sum::default(); LANES];
    let ((whole, last_columns), (weights, last_weights)) = (columns.as_chunks::<AT_ONCE>(), weights.as_chunks::<AT_ONCE>());
    for (columns, weights) in whole.iter().zip(weights) {
        let mut given = [A::Mass::default(); AT_ONCE];
        for i in 0..AT_ONCE {
            given[i] = gives[columns[i] as usize];
        }
        for i in 0..AT_ONCE {
            sums[i % LANES] = A::flow(sums[i % LANES], given[i], weights[i]);
        }
    }
    for (i, (column, weight)) in last_columns.iter().zip(last_weights).enumerate() {
        sums[i % LANES] = A::flow(sums[i % LANES], gives[*column as usize], *weight);
    }
    sums.into_iter().fold(A::Sum::default(), A::add)
}

/// Writes down what rows got.
#[inline(always)]
fn settle<A: Arithmetic>(
    arithmetic: &A,
    got: impl Fn(usize) -> A::Sum,
    shares: &[A::Share],
    given: &[A::Mass],
    kept: &mut [A::Kept],
    next: &mut [A::Mass],
    totals: &mut Totals<A::Sum>,
) {
    let Totals { mut spent, mut change } = *totals;
    let rows = shares.len();
    let (given, kept, next) = (&given[..rows], &mut kept[..rows], &mut next[..rows]);
    for row in 0..rows {
        let got = got(row);
        let now = A::mass(got);
        spent = A::add(spent, got);
        change = A::add(change, A::distance(now, A::whole(kept[row], given[row])));
        (kept[row], next[row]) = arithmetic.give(now, shares[row]);
    }
    *totals = Totals { spent, change };
}
