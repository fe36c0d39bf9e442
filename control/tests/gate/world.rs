//! A gate, its log, and a station that radiates what its guard lets through.

use std::collections::BTreeMap;

use control::command::binding;
use control::gate::Waiting;
use control::{
    Answer, Command, CommandId, ConstraintOutcome, Digest, Gate, GateError, GateKey, Mode,
    Prepared, Record, Release, ReleaseCheck, ReleaseGuard, ReportBy, ReportKind, Request, Service,
    Settings, Significance, Stage, StationReport, Status, TelemetryReport, Users, Verifier,
    VerifierWindow, WindowStart,
};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const START: i64 = 1_900_000_000 * SECOND;
pub(crate) const NODE: &str = "node-1";
pub(crate) const OTHER: &str = "node-2";

pub(crate) const USERS: &str = r#"
    [[user]]
    id = "ada"
    roles = ["operator"]
    [[user]]
    id = "bob"
    roles = ["director"]
    [[user]]
    id = "cyd"
    roles = ["director"]
    [[user]]
    id = "ada.director"
    person = "ada"
    roles = ["director"]
    [[user]]
    id = "eve"
    roles = []
    [[user]]
    id = "stack"
    roles = ["planner"]
    [[role]]
    name = "operator"
    [[role.allow]]
    spacecraft = ["node-*"]
    commands = ["/OC/*"]
    verbs = ["request", "approve", "arm", "release"]
    [[role]]
    name = "director"
    [[role.allow]]
    spacecraft = ["*"]
    commands = ["*"]
    verbs = ["request", "approve", "arm", "release", "administer"]
    [[role]]
    name = "planner"
    [[role.allow]]
    spacecraft = ["*"]
    commands = ["/OC/Cap"]
    verbs = ["request"]
"#;

pub(crate) fn key() -> GateKey {
    GateKey::new(&[42; 32])
}

pub(crate) fn id(text: &str) -> CommandId {
    CommandId::new(text).unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings {
        spacecraft: (1..=9).map(|n| format!("node-{n}")).collect(),
        queue_max: 8,
        ..Settings::default()
    }
}

/// A packet of a PUS telecommand of APID 42.
pub(crate) fn packet(count: u16) -> Vec<u8> {
    let [high, low] = (0xC000 | count).to_be_bytes();
    vec![0x18, 42, high, low, 0, 4, 0x20, 8, 1, 0, count as u8]
}

pub(crate) fn prepared(count: u16, significance: Significance) -> Prepared {
    let verifier = |stage, to_ms| Verifier {
        stage,
        window: Some(VerifierWindow {
            from_ms: 0,
            to_ms,
            start: WindowStart::LastVerifier,
        }),
    };
    Prepared {
        name: "/OC/Cap".into(),
        packet: packet(count),
        significance,
        constraints: Vec::new(),
        verifiers: vec![
            verifier(Stage::Acceptance, 60_000),
            verifier(Stage::Completion, 120_000),
        ],
        interlock: None,
    }
}

pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) now: i64,
    pub(crate) guards: BTreeMap<String, ReleaseGuard>,
    pub(crate) radiated: Vec<Release>,
    pub(crate) count: u16,
}

pub(crate) fn hold(now: i64) -> impl FnMut(&Command) -> ReleaseCheck {
    move |command| ReleaseCheck {
        constraints: ConstraintOutcome::Hold { as_of: Some(now) },
        significance: command.significance().unwrap_or_default(),
    }
}

pub(crate) fn open(log: &[Vec<u8>], mode: Mode, settings: Settings, now: i64) -> Gate {
    let records = log.iter().map(|octets| Record::parse(octets).unwrap());
    Gate::open(settings, Users::parse(USERS).unwrap(), mode, records, now).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(settings(), Mode::Operational(Box::new(key())))
    }

    pub(crate) fn with(settings: Settings, mode: Mode) -> Self {
        Self {
            gate: open(&[], mode, settings, START),
            log: Vec::new(),
            now: START,
            guards: BTreeMap::new(),
            radiated: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn request(&self, name: &str, spacecraft: &str, user: &str) -> Request {
        Request {
            id: id(name),
            spacecraft: spacecraft.into(),
            user: user.into(),
            time: self.now,
            command: "Cap".into(),
            arguments: serde_json::json!({"power_w": 350.5})
                .as_object()
                .unwrap()
                .clone(),
            not_before: None,
            not_after: None,
            priority: 100,
            comment: String::new(),
        }
    }

    /// A request by ada for node-1.
    pub(crate) fn ask(&mut self, name: &str, level: Significance) -> Result<Answer, GateError> {
        self.count += 1;
        let request = self.request(name, NODE, "ada");
        let prepared = prepared(self.count, level);
        self.gate.handle_request(&request, Ok(prepared), self.now)
    }

    pub(crate) fn binding(&self, name: &str) -> Digest {
        self.get(name).validated.as_ref().unwrap().binding
    }

    pub(crate) fn approve(&mut self, user: &str, name: &str) -> Result<Answer, GateError> {
        let bound = self.binding(name);
        self.gate
            .handle_approve(user, NODE, &id(name), bound, self.now)
    }

    pub(crate) fn get(&self, name: &str) -> &Command {
        self.gate.state().find(&id(name)).unwrap()
    }

    pub(crate) fn status(&self, name: &str) -> Status {
        self.get(name).status
    }

    pub(crate) fn waiting(&self, name: &str) -> Option<Waiting> {
        self.gate.waiting(self.get(name), self.now)
    }

    /// Appends what there is to append.
    pub(crate) fn append(&mut self) {
        while let Some(event) = self.gate.poll_append() {
            let hash = event.hash;
            let record = Record::Event(Box::new(event));
            let octets = record.encode().unwrap();
            assert_eq!(Record::parse(&octets).unwrap(), record);
            self.log.push(octets);
            self.gate.handle_appended(&hash).unwrap();
        }
    }

    /// Time, the log, and the station.
    pub(crate) fn tick(&mut self) {
        let now = self.now;
        self.tick_with(&mut hold(now));
    }

    pub(crate) fn tick_with(&mut self, check: &mut dyn FnMut(&Command) -> ReleaseCheck) {
        self.gate.handle_time(self.now, check).unwrap();
        self.append();
        self.radiate();
    }

    pub(crate) fn radiate(&mut self) {
        while let Some(release) = self.gate.poll_release() {
            self.take(release);
        }
    }

    /// A station is offered a release.
    pub(crate) fn take(&mut self, release: Release) {
        let guard = self.guards.entry(release.spacecraft.clone()).or_default();
        let spacecraft = release.spacecraft.clone();
        if guard
            .take(&key().public(), &release, &spacecraft, self.now)
            .is_ok()
        {
            self.radiated.push(release);
        }
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += seconds * SECOND;
        self.tick();
    }

    pub(crate) fn report_of(&self, name: &str, report: ReportKind) -> StationReport {
        let command = self.get(name);
        StationReport {
            version: 1,
            station: "svalbard".into(),
            spacecraft: command.spacecraft.clone(),
            command: command.id.clone(),
            release: command.release.as_ref().unwrap().sequence,
            time: self.now,
            report,
        }
    }

    pub(crate) fn report(&mut self, name: &str, report: ReportKind) -> bool {
        let report = self.report_of(name, report);
        self.gate.handle_station_report(&report, self.now).unwrap()
    }

    pub(crate) fn sent(&mut self, name: &str) {
        assert!(self.report(
            name,
            ReportKind::Radiated {
                service: Service::Ad
            }
        ));
        assert!(self.report(name, ReportKind::Accepted {}));
    }

    pub(crate) fn seen(
        &mut self,
        name: &str,
        stage: Stage,
        success: bool,
    ) -> Result<bool, GateError> {
        let command = self.get(name);
        let report = TelemetryReport {
            spacecraft: command.spacecraft.clone(),
            by: ReportBy::Request(command.validated.as_ref().unwrap().request_id.unwrap()),
            stage,
            at: self.now,
            success,
            code: (!success).then_some(7),
            text: String::new(),
        };
        self.gate.handle_telemetry(&report, self.now)
    }

    /// Killed, and opened again on what is durable.
    pub(crate) fn restart(&mut self) {
        let settings = self.gate.settings().clone();
        self.gate = open(
            &self.log,
            Mode::Operational(Box::new(key())),
            settings,
            self.now,
        );
    }

    pub(crate) fn bind(&self, name: &str) -> Digest {
        let command = self.get(name);
        let sha256 = command.validated.as_ref().unwrap().packet_sha256;
        binding(
            &command.id,
            NODE,
            sha256,
            command.not_before,
            command.not_after,
        )
    }
}
