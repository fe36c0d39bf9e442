//! Live contacts: from a link's first octet to its end, its silence, or the station's stop.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bus::{Bus, Headers, Payload, Producer, Topic};
use schemas::event::{Event, format_time};
use schemas::mission::Mission;
use tm_decoder::downlink::Downlink;

use crate::contents::Contents;
use crate::error::StationError;
use crate::link::{LinkConfig, LinkKind, LinkStatus};
use crate::mission::{Loaded, Missions};
use crate::publish::Publisher;
use crate::stop::{Stop, chain};

/// What all links of a station share.
pub(crate) struct Context {
    pub(crate) bus: Bus,
    /// Takes the place of the bus for datagram links, which cannot wait for it.
    pub(crate) spool: Option<Bus>,
    pub(crate) station: String,
    pub(crate) missions: Missions,
    pub(crate) stop: Arc<Stop>,
    /// Publishes what happens to links outside contacts.
    pub(crate) journal: Producer,
}

impl Context {
    /// The producer for what happens outside contacts. Blocks of one contact are numbered by one
    /// producer, so each run of a station has a name of its own for these.
    pub(crate) fn journal(
        bus: &Bus,
        station: &str,
        mission: &Mission,
    ) -> Result<Producer, StationError> {
        Ok(bus.producer(Headers {
            spacecraft: mission.default_spacecraft().to_string(),
            station: station.to_owned(),
            contact: format!("{station}-links-{}", compact(now())),
            mission_version: mission.version.clone(),
        })?)
    }

    /// Publishes a link's state. A link works without its events: that one is lost is only logged.
    pub(crate) fn note(&self, event: &str, severity: &str, message: String) {
        let event = Event::of_operation(event, now(), severity, message);
        let published = serde_json::to_string(&event)
            .map_err(StationError::from)
            .and_then(|text| {
                let payload = Payload::Json(vec![text]);
                Ok(self.journal.publish(Topic::TmEvents, payload)?)
            });
        if let Err(error) = published {
            tracing::warn!(cause = %chain(&error), "an event of a link was not published");
        }
    }
}

/// A link's side of its contacts: begins one with the first octets, ends it.
pub(crate) struct Receiver {
    pub(crate) context: Arc<Context>,
    pub(crate) config: LinkConfig,
    pub(crate) status: Arc<LinkStatus>,
    contact: Option<Contact>,
    /// When the last octets arrived, or the link came up.
    active_at: Instant,
    /// Microseconds of the latest contact's start: no two contacts of a link have the same.
    last_start: i64,
    octets: u64,
}

struct Contact {
    downlink: Downlink,
    /// What it is decoded with.
    loaded: Arc<Loaded>,
    contents: Contents,
    span: tracing::Span,
    peer: String,
    octets: u64,
    octets_used: u64,
    /// Since when decoded records wait in an open block.
    open_since: Option<Instant>,
}

impl Contact {
    /// Goes on with another version of the mission: packets that are complete were decoded with
    /// the one before. If that changes how frames and packets are read, it waits for the next
    /// contact, so that no packet is read half the one way and half the other.
    fn adopt(&mut self, loaded: Arc<Loaded>) -> Result<(), StationError> {
        if loaded.reads_alike(&self.loaded) {
            self.downlink.flush();
            self.contents.drain(&mut self.downlink)?;
            let version = &loaded.mission.version;
            self.contents.adopt(loaded.layouts.clone(), version);
            tracing::info!(%version, "packets from here on are decoded with another mission version");
            let message = format!(
                "mission version {version} takes the place of {} at a packet boundary",
                self.loaded.mission.version
            );
            let event = Event::of_operation("mission_change", now(), "info", message);
            self.contents.publisher.event(&event)?;
        } else {
            tracing::warn!(
                version = %loaded.mission.version,
                "the downlink's parameters changed: they hold from the next contact on"
            );
        }
        self.loaded = loaded;
        Ok(())
    }
}

impl Receiver {
    pub(crate) fn new(context: Arc<Context>, config: LinkConfig, status: Arc<LinkStatus>) -> Self {
        Self {
            context,
            config,
            status,
            contact: None,
            active_at: Instant::now(),
            last_start: i64::MIN,
            octets: 0,
        }
    }

    /// How long a link may wait for octets before it asks [`Receiver::handle_time`].
    pub(crate) fn patience(&self) -> Duration {
        (self.config.block_age / 2).clamp(Duration::from_millis(5), Duration::from_millis(100))
    }

    /// Octets received on this link.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    /// Where this link's contacts are published.
    fn bus(&self) -> &Bus {
        let context = &self.context;
        match self.config.kind {
            LinkKind::Udp { .. } => context.spool.as_ref().unwrap_or(&context.bus),
            _ => &context.bus,
        }
    }

    /// A peer is there, from which octets may come.
    pub(crate) fn handle_up(&mut self) {
        self.active_at = Instant::now();
    }

    /// Takes octets that arrived at `received`; they begin a contact if there is none.
    pub(crate) fn handle_octets(
        &mut self,
        octets: &[u8],
        received: i64,
        peer: &str,
    ) -> Result<(), StationError> {
        let now = Instant::now();
        self.active_at = now;
        self.octets += octets.len() as u64;
        if self.contact.is_none() {
            self.contact = Some(self.begin(peer)?);
        }
        let Some(contact) = &mut self.contact else {
            return Ok(());
        };
        let span = contact.span.clone();
        let _in_contact = span.enter();
        if self.context.missions.has_changed(&contact.loaded) {
            contact.adopt(self.context.missions.get())?;
        }
        contact.downlink.set_received(received);
        contact.contents.publisher.received = received;
        contact.downlink.handle_bytes(octets);
        contact.open_since.get_or_insert(now);
        contact.octets += octets.len() as u64;
        let used = contact.downlink.statistics().octets_used;
        let new = used.saturating_sub(contact.octets_used);
        contact.octets_used = used;
        self.status.counters.received(octets.len() as u64, new);
        let drained = contact.contents.drain(&mut contact.downlink);
        // While the bus held this thread back, nothing was read: that is no silence of the link.
        self.active_at = Instant::now();
        drained
    }

    /// The octets given since the last boundary were a datagram.
    pub(crate) fn handle_boundary(&mut self) {
        if let Some(contact) = &mut self.contact {
            contact.downlink.handle_boundary();
        }
    }

    /// Publishes what has waited long enough; true when the link has been silent for too long.
    pub(crate) fn handle_time(&mut self) -> Result<bool, StationError> {
        if let Some(contact) = &mut self.contact
            && contact
                .open_since
                .is_some_and(|since| since.elapsed() >= self.config.block_age)
        {
            let _in_contact = contact.span.enter();
            contact.open_since = None;
            contact.downlink.flush();
            let waited = Instant::now();
            contact.contents.drain(&mut contact.downlink)?;
            self.active_at += waited.elapsed();
        }
        Ok(self.active_at.elapsed() >= self.config.idle_timeout)
    }

    /// Ends the contact, if there is one.
    pub(crate) fn end(&mut self, why: &str) -> Result<(), StationError> {
        let Some(mut contact) = self.contact.take() else {
            return Ok(());
        };
        let _in_contact = contact.span.enter();
        self.status.counters.contact(false);
        contact.downlink.handle_end();
        let used = contact.downlink.statistics().octets_used;
        let new = used.saturating_sub(contact.octets_used);
        self.status.counters.received(0, new);
        contact.contents.drain(&mut contact.downlink)?;
        let counts = &contact.contents.publisher.counts;
        let (frames, packets, rows) = (counts.frames, counts.packets, counts.rows);
        let message = format!(
            "contact with {} on link {} ended: {why}; {} octets, {} of them used, {frames} frames, {packets} packets, {rows} rows",
            contact.peer, self.config.name, contact.octets, used
        );
        let event = Event::of_operation("contact_end", now(), "info", message);
        contact.contents.publisher.event(&event)?;
        let publisher = &mut contact.contents.publisher;
        self.context
            .stop
            .persist(Topic::TmEvents, || publisher.complete())?;
        tracing::info!(
            why,
            octets = contact.octets,
            used,
            frames,
            packets,
            rows,
            "contact ended"
        );
        Ok(())
    }

    fn begin(&mut self, peer: &str) -> Result<Contact, StationError> {
        let identity = self.identity()?;
        self.last_start = identity.0;
        let context = &self.context;
        let loaded = context.missions.get();
        let mission = &loaded.mission;
        let span = tracing::info_span!(
            "contact",
            station = %context.station,
            link = %self.config.name,
            contact = %identity.1,
            spacecraft = %mission.default_spacecraft(),
        );
        let publisher = Publisher::new(
            self.bus(),
            &context.station,
            &identity.1,
            &mission.version,
            mission.default_spacecraft(),
        )
        .persisting(&context.stop);
        let mut contents = Contents::new(publisher, loaded.layouts.clone());
        let _in_contact = span.enter();
        tracing::info!(peer, carries = %self.config.level, "contact begun");
        let message = format!("contact with {peer} on link {} begun", self.config.name);
        let event = Event::of_operation("contact_begin", now(), "info", message);
        contents.publisher.event(&event)?;
        self.status.counters.contact(true);
        drop(_in_contact);
        Ok(Contact {
            downlink: Downlink::new(mission, self.config.level)?,
            loaded,
            contents,
            span,
            peer: peer.to_owned(),
            octets: 0,
            octets_used: 0,
            open_since: None,
        })
    }

    /// Start and identity of a new contact: station, link and time. The bus would take the blocks
    /// of a contact that it knows for repetitions, so one that it knows already (the clock was set
    /// back) gets the next free microsecond.
    fn identity(&self) -> Result<(i64, String), StationError> {
        let context = &self.context;
        let mut start = now().max(self.last_start.saturating_add(1));
        loop {
            let time = compact(start);
            let identity = format!("{}-{}-{time}", context.station, self.config.name);
            let stop = &context.stop;
            let known = stop.persist(Topic::TmEvents, || self.bus().contact(&identity))?;
            if known.is_none() {
                return Ok((start, identity));
            }
            start = start.saturating_add(1);
        }
    }
}

/// `20261121T170227.922630Z`: a time as part of a name.
fn compact(time: i64) -> String {
    format_time(time).replace(['-', ':'], "")
}

/// Microseconds since 1970-01-01 UTC by this machine's clock.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| i64::try_from(time.as_micros()).ok())
        .unwrap_or_default()
}
