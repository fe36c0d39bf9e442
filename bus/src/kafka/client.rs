//! What the client library tells: its log, its errors, and what they mean.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{DeliveryResult, ProducerContext};

use crate::embedded::locked;
use crate::error::BusError;

/// Whether the cluster is gone, as all clients of a process know it together, so that it is said
/// once.
pub(crate) struct Outage {
    servers: String,
    down: AtomicBool,
}

impl Outage {
    pub(crate) fn new(servers: &str) -> Self {
        Self {
            servers: servers.to_owned(),
            down: AtomicBool::new(false),
        }
    }

    pub(crate) fn begin(&self, reason: &str) {
        if !self.down.swap(true, Ordering::AcqRel) {
            tracing::warn!(servers = %self.servers, reason, "Kafka is gone; waiting for it");
        }
    }

    /// A broker has answered.
    pub(crate) fn end(&self) {
        if self.down.load(Ordering::Acquire) && self.down.swap(false, Ordering::AcqRel) {
            tracing::info!(servers = %self.servers, "Kafka is back");
        }
    }
}

/// Listens to one client.
pub(crate) struct Context {
    servers: String,
    outage: Arc<Outage>,
    /// The last error that the library reported by itself.
    last: Mutex<Option<(Code, String)>>,
    /// The first record that could not be delivered since it was last asked.
    undelivered: Mutex<Option<KafkaError>>,
}

impl Context {
    pub(crate) fn new(outage: Arc<Outage>) -> Self {
        Self {
            servers: outage.servers.clone(),
            outage,
            last: Mutex::new(None),
            undelivered: Mutex::new(None),
        }
    }

    pub(crate) fn note_down(&self, reason: &str) {
        self.outage.begin(reason);
    }

    pub(crate) fn note_up(&self) {
        self.outage.end();
    }

    /// The library's last words.
    pub(crate) fn last_words(&self) -> String {
        locked(&self.last)
            .as_ref()
            .map_or_else(|| "no answer".to_owned(), |(_, reason)| reason.clone())
    }

    /// Why the brokers will not let this client in, if that is it.
    pub(crate) fn refusal(&self) -> Option<BusError> {
        let last = locked(&self.last);
        let (code, reason) = last.as_ref()?;
        let (servers, reason) = (self.servers.clone(), reason.clone());
        match code {
            Code::Authentication | Code::SaslAuthenticationFailed => {
                Some(BusError::Authentication { servers, reason })
            }
            Code::SSL => Some(BusError::Tls { servers, reason }),
            _ if reason.contains("SSL alert") || reason.contains("tlsv1 alert") => {
                Some(BusError::Tls { servers, reason })
            }
            _ => None,
        }
    }

    /// The first record that could not be delivered since the last call.
    pub(crate) fn take_undelivered(&self) -> Option<KafkaError> {
        locked(&self.undelivered).take()
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What matters comes as an error too, and is said there once.
        tracing::debug!(?level, facility, message, "Kafka client");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "Kafka client");
        if let Some(code) = error.rdkafka_error_code() {
            if code == Code::AllBrokersDown {
                self.note_down(&self.last_words());
                return;
            }
            // The library names its own settings.
            let reason = reason
                .replace(
                    "ssl.ca.location is correctly configured",
                    "authority in [bus.kafka.tls] is right",
                )
                .replace(
                    "broker certificate could not be verified",
                    "the broker's certificate has expired or is not signed by it",
                );
            *locked(&self.last) = Some((code, reason));
        }
    }
}

impl ConsumerContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            locked(&self.undelivered).get_or_insert_with(|| error.clone());
        }
    }
}

/// What an error means to the caller.
pub(crate) fn explain(
    doing: &'static str,
    servers: &str,
    waited_ms: u64,
    error: KafkaError,
) -> BusError {
    let servers = servers.to_owned();
    match error.rdkafka_error_code() {
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed,
        ) => BusError::Authorization {
            doing,
            servers,
            reason: error.to_string(),
        },
        Some(code) if is_transient(code) => BusError::Unreachable {
            doing,
            servers,
            waited_ms,
            reason: error.to_string(),
        },
        _ => BusError::Kafka {
            doing,
            servers,
            source: Box::new(error),
        },
    }
}

/// Errors that pass once brokers are back or have agreed on leaders.
pub(crate) fn is_transient(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::Resolve
            | Code::WaitingForCoordinator
            | Code::WaitCache
            | Code::TimedOutQueue
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::OffsetNotAvailable
            | Code::DestroyBroker
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::UnstableOffsetCommit
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::KafkaStorageError
            | Code::ConcurrentTransactions
    )
}
