//! Row blocks in parallel.

use std::sync::{Mutex, PoisonError};
use warmnet_protocol::trust::kernel::{Arithmetic, Block, in_turn};

/// Runs the blocks of a step on `threads` threads, this one included. Each takes the next block when it is done with one, so a
/// thread that the machine slows down holds up nobody.
pub fn run<A>(threads: usize, blocks: Vec<Block<'_, A>>)
where
    A: Arithmetic<Weight: Sync, Mass: Send + Sync, Share: Sync, Kept: Send, Sum: Send> + Sync,
{
    if threads <= 1 {
        return in_turn(blocks);
    }
    let queue = Mutex::new(blocks.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || std::iter::from_fn(next).for_each(Block::run);
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| _ = scope.spawn(work));
        work();
    });
}
