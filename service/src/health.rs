//! Readiness: can the service do its work right now?

use serde_json::{Value, json};

/// One thing that the service needs.
pub struct Check {
    name: String,
    probe: Box<Probe>,
}

/// `Ok` says how it is, `Err` why it is not.
type Probe = dyn Fn() -> Result<String, String> + Send + Sync;

impl Check {
    /// A check; the probe is called for each question and must come back within seconds.
    pub fn new(
        name: impl Into<String>,
        probe: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            probe: Box::new(probe),
        }
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
}
