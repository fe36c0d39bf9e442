//! Readiness: can the service do its work right now?

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::ServiceError;

/// One thing that the service needs.
pub struct Check {
    name: String,
    probe: Box<Probe>,
}

/// `Ok` says how it is, `Err` why it is not.
type Probe = dyn Fn() -> Answer + Send + Sync;

type Answer = Result<String, String>;

/// The latest answer of a probe that may take long, and when it came.
type Latest = Mutex<(Instant, Answer)>;

impl Check {
    /// A check; the probe is called for each question and must come back at once.
    pub fn new(
        name: impl Into<String>,
        probe: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            probe: Box::new(probe),
        }
    }

    /// A check whose probe may take long, as one over a network: it is called now, and then every
    /// few seconds on a thread of its own; a question gets the latest answer. One that is
    /// `patience` old means that the probe hangs, which is an answer too.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn watched(
        name: impl Into<String>,
        patience: Duration,
        probe: impl Fn() -> Result<String, String> + Send + 'static,
    ) -> Result<Self, ServiceError> {
        let latest = Arc::new(Mutex::new((Instant::now(), probe())));
        let watched = Arc::downgrade(&latest);
        std::thread::Builder::new()
            .name("health".into())
            .spawn(move || watch(&watched, &probe))
            .map_err(|source| ServiceError::Thread {
                what: "a health check",
                source,
            })?;
        Ok(Self::new(name, move || {
            let latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
            let (at, answer) = &*latest;
            if at.elapsed() > patience {
                return Err(format!("no answer for {} s", at.elapsed().as_secs()));
            }
            answer.clone()
        }))
    }
}

/// Everything that the service needs.
#[derive(Default)]
pub struct Readiness {
    checks: Vec<Check>,
}

impl Readiness {
    /// All of these must hold.
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks }
    }

    /// Asks every check: whether all hold, and the answer of each as JSON.
    pub fn ask(&self) -> (bool, Value) {
        let mut ready = true;
        let mut answers = serde_json::Map::new();
        for check in &self.checks {
            let answer = match (check.probe)() {
                Ok(detail) => json!({ "ok": true, "detail": detail }),
                Err(reason) => {
                    ready = false;
                    json!({ "ok": false, "reason": reason })
                }
            };
            answers.insert(check.name.clone(), answer);
        }
        (ready, json!({ "ready": ready, "checks": answers }))
    }
}

/// Asks again and again, until nobody is interested any more.
fn watch(latest: &Weak<Latest>, probe: &dyn Fn() -> Answer) {
    loop {
        std::thread::sleep(PERIOD);
        if latest.strong_count() == 0 {
            return;
        }
        let answer = probe();
        let Some(latest) = latest.upgrade() else {
            return;
        };
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), answer);
    }
}

/// Between two questions of a watched check.
const PERIOD: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_check_that_fails_makes_it_not_ready() {
        let good = || Check::new("bus", || Ok("3 brokers".into()));
        assert!(Readiness::new(vec![good()]).ask().0);
        let bad = Check::new("lake", || Err("read-only".into()));
        let (ready, answers) = Readiness::new(vec![good(), bad]).ask();
        assert!(!ready);
        assert_eq!(answers["checks"]["lake"]["reason"], "read-only");
        assert_eq!(answers["checks"]["bus"]["ok"], true);
    }

    #[test]
    fn a_probe_that_hangs_is_not_waited_for() {
        let calls = std::sync::atomic::AtomicU32::new(0);
        let hanging = Check::watched("bus", Duration::from_millis(2_500), move || {
            if calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
                std::thread::sleep(Duration::from_secs(600));
            }
            Ok("there".into())
        });
        let readiness = Readiness::new(vec![hanging.unwrap()]);
        assert!(readiness.ask().0);
        std::thread::sleep(Duration::from_millis(2_700));
        let asked = Instant::now();
        let (ready, answers) = readiness.ask();
        assert!(!ready);
        assert!(asked.elapsed() < Duration::from_secs(1));
        assert_eq!(answers["checks"]["bus"]["reason"], "no answer for 2 s");
    }
}
