//! The station as a service: a thread for each live link.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bus::Bus;
use schemas::layout::CompiledMission;
use schemas::mission::Mission;
use tm_decoder::downlink::Downlink;

use crate::contact::{Context, Receiver};
use crate::error::StationError;
use crate::link::{LinkConfig, LinkKind, LinkState, LinkStatus};
use crate::mission::Missions;
use crate::replay::Replay;
use crate::stop::{Stop, chain};
use crate::{tcp, udp};

/// What a station receives, and how.
#[derive(Clone, Debug)]
pub struct StationConfig {
    /// The station's name.
    pub name: String,
    /// The mission whose downlink its links carry.
    pub mission: Arc<Mission>,
    /// The mission database, compiled; `None` keeps to frames and packets.
    pub layouts: Option<Arc<CompiledMission>>,
    /// Its links.
    pub links: Vec<LinkConfig>,
    /// At a stop, links take in what has arrived already for so long at most.
    pub drain: Duration,
}

/// A running station.
pub struct Station {
    stop: Arc<Stop>,
    missions: Missions,
    links: Vec<RunningLink>,
}

struct RunningLink {
    name: String,
    status: Arc<LinkStatus>,
    thread: JoinHandle<Result<(), StationError>>,
}

/// A link with its socket, so that all are bound before any runs.
enum Bound {
    Listener(TcpListener),
    Socket(UdpSocket),
    Nothing,
}

impl Station {
    /// Binds every link, then starts a thread for each.
    ///
    /// Datagram links publish into the `spool`, where there is one: an embedded log from which a
    /// forwarder passes on, since a sender of datagrams does not wait for a broker.
    ///
    /// # Errors
    /// The mission does not fit a link's level, an address cannot be listened on, two links have
    /// one name, or the bus cannot be written.
    pub fn start(
        bus: &Bus,
        spool: Option<&Bus>,
        config: &StationConfig,
    ) -> Result<Self, StationError> {
        let stop = Arc::new(Stop::new(config.drain));
        let context = Arc::new(Context {
            bus: bus.clone(),
            spool: spool.cloned(),
            station: config.name.clone(),
            missions: Missions::new(Arc::clone(&config.mission), config.layouts.clone()),
            stop: Arc::clone(&stop),
            journal: Context::journal(bus, &config.name, &config.mission)?,
        });
        let mut names = BTreeSet::new();
        let mut bound = Vec::new();
        for link in &config.links {
            if !names.insert(&link.name) {
                return Err(StationError::LinkTwice {
                    link: link.name.clone(),
                });
            }
            // Asked now, not when the first peer is there.
            Downlink::new(&config.mission, link.level)?;
            let socket = bind(link)?;
            if let Some(address) = socket.address() {
                tracing::info!(link = %link.name, %address, "bound");
            }
            bound.push(socket);
        }
        let mut links = Vec::new();
        for (link, bound) in config.links.iter().zip(bound) {
            let status = LinkStatus::new(&link.name, bound.state(&link.kind));
            let receiver = Receiver::new(Arc::clone(&context), link.clone(), Arc::clone(&status));
            let thread = std::thread::Builder::new()
                .name(format!("link {}", link.name))
                .spawn(move || run(receiver, bound))
                .map_err(|source| StationError::Thread {
                    link: link.name.clone(),
                    source,
                })?;
            links.push(RunningLink {
                name: link.name.clone(),
                status,
                thread,
            });
        }
        Ok(Self {
            stop,
            missions: context.missions.clone(),
            links,
        })
    }

    /// The mission that it decodes with, which may be changed while it runs.
    pub fn missions(&self) -> Missions {
        self.missions.clone()
    }

    /// A look at the links that stays valid while the station runs.
    pub fn watch(&self) -> Watch {
        let links = self.links.iter();
        Watch(
            links
                .map(|link| (link.name.clone(), Arc::clone(&link.status)))
                .collect(),
        )
    }

    /// Ends: links stop listening, take in what has arrived, publish it and end their contacts.
    ///
    /// # Errors
    /// The first error of a link; the others have ended all the same.
    pub fn stop(self) -> Result<(), StationError> {
        self.stop.request();
        let mut result = Ok(());
        for link in self.links {
            let ended = link
                .thread
                .join()
                .unwrap_or(Err(StationError::Panicked { link: link.name }));
            result = result.and(ended);
        }
        result
    }
}

/// The states of a station's links.
#[derive(Clone)]
pub struct Watch(Vec<(String, Arc<LinkStatus>)>);

impl Watch {
    /// Each link's name and state.
    pub fn states(&self) -> Vec<(String, LinkState)> {
        let links = self.0.iter();
        links
            .map(|(name, status)| (name.clone(), status.get()))
            .collect()
    }

    /// The first link that cannot go on, and why.
    pub fn failed(&self) -> Option<(String, String)> {
        self.states()
            .into_iter()
            .find_map(|(name, state)| match state {
                LinkState::Failed { reason } => Some((name, reason)),
                _ => None,
            })
    }
}

fn bind(link: &LinkConfig) -> Result<Bound, StationError> {
    Ok(match &link.kind {
        LinkKind::TcpListen { address } => Bound::Listener(tcp::bind(&link.name, address)?),
        LinkKind::Udp {
            address,
            receive_buffer_octets,
            ..
        } => Bound::Socket(udp::bind(&link.name, address, *receive_buffer_octets)?),
        LinkKind::TcpConnect { .. } | LinkKind::File { .. } => Bound::Nothing,
    })
}

impl Bound {
    fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Listener(listener) => listener.local_addr().ok(),
            Self::Socket(socket) => socket.local_addr().ok(),
            Self::Nothing => None,
        }
    }

    fn state(&self, kind: &LinkKind) -> LinkState {
        match (kind, self.address()) {
            (LinkKind::File { path }, _) => LinkState::Up {
                peer: path.display().to_string(),
            },
            (_, Some(address)) => LinkState::Listening {
                address: address.to_string(),
            },
            (_, None) => LinkState::Connecting {
                failures: 0,
                reason: String::new(),
            },
        }
    }
}

fn run(mut receiver: Receiver, bound: Bound) -> Result<(), StationError> {
    let span = tracing::info_span!(
        "link",
        station = %receiver.context.station,
        link = %receiver.config.name,
    );
    let _in_link = span.enter();
    let _watched = Watched(Arc::clone(&receiver.status));
    let kind = receiver.config.kind.clone();
    let result = match (&kind, bound) {
        (LinkKind::TcpListen { .. }, Bound::Listener(listener)) => {
            tcp::listen(&listener, &mut receiver)
        }
        (
            LinkKind::TcpConnect {
                address,
                backoff_min,
                backoff_max,
            },
            _,
        ) => tcp::connect(address, (*backoff_min, *backoff_max), &mut receiver),
        (
            LinkKind::Udp {
                queue_octets_max, ..
            },
            Bound::Socket(socket),
        ) => udp::run(&socket, *queue_octets_max, &mut receiver),
        (LinkKind::File { path }, _) => replay(path, &receiver),
        (LinkKind::TcpListen { .. } | LinkKind::Udp { .. }, _) => Ok(()),
    };
    match &result {
        Ok(()) => receiver.status.set(LinkState::Ended),
        Err(error) => {
            let reason = chain(error);
            tracing::error!(%reason, "the link cannot go on");
            receiver.status.set(LinkState::Failed { reason });
        }
    }
    result
}

/// Tells of a link whose thread panics.
struct Watched(Arc<LinkStatus>);

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "its thread panicked; please report this".to_owned();
            self.0.set(LinkState::Failed { reason });
        }
    }
}

fn replay(path: &std::path::Path, receiver: &Receiver) -> Result<(), StationError> {
    let context = &receiver.context;
    let loaded = context.missions.get();
    let summary = Replay {
        recording: path,
        mission: &loaded.mission,
        layouts: loaded.layouts.clone(),
        level: receiver.config.level,
        station: Some(&context.station),
    }
    .run(&context.bus, &mut |_| {})?;
    let counters = &receiver.status.counters;
    counters.received(summary.octets, summary.octets_used);
    tracing::info!(
        contact = summary.contact,
        octets = summary.octets,
        frames = summary.frames,
        packets = summary.packets,
        rows = summary.rows,
        already_stored = summary.already_stored,
        "recording published"
    );
    Ok(())
}
