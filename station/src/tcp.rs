//! TCP links: a stream from whoever connects here, or from a peer that is connected to.
//!
//! While the bus holds the station back the socket is not read, its window closes, and the peer
//! waits: nothing is queued here but one read's octets.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::contact::{Receiver, now};
use crate::error::StationError;
use crate::link::LinkState;
use crate::stop::{POLL, chain};

/// Listens on an address.
pub(crate) fn bind(link: &str, address: &str) -> Result<TcpListener, StationError> {
    let failed = |source| StationError::Listen {
        link: link.to_owned(),
        address: address.to_owned(),
        source,
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Serves peers one after the other, until the station stops; those who connected before are
/// served still.
pub(crate) fn listen(listener: &TcpListener, receiver: &mut Receiver) -> Result<(), StationError> {
    let listening = receiver.status.get();
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                let why = served(stream, peer, receiver)?;
                down(receiver, &peer.to_string(), &why, listening.clone());
            }
            Err(_) if receiver.context.stop.is_requested() => return Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(POLL),
            Err(error) => {
                // Out of file descriptors, or the peer has gone already.
                tracing::warn!(link = %receiver.config.name, %error, "a peer was not accepted");
                std::thread::sleep(POLL);
            }
        }
        if receiver.context.stop.is_overdue() {
            return Ok(());
        }
    }
}

/// Connects, receives until the connection ends, and connects again, until the station stops.
pub(crate) fn connect(
    address: &str,
    (backoff_min, backoff_max): (Duration, Duration),
    receiver: &mut Receiver,
) -> Result<(), StationError> {
    let mut failures = 0;
    let mut pause = backoff_min;
    while !receiver.context.stop.is_requested() {
        match reach(address) {
            Ok((stream, peer)) => {
                failures = 0;
                let before = receiver.octets();
                let why = served(stream, peer, receiver)?;
                let state = LinkState::Connecting {
                    failures,
                    reason: why.clone(),
                };
                down(receiver, &peer.to_string(), &why, state);
                // A peer that accepts and closes at once is no reason to hurry.
                if receiver.octets() > before {
                    pause = backoff_min;
                }
            }
            Err(error) => {
                failures += 1;
                receiver.status.counters.connect_failure();
                let reason = format!("{address}: {}", chain(&error));
                let link = &receiver.config.name;
                if failures == 1 {
                    tracing::warn!(
                        %link, address, %error, again_in = ?pause,
                        "the peer cannot be reached; trying again and again: check the address and that the peer listens"
                    );
                    let message = format!("link {link} cannot reach {reason}");
                    receiver.context.note("link_down", "warning", message);
                } else {
                    tracing::debug!(%link, address, %error, failures, "not reached");
                }
                receiver
                    .status
                    .set(LinkState::Connecting { failures, reason });
            }
        }
        if receiver.context.stop.wait(pause) {
            break;
        }
        pause = (pause * 2).min(backoff_max);
    }
    Ok(())
}

/// Connects to the first of a name's addresses that answers.
fn reach(address: &str) -> std::io::Result<(TcpStream, SocketAddr)> {
    let mut refused = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()?.take(ADDRESSES_MAX) {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Receives from a peer until the connection ends, and says why it did.
fn served(
    stream: TcpStream,
    peer: SocketAddr,
    receiver: &mut Receiver,
) -> Result<String, StationError> {
    let name = peer.to_string();
    let link = receiver.config.name.clone();
    tracing::info!(%link, peer = %name, "link up");
    receiver
        .context
        .note("link_up", "info", format!("link {link} is up: {name}"));
    receiver.status.set(LinkState::Up { peer: name.clone() });
    receiver.handle_up();
    let why = match prepare(&stream, receiver.patience()) {
        Ok(()) => receive(stream, &name, receiver)?,
        Err(error) => error.to_string(),
    };
    receiver.end(&why)?;
    Ok(why)
}

fn prepare(stream: &TcpStream, patience: Duration) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(patience))?;
    // A peer that has vanished without a word is noticed after half a minute.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(15))
        .with_interval(Duration::from_secs(5));
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn receive(
    mut stream: TcpStream,
    peer: &str,
    receiver: &mut Receiver,
) -> Result<String, StationError> {
    let listens = matches!(
        receiver.config.kind,
        crate::link::LinkKind::TcpListen { .. }
    );
    let mut chunk = vec![0; CHUNK_OCTETS];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Ok("the peer closed the connection".to_owned()),
            Ok(octets) => {
                let octets = chunk.get(..octets).unwrap_or_default();
                receiver.handle_octets(octets, now(), peer)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => {
                if receiver.context.stop.is_requested() {
                    return Ok("the station stopped".to_owned());
                }
            }
            Err(error) => return Ok(error.to_string()),
        }
        if receiver.handle_time()? {
            let why = format!("nothing arrived for {:?}", receiver.config.idle_timeout);
            if listens {
                return Ok(why);
            }
            // The peer is there and silent between contacts.
            receiver.end(&why)?;
            receiver.handle_up();
        }
        if receiver.context.stop.is_overdue() {
            return Ok("the station stopped while the peer was sending".to_owned());
        }
    }
}

fn down(receiver: &Receiver, peer: &str, why: &str, state: LinkState) {
    let link = &receiver.config.name;
    tracing::info!(%link, peer, why, "link down");
    receiver.status.set(state);
    let message = format!("link {link} is down: {peer}: {why}");
    receiver.context.note("link_down", "info", message);
}

pub(crate) fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Octets read at once.
const CHUNK_OCTETS: usize = 256 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;
