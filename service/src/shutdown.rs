//! An orderly end: the first SIGTERM or SIGINT asks for it, a second one ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::ServiceError;

/// Whether the process has been asked to end. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<AtomicBool>);

impl Shutdown {
    /// Takes SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn on_signals() -> Result<Self, ServiceError> {
        let requested = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // The order matters: the second signal finds what the first has set.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&requested))
                .map_err(ServiceError::Signals)?;
            flag::register(signal, Arc::clone(&requested)).map_err(ServiceError::Signals)?;
        }
        Ok(Self(requested))
    }

    /// Whether the end is asked for.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Asks for the end, as a signal does.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Waits for the end to be asked for, at most so long; says whether it is.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while !self.is_requested() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(POLL));
        }
        true
    }

    /// Ends the process with status 1 if it is still there after `bound`.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn bound(bound: Duration) -> Result<(), ServiceError> {
        std::thread::Builder::new()
            .name("shutdown bound".into())
            .spawn(move || {
                std::thread::sleep(bound);
                tracing::error!(
                    ?bound,
                    "the orderly end takes too long; ending now. What the log has is stored at the next start"
                );
                std::process::exit(1);
            })
            .map(drop)
            .map_err(|source| ServiceError::Thread {
                what: "the bound of the shutdown",
                source,
            })
    }
}

/// A signal is noticed after so long at most.
const POLL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_request_or_the_time() {
        let shutdown = Shutdown::default();
        assert!(!shutdown.wait(Duration::from_millis(1)));
        let other = shutdown.clone();
        let thread = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        shutdown.request();
        assert!(thread.join().unwrap());
        assert!(shutdown.is_requested());
    }
}
