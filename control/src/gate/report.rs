//! What stations and telemetry say of released commands.

use super::{Gate, GateError};
use crate::command::{CommandId, RequestId, Stage, cut};
use crate::event::{Change, FailedAt, ReportKind, StationReport};
use crate::life::Command;
use crate::settings::micros;

/// How a report names its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportBy {
    /// By the request identifier in it (ECSS-E-ST-70-41C 8.1).
    Request(RequestId),
    /// By its identifier: a condition of telemetry that the caller evaluated for it.
    Command(CommandId),
}

/// What telemetry says of a stage of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryReport {
    /// From which spacecraft.
    pub spacecraft: String,
    /// Of which command.
    pub by: ReportBy,
    /// Which stage. [`Stage::Failure`] is a failure whatever `success` says.
    pub stage: Stage,
    /// When it was reached: microseconds since 1970-01-01 UTC.
    pub at: i64,
    /// Well or not.
    pub success: bool,
    /// The spacecraft's failure code.
    pub code: Option<u64>,
    /// In words.
    pub text: String,
}

impl Gate {
    /// A station says what became of a release. `Ok(false)`: that was known.
    ///
    /// # Errors
    /// [`GateError::UnknownRelease`] and those of an unknown command: nothing has changed then.
    pub fn handle_station_report(
        &mut self,
        report: &StationReport,
        now: i64,
    ) -> Result<bool, GateError> {
        let (spacecraft, id) = (&report.spacecraft, &report.command);
        self.check_open(spacecraft)?;
        let command = self.command(spacecraft, id)?;
        if command.release.as_ref().map(|release| release.sequence) != Some(report.release) {
            return Err(GateError::UnknownRelease {
                id: id.clone(),
                spacecraft: spacecraft.clone(),
                release: report.release,
            });
        }
        let at = report.time.min(now);
        let finished = command.status.is_finished();
        let accepted = command.times.accepted.is_some();
        let known = command.times.radiated.is_some() || accepted;
        let seen = command
            .verifiers
            .iter()
            .any(|verifier| verifier.seen.is_some());
        let change = match &report.report {
            ReportKind::Radiated { service } if command.times.radiated.is_none() => {
                Change::Radiated {
                    at,
                    service: *service,
                }
            }
            ReportKind::Accepted {} if !accepted => Change::Accepted { at },
            ReportKind::Refused { reason } if !finished && !known && !seen => Change::Failed {
                stage: FailedAt::Station,
                reason: cut(reason),
            },
            ReportKind::NotAccepted { reason } if !finished && !accepted && !seen => {
                Change::Failed {
                    stage: FailedAt::Clcw,
                    reason: cut(reason),
                }
            }
            _ => return Ok(false),
        };
        let actor = cut(&format!("station:{}", report.station));
        self.emit(spacecraft, Some(id), &actor, change, now)?;
        self.advance(spacecraft, id, now)?;
        Ok(true)
    }

    /// Telemetry says how a stage of a command ended. `Ok(false)`: that was known.
    ///
    /// What comes after a command has failed is written down, and does not make it good again.
    ///
    /// # Errors
    /// [`GateError::UnknownRequest`], [`GateError::TooEarly`] and those of an unknown command:
    /// nothing has changed then.
    pub fn handle_telemetry(
        &mut self,
        report: &TelemetryReport,
        now: i64,
    ) -> Result<bool, GateError> {
        let spacecraft = &report.spacecraft;
        self.check_open(spacecraft)?;
        let id = match &report.by {
            ReportBy::Command(id) => id.clone(),
            ReportBy::Request(request) => (self.state.chain(spacecraft))
                .and_then(|chain| chain.by_request.get(request))
                .cloned()
                .ok_or_else(|| GateError::UnknownRequest {
                    spacecraft: spacecraft.clone(),
                    request: *request,
                })?,
        };
        let command = self.command(spacecraft, &id)?;
        let Some(released) = command.times.released else {
            return Err(GateError::NotNow {
                id,
                status: command.status,
            });
        };
        let success = report.success && report.stage != Stage::Failure;
        let state = (command.verifiers.iter()).find(|v| v.verifier.stage == report.stage);
        if let Some((_, before)) = state.and_then(|state| state.seen)
            && (!before || success)
        {
            return Ok(false);
        }
        let opens = match state.and_then(|state| state.verifier.window) {
            Some(window) if success => {
                window_start(command, report.stage).saturating_add(micros(window.from_ms))
            }
            _ => released.saturating_sub(micros(self.settings.clock_ahead_ms_max)),
        };
        if report.at < opens {
            return Err(GateError::TooEarly {
                stage: report.stage,
                at: report.at,
                from: opens,
            });
        }
        // A good report that came too late does not stand before the timeout that it missed.
        let late = success && closes(command, report.stage).is_some_and(|end| report.at > end);
        if late {
            self.advance(spacecraft, &id, now)?;
        }
        let change = Change::Verified {
            stage: report.stage,
            at: report.at,
            success,
            code: report.code,
            text: cut(&report.text),
        };
        self.emit(spacecraft, Some(&id), "spacecraft", change, now)?;
        self.advance(spacecraft, &id, now)?;
        Ok(true)
    }
}

/// When the window of a stage's verifier starts.
fn window_start(command: &Command, stage: Stage) -> i64 {
    use crate::command::WindowStart;
    let times = &command.times;
    let base = times.radiated.or(times.released).unwrap_or(i64::MAX);
    let state = command.verifiers.iter().find(|v| v.verifier.stage == stage);
    let start = state
        .and_then(|state| state.verifier.window)
        .map(|window| window.start);
    if start != Some(WindowStart::LastVerifier) {
        return base;
    }
    let earlier = command
        .verifiers
        .iter()
        .filter(|v| v.verifier.stage < stage);
    let reached = earlier
        .filter_map(|v| v.seen)
        .filter(|(_, success)| *success);
    reached.map(|(at, _)| at).fold(base, i64::max)
}

/// When the window of a stage's verifier closes; `None`: never, or nobody looks for it.
pub(super) fn closes(command: &Command, stage: Stage) -> Option<i64> {
    let state = command
        .verifiers
        .iter()
        .find(|v| v.verifier.stage == stage)?;
    let window = state.verifier.window?;
    Some(window_start(command, stage).saturating_add(micros(window.to_ms)))
}
