//! A service of the program under test, running: its log, its HTTP answers, its end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::passline;

/// A running service. It is killed when this is dropped.
pub struct Service {
    child: Child,
    log: PathBuf,
    http: SocketAddr,
}

impl Service {
    /// Starts `passline run KIND` and waits until it says that it has started.
    ///
    /// # Panics
    /// If it does not within three minutes; the message holds its log.
    pub fn start(kind: &str, folder: &Path, config: &str) -> Self {
        Self::start_with(kind, folder, config, &[])
    }

    /// The same with more in its environment.
    ///
    /// # Panics
    /// As [`Service::start`].
    pub fn start_with(
        kind: &str,
        folder: &Path,
        config: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let file = folder.join(format!("{kind}.toml"));
        std::fs::write(&file, config).expect("the configuration can be written");
        let log = folder.join(format!("{kind}-{}.log", unique()));
        let stderr = std::fs::File::create(&log).expect("the log can be written");
        let child = passline()
            .args(["run", kind, "--log-format", "json", "--config"])
            .arg(&file)
            .env("PASSLINE_LOG", "info")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("passline starts");
        let mut service = Self {
            child,
            log,
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        // A transaction that a killed station left open is waited for.
        until_within(START_MAX, "the service has started", || {
            if let Ok(Some(status)) = service.child.try_wait() {
                panic!("it ended with {status}: {}", service.log());
            }
            service
                .log()
                .contains("\"message\":\"started")
                .then_some(())
        });
        service.http = service
            .lines("answering /healthz, /readyz and /metrics")
            .first()
            .and_then(|line| line["address"].as_str()?.parse().ok())
            .expect("the log tells the HTTP address");
        service
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The log's lines with a message.
    pub fn lines(&self, message: &str) -> Vec<Value> {
        self.log()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line["message"] == message)
            .collect()
    }

    /// Where a link is bound.
    ///
    /// # Panics
    /// If the log does not tell.
    pub fn link(&self, name: &str) -> SocketAddr {
        self.lines("bound")
            .iter()
            .find(|line| line["link"] == name)
            .and_then(|line| line["address"].as_str()?.parse().ok())
            .unwrap_or_else(|| panic!("no address of {name} in {}", self.log()))
    }

    /// The service's process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Status and body of a GET.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn get(&self, path: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        let answer = self
            .ask(request.as_bytes())
            .unwrap_or_else(|error| panic!("{path}: {error}: {}", self.log()));
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, body.to_owned())
    }

    /// What the HTTP endpoint answers to any octets.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn ask(&self, request: &[u8]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.http, Duration::from_secs(10))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// A metric's value, by its name with labels as `/metrics` writes it.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics");
        text.lines().find_map(|line| {
            let (found, value) = line.rsplit_once(' ')?;
            (found == name).then(|| value.parse().ok())?
        })
    }

    /// Sends a signal, `TERM` or `INT`.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .expect("kill can be run");
        assert!(status.success());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end within the time.
    pub fn wait(&mut self, at_most: Duration) -> ExitStatus {
        let deadline = Instant::now() + at_most;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "still running after {at_most:?}: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to end in an orderly way, waits for it, and gives its log.
    ///
    /// # Panics
    /// If it does not end within a minute, or with another status than 0.
    pub fn stop(mut self) -> String {
        self.signal("TERM");
        let status = self.wait(Duration::from_secs(60));
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.log()
    }

    /// Kills it at once, as a power failure would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// If there is none within a minute.
pub fn until<T>(what: &str, answer: impl FnMut() -> Option<T>) -> T {
    until_within(Duration::from_secs(60), what, answer)
}

fn until_within<T>(at_most: Duration, what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + at_most;
    loop {
        if let Some(found) = answer() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {at_most:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const START_MAX: Duration = Duration::from_secs(180);

fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
