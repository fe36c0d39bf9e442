//! Datagram links. A sender of datagrams never waits, so a thread of its own takes them from the
//! kernel into a bounded queue, and the link's thread decodes and publishes.
//!
//! ```text
//! kernel's receive buffer --recv--> Queue, at most queue_octets_max --> decoder --> bus
//! full: the kernel drops          full: the newest is dropped
//!       and counts                      and counted
//! ```

use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::contact::{Receiver, now};
use crate::error::StationError;
use crate::link::LinkState;
use crate::tcp::is_timeout;

/// Binds a datagram socket with a large receive buffer.
pub(crate) fn bind(
    link: &str,
    address: &str,
    receive_buffer_octets: usize,
) -> Result<UdpSocket, StationError> {
    let failed = |source| StationError::Listen {
        link: link.to_owned(),
        address: address.to_owned(),
        source,
    };
    let missing = || std::io::Error::other("the name has no address");
    let found: SocketAddr = address
        .to_socket_addrs()
        .map_err(failed)?
        .next()
        .ok_or_else(|| failed(missing()))?;
    let socket = Socket::new(Domain::for_address(found), Type::DGRAM, Some(Protocol::UDP))
        .map_err(failed)?;
    socket
        .set_recv_buffer_size(receive_buffer_octets)
        .map_err(failed)?;
    socket.bind(&found.into()).map_err(failed)?;
    let granted = socket.recv_buffer_size().map_err(failed)?;
    if granted < receive_buffer_octets {
        tracing::warn!(
            link,
            granted,
            asked = receive_buffer_octets,
            "the kernel grants a smaller receive buffer than asked; raise net.core.rmem_max"
        );
    }
    Ok(socket.into())
}

/// Receives until the station stops and no datagram is left.
pub(crate) fn run(
    socket: &UdpSocket,
    queue_octets_max: usize,
    receiver: &mut Receiver,
) -> Result<(), StationError> {
    let link = receiver.config.name.clone();
    let failed = |source| StationError::Socket {
        link: link.clone(),
        source,
    };
    let local = socket.local_addr().map_err(failed)?;
    socket
        .set_read_timeout(Some(receiver.patience()))
        .map_err(failed)?;
    let peer = format!("datagrams to {local}");
    tracing::info!(%link, %local, "link up");
    receiver.status.set(LinkState::Up { peer: peer.clone() });
    receiver
        .context
        .note("link_up", "info", format!("link {link} is up: {peer}"));
    let queue = Queue::new(queue_octets_max);
    let stop = &receiver.context.stop.clone();
    let counters = &receiver.status.clone().counters;
    let received = std::thread::scope(|scope| {
        let intake = scope.spawn(|| {
            let result = take_in(socket, &queue, || stop.is_requested(), || stop.is_overdue());
            queue.close();
            result
        });
        let mut drops = KernelDrops::of(socket);
        let mut batch = Batch::default();
        let mut result = Ok(());
        while queue.swap(&mut batch, receiver.patience()) {
            counters.datagrams(batch.ends.len() as u64);
            counters.datagrams_dropped("queue", queue.take_dropped());
            if let Some(drops) = drops.as_mut().and_then(KernelDrops::poll) {
                counters.datagrams_dropped("kernel", drops);
                tracing::warn!(%link, drops, "the kernel dropped datagrams");
            }
            result = decode(&batch, &peer, receiver);
            if result.is_err() {
                // The intake goes on into the queue and drops, until the stop.
                break;
            }
        }
        queue.abandon();
        let received = intake
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the intake panicked")));
        result.and(received.map_err(failed))
    });
    receiver.end("the station stopped")?;
    received
}

fn decode(batch: &Batch, peer: &str, receiver: &mut Receiver) -> Result<(), StationError> {
    for (datagram, received) in batch.datagrams() {
        receiver.handle_octets(datagram, received, peer)?;
        receiver.handle_boundary();
    }
    if receiver.handle_time()? {
        let why = format!("nothing arrived for {:?}", receiver.config.idle_timeout);
        receiver.end(&why)?;
        receiver.handle_up();
    }
    Ok(())
}

/// Takes datagrams from the kernel. When the stop is asked for, what the kernel has is taken still.
fn take_in(
    socket: &UdpSocket,
    queue: &Queue,
    stopping: impl Fn() -> bool,
    overdue: impl Fn() -> bool,
) -> std::io::Result<()> {
    let mut datagram = vec![0; DATAGRAM_OCTETS_MAX];
    while !overdue() && !queue.is_abandoned() {
        match socket.recv(&mut datagram) {
            Ok(octets) => queue.push(datagram.get(..octets).unwrap_or_default(), now()),
            Err(error) if is_timeout(&error) => {
                if stopping() {
                    break;
                }
            }
            // Interrupted, or an ICMP message about something that was never sent.
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::Interrupted | std::io::ErrorKind::ConnectionRefused
                ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Datagrams end to end, and when each came.
#[derive(Default)]
struct Batch {
    data: Vec<u8>,
    ends: Vec<(usize, i64)>,
}

impl Batch {
    fn datagrams(&self) -> impl Iterator<Item = (&[u8], i64)> {
        let mut start = 0;
        self.ends.iter().map(move |&(end, received)| {
            let datagram = self.data.get(start..end).unwrap_or_default();
            start = end;
            (datagram, received)
        })
    }

    fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }
}

/// Datagrams received and not yet decoded, up to a number of octets; further ones are dropped and
/// counted. The decoder takes them all at once, so that nothing is allocated for one.
struct Queue {
    state: Mutex<QueueState>,
    filled: Condvar,
    abandoned: AtomicBool,
    octets_max: usize,
}

#[derive(Default)]
struct QueueState {
    batch: Batch,
    dropped: u64,
    closed: bool,
}

impl Queue {
    fn new(octets_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            abandoned: AtomicBool::new(false),
            octets_max,
        }
    }

    fn locked(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, datagram: &[u8], received: i64) {
        let mut state = self.locked();
        let batch = &mut state.batch;
        let octets = batch.data.len() + batch.ends.len() * ENTRY_OCTETS;
        if octets + datagram.len() + ENTRY_OCTETS > self.octets_max {
            state.dropped += 1;
            return;
        }
        batch.data.extend_from_slice(datagram);
        let end = batch.data.len();
        batch.ends.push((end, received));
        drop(state);
        self.filled.notify_one();
    }

    /// Exchanges what has come for an emptied batch; waits at most so long for something to come.
    /// False once the queue is closed and empty.
    fn swap(&self, batch: &mut Batch, patience: Duration) -> bool {
        batch.clear();
        if batch.data.capacity() > BATCH_OCTETS_KEPT {
            *batch = Batch::default();
        }
        let state = self.locked();
        let (mut state, _) = self
            .filled
            .wait_timeout_while(state, patience, |state| {
                state.batch.ends.is_empty() && !state.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.batch, batch);
        !(state.closed && batch.ends.is_empty())
    }

    fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.locked().dropped)
    }

    fn close(&self) {
        self.locked().closed = true;
        self.filled.notify_one();
    }

    /// Nobody takes from it any more.
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }
}

/// Datagrams that the kernel dropped because a socket's receive buffer was full.
struct KernelDrops {
    table: &'static str,
    inode: String,
    dropped: u64,
    asked: Instant,
}

impl KernelDrops {
    /// Linux only; elsewhere nobody tells.
    fn of(socket: &UdpSocket) -> Option<Self> {
        let is_v4 = SockRef::from(socket).domain().ok()? == Domain::IPV4;
        let mut drops = Self {
            table: if is_v4 {
                "/proc/net/udp"
            } else {
                "/proc/net/udp6"
            },
            inode: inode(socket)?,
            dropped: 0,
            asked: Instant::now(),
        };
        drops.dropped = drops.read()?;
        Some(drops)
    }

    /// Those since the last call, asked once a second.
    fn poll(&mut self) -> Option<u64> {
        if self.asked.elapsed() < Duration::from_secs(1) {
            return None;
        }
        self.asked = Instant::now();
        let dropped = self.read()?;
        let new = dropped.saturating_sub(self.dropped);
        self.dropped = dropped;
        (new > 0).then_some(new)
    }

    fn read(&self) -> Option<u64> {
        let table = std::fs::read_to_string(self.table).ok()?;
        table.lines().skip(1).find_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let is_it = columns.get(INODE_COLUMN).is_some_and(|i| *i == self.inode);
            is_it.then(|| columns.last()?.parse().ok())?
        })
    }
}

#[cfg(target_os = "linux")]
fn inode(socket: &UdpSocket) -> Option<String> {
    use std::os::fd::AsRawFd;
    let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    let name = link.to_string_lossy().into_owned();
    let inode = name.strip_prefix("socket:[")?.strip_suffix(']')?;
    Some(inode.to_owned())
}

#[cfg(not(target_os = "linux"))]
fn inode(_socket: &UdpSocket) -> Option<String> {
    None
}

/// The longest datagram there can be.
const DATAGRAM_OCTETS_MAX: usize = 1 << 16;
/// What a datagram takes in the queue besides its octets.
const ENTRY_OCTETS: usize = 16;
/// A larger batch, after a burst, is given back.
const BATCH_OCTETS_KEPT: usize = 4 << 20;
/// Column of `/proc/net/udp`; the last column counts the drops.
const INODE_COLUMN: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_the_newest_and_counts_them() {
        let queue = Queue::new(3 * (10 + ENTRY_OCTETS));
        for number in 0..5_u8 {
            queue.push(&[number; 10], i64::from(number));
        }
        assert_eq!(queue.take_dropped(), 2);
        let mut batch = Batch::default();
        assert!(queue.swap(&mut batch, Duration::ZERO));
        let found: Vec<_> = batch
            .datagrams()
            .map(|(d, at)| (d[0], d.len(), at))
            .collect();
        assert_eq!(found, [(0, 10, 0), (1, 10, 1), (2, 10, 2)]);
        queue.push(&[], 9);
        queue.close();
        assert!(queue.swap(&mut batch, Duration::ZERO), "an empty datagram");
        assert!(!queue.swap(&mut batch, Duration::ZERO));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn datagrams_dropped_by_the_kernel_are_counted() {
        let socket = bind("test", "127.0.0.1:0", 4 << 10).unwrap();
        let mut drops = KernelDrops::of(&socket).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..200 {
            let _ = sender.send_to(&[0; 1_000], socket.local_addr().unwrap());
        }
        let before = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        drops.asked = before;
        let mut arrived = 0;
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        while socket.recv(&mut [0; 2_000]).is_ok() {
            arrived += 1;
        }
        drops.asked = before;
        assert_eq!(drops.poll().unwrap_or_default() + arrived, 200);
        assert!(arrived < 200);
    }
}
