//! Whose a partition is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Whose a partition is, as its member and its subscription know it.
#[derive(Default)]
pub(crate) struct Tenure(AtomicU8);

impl Tenure {
    /// The partition is to go: finish with it.
    pub(crate) fn revoke(&self) {
        self.0.fetch_max(REVOKED, Ordering::AcqRel);
    }

    /// The partition is another member's.
    pub(crate) fn end(&self) {
        self.0.fetch_max(ENDED, Ordering::AcqRel);
    }

    /// Nobody here uses it any more.
    pub(crate) fn is_released(&self) -> bool {
        self.0.load(Ordering::Acquire) == RELEASED
    }

    pub(crate) fn is_current(&self) -> bool {
        self.0.load(Ordering::Acquire) == CURRENT
    }

    pub(crate) fn may_commit(&self) -> bool {
        self.0.load(Ordering::Acquire) <= REVOKED
    }
}

/// A subscription's side of a tenure: dropping it releases the partition.
pub(crate) struct Hold(pub(crate) Arc<Tenure>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.0.store(RELEASED, Ordering::Release);
    }
}

const CURRENT: u8 = 0;
const REVOKED: u8 = 1;
const ENDED: u8 = 2;
const RELEASED: u8 = 3;
