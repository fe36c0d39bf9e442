//! Reports of service 1, request verification: ECSS-E-ST-70-41C 6.1 and 8.1.

use core::fmt;

use super::{PusError, PusTelemetry, check_octets, number, put_number};
use crate::packet::{Apid, PacketHeader, PacketType, SequenceFlags};

/// The service type of verification reports.
pub const SERVICE: u8 = 1;

/// Which telecommand a report is about: the first four octets of its packet (8.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId([u8; RequestId::OCTETS]);

impl RequestId {
    /// Octets of the field.
    pub const OCTETS: usize = 4;

    /// The request of four octets; all are one.
    #[must_use]
    pub const fn from_octets(octets: [u8; Self::OCTETS]) -> Self {
        Self(octets)
    }

    /// The request that a packet is.
    ///
    /// # Errors
    /// [`PusError::Packet`] when the header cannot be written.
    pub fn of(header: &PacketHeader) -> Result<Self, PusError> {
        let [a, b, c, d, ..] = header.encode()?;
        Ok(Self([a, b, c, d]))
    }

    /// The four octets.
    #[must_use]
    pub const fn octets(self) -> [u8; Self::OCTETS] {
        self.0
    }

    fn header(self) -> PacketHeader {
        let [a, b, c, d] = self.0;
        PacketHeader::from_octets(&[a, b, c, d, 0, 0])
    }

    /// Application process that the telecommand was for.
    #[must_use]
    pub fn apid(self) -> Apid {
        self.header().apid
    }

    /// Its sequence count.
    #[must_use]
    pub fn sequence_count(self) -> u16 {
        self.header().sequence_count
    }

    /// Its sequence flags.
    #[must_use]
    pub fn sequence_flags(self) -> SequenceFlags {
        self.header().sequence_flags
    }

    /// Whether the packet was a telecommand, as it must be.
    #[must_use]
    pub fn is_telecommand(self) -> bool {
        self.header().packet_type == PacketType::Telecommand
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "apid={} count={}", self.apid(), self.sequence_count())
    }
}

/// How far a telecommand has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Acceptance: messages 1 and 2.
    Acceptance,
    /// Start of execution: messages 3 and 4.
    Start,
    /// Progress of execution: messages 5 and 6.
    Progress {
        /// Step identifier.
        step: u64,
    },
    /// Completion of execution: messages 7 and 8.
    Completion,
    /// Routing, which is only reported when it failed: message 10.
    Routing,
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<'a> {
    /// Well.
    Success,
    /// Not well.
    Failure {
        /// Failure code, the mission's.
        code: u64,
        /// What follows the code.
        data: &'a [u8],
    },
}

/// What a mission chose of the reports' fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VerificationLayout {
    /// Octets of a step identifier, up to 8.
    pub step_octets: usize,
    /// Octets of a failure code, up to 8.
    pub code_octets: usize,
}

impl Default for VerificationLayout {
    fn default() -> Self {
        Self {
            step_octets: 2,
            code_octets: 2,
        }
    }
}

/// A verification report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VerificationReport<'a> {
    /// The telecommand.
    pub request: RequestId,
    /// How far it came.
    pub stage: Stage,
    /// How that ended.
    pub outcome: Outcome<'a>,
}

impl<'a> VerificationReport<'a> {
    /// Reads the report that a telemetry packet holds.
    ///
    /// # Errors
    /// [`PusError::NotVerification`] for another packet, [`PusError::Truncated`] for too short
    /// ones.
    pub fn parse(packet: &PusTelemetry<'a>, layout: &VerificationLayout) -> Result<Self, PusError> {
        let header = packet.header();
        if header.service != SERVICE {
            return Err(PusError::NotVerification {
                service: header.service,
                message: header.message,
            });
        }
        Self::parse_source_data(header.message, packet.source_data(), layout)
    }

    /// Reads the source data of a packet of service 1 with a message subtype.
    ///
    /// # Errors
    /// As [`VerificationReport::parse`].
    pub fn parse_source_data(
        message: u8,
        source_data: &'a [u8],
        layout: &VerificationLayout,
    ) -> Result<Self, PusError> {
        check_octets("step identifier", 8, layout.step_octets)?;
        check_octets("failure code", 8, layout.code_octets)?;
        let mut reader = Reader(source_data);
        let octets = reader.take(RequestId::OCTETS)?;
        let request = RequestId(octets.try_into().unwrap_or_default());
        let stage = match message {
            1 | 2 => Stage::Acceptance,
            3 | 4 => Stage::Start,
            5 | 6 => Stage::Progress {
                step: number(reader.take(layout.step_octets)?),
            },
            7 | 8 => Stage::Completion,
            10 => Stage::Routing,
            _ => {
                return Err(PusError::NotVerification {
                    service: SERVICE,
                    message,
                });
            }
        };
        let outcome = if message % 2 == 1 {
            Outcome::Success
        } else {
            let code = number(reader.take(layout.code_octets)?);
            Outcome::Failure {
                code,
                data: reader.0,
            }
        };
        Ok(Self {
            request,
            stage,
            outcome,
        })
    }

    /// The message subtype.
    #[must_use]
    pub const fn message(&self) -> u8 {
        let failed = matches!(self.outcome, Outcome::Failure { .. }) as u8;
        match self.stage {
            Stage::Acceptance => 1 + failed,
            Stage::Start => 3 + failed,
            Stage::Progress { .. } => 5 + failed,
            Stage::Completion => 7 + failed,
            Stage::Routing => 10,
        }
    }

    /// Appends the source data to `out`; nothing after an error.
    ///
    /// # Errors
    /// [`PusError::Field`] for a step or code with too many bits; [`PusError::NotVerification`] for
    /// successful routing, which is not reported.
    pub fn encode(&self, layout: &VerificationLayout, out: &mut Vec<u8>) -> Result<(), PusError> {
        check_octets("step identifier", 8, layout.step_octets)?;
        check_octets("failure code", 8, layout.code_octets)?;
        if self.stage == Stage::Routing && self.outcome == Outcome::Success {
            return Err(PusError::NotVerification {
                service: SERVICE,
                message: 9,
            });
        }
        let start = out.len();
        out.extend_from_slice(&self.request.0);
        let put = self.put_step(layout, out).and_then(|()| {
            if let Outcome::Failure { code, data } = self.outcome {
                put_number("failure code", code, layout.code_octets, out)?;
                out.extend_from_slice(data);
            }
            Ok(())
        });
        if put.is_err() {
            out.truncate(start);
        }
        put
    }

    fn put_step(&self, layout: &VerificationLayout, out: &mut Vec<u8>) -> Result<(), PusError> {
        match self.stage {
            Stage::Progress { step } => {
                put_number("step identifier", step, layout.step_octets, out)
            }
            Stage::Acceptance | Stage::Start | Stage::Completion | Stage::Routing => Ok(()),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, octets: usize) -> Result<&'a [u8], PusError> {
        let Some((taken, rest)) = self.0.split_at_checked(octets) else {
            return Err(PusError::Truncated {
                needed: octets,
                got: self.0.len(),
            });
        };
        self.0 = rest;
        Ok(taken)
    }
}
