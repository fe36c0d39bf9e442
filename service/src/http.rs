//! The HTTP endpoints `/healthz`, `/readyz` and `/metrics`: small answers to GET, one a connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown as Direction, SocketAddr};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::ServiceError;
use crate::health::Readiness;
use crate::metrics::Metrics;

/// Connections served at a time; one more is closed unanswered, and whoever asked tries again.
pub const CONNECTIONS_MAX: usize = 16;

/// The running server.
pub struct Http {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Answers {
    metrics: Metrics,
    readiness: Readiness,
    connections: AtomicUsize,
}

struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

impl Http {
    /// Listens, and answers from a thread of its own.
    ///
    /// # Errors
    /// The address is taken or not of this machine.
    pub fn start(
        listen: SocketAddr,
        metrics: Metrics,
        readiness: Readiness,
    ) -> Result<Self, ServiceError> {
        let failed = |source| ServiceError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(Answers {
            metrics,
            readiness,
            connections: AtomicUsize::new(0),
        });
        let stop = Arc::clone(&stopping);
        let thread = std::thread::Builder::new()
            .name("http".into())
            .spawn(move || accept(&listener, &answers, &stop))
            .map_err(|source| ServiceError::Thread {
                what: "HTTP",
                source,
            })?;
        tracing::info!(%address, "answering /healthz, /readyz and /metrics");
        Ok(Self {
            address,
            stopping,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // A connection of its own ends the waiting for one.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let woken = TcpStream::connect_timeout(&address, PATIENCE);
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, answers: &Arc<Answers>, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Acquire) {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, or the peer has gone already.
                tracing::debug!(%error, "a connection was not accepted");
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
        };
        if answers.connections.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_MAX {
            answers.connections.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let shared = Arc::clone(answers);
        let thread = std::thread::Builder::new()
            .name("http connection".into())
            .spawn(move || {
                if let Err(error) = serve(stream, &shared) {
                    tracing::debug!(%error, "a question was not answered");
                }
                shared.connections.fetch_sub(1, Ordering::AcqRel);
            });
        if thread.is_err() {
            answers.connections.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn serve(mut stream: TcpStream, answers: &Answers) -> std::io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some((method, path)) = read_head(&mut stream)? else {
        return write_answer(
            &mut stream,
            &text("400 Bad Request", "no HTTP request\n"),
            true,
        );
    };
    let with_body = method != "HEAD";
    let answer = if method == "GET" || method == "HEAD" {
        answers.answer(&path)
    } else {
        text("405 Method Not Allowed", "only GET\n")
    };
    write_answer(&mut stream, &answer, with_body)
}

impl Answers {
    fn answer(&self, path: &str) -> Answer {
        match path.split('?').next().unwrap_or_default() {
            "/healthz" => text("200 OK", "alive\n"),
            "/readyz" => {
                let (ready, answers) = self.readiness.ask();
                Answer {
                    status: if ready {
                        "200 OK"
                    } else {
                        "503 Service Unavailable"
                    },
                    content_type: "application/json",
                    body: format!("{answers:#}\n"),
                }
            }
            "/metrics" => Answer {
                status: "200 OK",
                content_type: "text/plain; version=0.0.4",
                body: self.metrics.render(),
            },
            _ => text(
                "404 Not Found",
                "there are /healthz, /readyz and /metrics\n",
            ),
        }
    }
}

/// Method and path; `None` where it is no HTTP request, too long, or too slow.
fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<(String, String)>> {
    let deadline = Instant::now() + PATIENCE;
    let mut head = Vec::with_capacity(1 << 10);
    let mut chunk = [0; 1 << 10];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > HEAD_OCTETS_MAX {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(octets) => head.extend_from_slice(chunk.get(..octets).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if is_timeout(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {
                let method = request.method.unwrap_or_default().to_owned();
                return Ok(Some((method, request.path.unwrap_or_default().to_owned())));
            }
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Ok(None),
        }
    }
}

fn write_answer(stream: &mut TcpStream, answer: &Answer, with_body: bool) -> std::io::Result<()> {
    let Answer {
        status,
        content_type,
        body,
    } = answer;
    let mut message = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len()
    );
    if with_body {
        message.push_str(body);
    }
    stream.write_all(message.as_bytes())?;
    stream.shutdown(Direction::Write)
}

fn text(status: &'static str, body: &str) -> Answer {
    Answer {
        status,
        content_type: "text/plain",
        body: body.to_owned(),
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// How long a peer may take to ask, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);
const HEAD_OCTETS_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
