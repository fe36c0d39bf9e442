//! Asking a running service how it is, as a container's health check does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::ServiceError;

/// Asks a service for a path; gives the answer's body if its status is 200.
///
/// # Errors
/// Nobody answers within five seconds, or with another status; the error holds the answer.
pub fn probe(address: SocketAddr, path: &str) -> Result<String, ServiceError> {
    let failed = |reason: String| ServiceError::Probe {
        address,
        path: path.to_owned(),
        reason,
    };
    let answer = ask(address, path).map_err(|error| failed(error.to_string()))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        Ok(body.to_owned())
    } else {
        Err(failed(format!("{status}\n{body}")))
    }
}

fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(ANSWER_OCTETS_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

const PATIENCE: Duration = Duration::from_secs(5);
/// What is longer is cut off.
const ANSWER_OCTETS_MAX: u64 = 8 << 20;
