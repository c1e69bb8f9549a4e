//! Going back: records from an epoch on are void or overruled, and the chain is folded anew from the store without them.

use super::restore::{ChainSource, RestoreError, fold_all};
use super::{Engine, GoBack, Output, Timer};
use crate::chain::Chain;
use crate::time::{Epoch, Timestamp};

impl Engine {
    /// Asks the host to go back to before `epoch`. Until it has, no record is taken in.
    pub(super) fn go_back(&mut self, epoch: Epoch, cause: GoBack) {
        self.going_back = true;
        self.emit(Output::GoBack { epoch, cause });
    }

    /// Folds the chain anew after [`Output::GoBack`], when its changes are stored; `epoch` is the output's.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn refold(&mut self, now: Timestamp, epoch: Epoch, from: &mut dyn ChainSource) -> Result<(), RestoreError> {
        let mut chain = Chain::new(self.chain.genesis().clone());
        fold_all(&mut chain, from)?;
        self.chain = chain;
        self.going_back = false;
        self.roster_page = None;
        // What was planned by a record that is gone is planned again by what now holds.
        for planned in self.planned.split_off(&epoch).into_keys() {
            self.drop_unbegun(planned);
        }
        self.schedule(now, Timer::Sync);
        self.derive(now);
        Ok(())
    }
}
