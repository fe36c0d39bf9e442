//! Commands of hand-written documents, one feature at a time; the octets are worked out by hand, or
//! from outside.

use std::collections::HashMap;

use schemas::command::{
    CheckOutcome, CommandDatabase, CommandError, CompiledCommand, DecodeError, Freshness, Sample,
    Value, VerifierState, VerifierTarget, finish_packet,
};
use schemas::layout::compile;
use schemas::xtce::model::{ConsequenceLevel, MissionDatabase, Stage};

const COMMANDS: &str = include_str!("../../tests/vectors/xtce/commands.xml");
const TELECOMMANDS: &str = include_str!("../../tests/vectors/xtce/telecommands.xml");
const VECTORS: &str = include_str!("../../tests/vectors/pus_telecommands.json");

fn load(text: &str) -> CommandDatabase {
    let database = MissionDatabase::from_documents(&[("test.xml", text)]).expect("it loads");
    CommandDatabase::compile(&database, &compile(&database).expect("it compiles"))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(octet).collect()
}

fn encode(command: &CompiledCommand, given: &[(&str, &str)]) -> Vec<u8> {
    let arguments = command
        .parse(given.iter().copied())
        .unwrap_or_else(|error| panic!("{error}"));
    let mut packet = Vec::new();
    command.encode(&arguments, &mut packet).unwrap();
    let decoded = command
        .decode(&packet)
        .unwrap_or_else(|error| panic!("{error}"));
    let mut again = Vec::new();
    command.encode(&decoded, &mut again).unwrap();
    assert_eq!(again, packet);
    packet
}

fn refusal(command: &CompiledCommand, given: &[(&str, &str)]) -> CommandError {
    command
        .parse(given.iter().copied())
        .expect_err("must be refused")
}

const NUMBERS: [(&str, &str); 8] = [
    ("offset", "-60 mm"),
    ("little", "0x1234"),
    ("packed", "1234"),
    ("power", "260 W"),
    ("raw_ranged", "30"),
    ("curve", "50"),
    ("half", "1.5"),
    ("direction", "south"),
];

#[test]
fn numbers_of_every_encoding_lie_where_the_document_says() {
    let commands = load(COMMANDS);
    let numbers = commands.find("numbers").unwrap();
    let packet = encode(numbers, &NUMBERS);
    // code, -60, little endian, digits, (260 - 10) / 0.5, raw 15, on the spline, binary16, 1|010|A
    assert_eq!(packet, hex("11 FFC4 3412 1234 01F4 0F 32 3E00 AA"));
    let decoded = numbers.decode(&packet).unwrap();
    let value = |name| {
        decoded
            .get(numbers.argument_index(name).unwrap())
            .unwrap()
            .clone()
    };
    assert_eq!(value("offset"), Value::Integer(-60));
    assert_eq!(value("power"), Value::Float(260.0));
    assert_eq!(value("switch"), Value::Boolean(true));
    assert_eq!(value("direction"), Value::Text("south".to_owned()));
    assert_eq!(value("code"), Value::Integer(0x11));
}

#[test]
fn texts_octets_times_and_composites_lie_where_the_document_says() {
    let commands = load(COMMANDS);
    let texts = commands.find("/C/texts").unwrap();
    let given = [
        ("boxed", "ab"),
        ("ended", "hey"),
        ("counted", "é"),
        ("size", "3"),
        ("blob", "a1b2c3"),
        ("at", "2020-01-01T00:00:00Z"),
        ("wait", "1.5 s"),
        ("points", r#"[{"x": 1, "y": -50}, [2, 1000]]"#),
    ];
    let expected = "12 61620000 6865790A 02 00E9 03 A1B2C3 4B36A392 05DC 01 FFCE 02 03E8";
    // GPS seconds: 1577836800 - 315964800 and 18 leap seconds.
    assert_eq!(1_577_836_800 - 315_964_800 + 18, 0x4B36_A392);
    let packet = encode(texts, &given);
    assert_eq!(packet, hex(expected));
    let json = serde_json::json!({
        "boxed": "ab", "ended": "hey", "counted": "é", "size": 3, "blob": "0xA1B2C3",
        "at": "2020-01-01T00:00:00Z", "wait": 1.5, "points": [[1, -50], {"x": 2, "y": 1000}],
    });
    let arguments = texts.parse_json(json.as_object().unwrap()).unwrap();
    let mut again = Vec::new();
    texts.encode(&arguments, &mut again).unwrap();
    assert_eq!(again, packet);

    let with =
        |name, value| given.map(|(known, old)| (known, if known == name { value } else { old }));
    for (name, value, expected) in [
        (
            "boxed",
            "abcde",
            "`boxed` is abcde, which its field cannot hold: it has 5 octets, the field holds 4",
        ),
        (
            "ended",
            "",
            "out of range; it takes a text, 1 to 6 characters",
        ),
        ("ended", "a\nb", "it holds the terminator"),
        ("ended", "é", "Ascii has no character 'é'"),
        ("counted", "abcd", "it has 8 octets, the field holds 8"),
        ("blob", "a1b2", "it has 2 octets where 24 bits belong"),
        (
            "blob",
            "xyz",
            "`blob` is `xyz`; it takes octets in hexadecimal",
        ),
        ("at", "yesterday", "it takes a UTC time such as"),
        (
            "wait",
            "66",
            "which its field cannot hold: it holds 0 to 65.535",
        ),
        ("points", "[[1, -50]]", "it has 1 elements where 2 belong"),
        (
            "points",
            "[[1, -50], [2, 0]]",
            "`points[1].y` is 0, out of range; it takes an integer, -100 to -50, or above 0 to 1000 mm",
        ),
        ("size", "4", "it has 3 octets where 32 bits belong"),
    ] {
        if (name, value) == ("counted", "abcd") {
            // 8 octets and their prefix are the most there may be.
            assert!(texts.parse(with(name, value)).is_ok());
            continue;
        }
        let error = refusal(texts, &with(name, value)).to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
        assert!(error.starts_with("/C/texts: "), "{error}");
    }
}

#[test]
fn entries_move_with_places_and_conditions() {
    let commands = load(COMMANDS);
    let places = commands.find("places").unwrap();
    let south = encode(
        places,
        &[("way", "south"), ("counter", "9"), ("last", "12")],
    );
    assert_eq!(south, hex("13 02 07 09 C0"));
    let north = encode(
        places,
        &[("way", "north"), ("counter", "9"), ("last", "12")],
    );
    assert_eq!(north, hex("13 01 09 C0"));
    assert_eq!(
        refusal(places, &[("way", "south"), ("last", "1")]).to_string(),
        "/C/places needs `counter`: an integer, 0 to 255"
    );
    // A header shared with telemetry, its values from restrictions; one parameter is left to give.
    let telemetry = commands.find("of_telemetry").unwrap();
    assert_eq!(
        encode(telemetry, &[("charge", "50 %")]),
        hex("09 01 64 03 BEEF")
    );
}

#[test]
fn wrong_arguments_say_command_argument_value_and_what_is_allowed() {
    let commands = load(COMMANDS);
    let numbers = commands.find("numbers").unwrap();
    let with = |name: &'static str, value: &'static str| {
        let mut given: Vec<_> = NUMBERS
            .into_iter()
            .filter(|(known, _)| *known != name)
            .collect();
        given.push((name, value));
        refusal(numbers, &given).to_string()
    };
    for (name, value, expected) in [
        (
            "offset",
            "0",
            "/C/numbers: `offset` is 0, out of range; it takes an integer, -100 to -50, or above 0 to 1000 mm",
        ),
        ("offset", "1001", "out of range"),
        (
            "offset",
            "1.5",
            "/C/numbers: `offset` is `1.5`; it takes an integer, -100 to -50",
        ),
        ("offset", "60 km", "is `60 km`; it takes"),
        (
            "little",
            "65536",
            "/C/numbers: `little` is 65536, which its field cannot hold: it holds 0 to 65535",
        ),
        ("packed", "10000", "it holds 0 to 9999"),
        (
            "power",
            "5",
            "`power` is 5, out of range; it takes a number, 10 to 1000 W",
        ),
        ("power", "NaN", "`power` is `NaN`; it takes a number"),
        (
            "raw_ranged",
            "50",
            "out of range; it takes a number, 10 to 20 (raw value)",
        ),
        ("curve", "101", "it holds -50 to 100 degC"),
        ("half", "1e9", "it is too large for 16 bits"),
        (
            "direction",
            "nort",
            "/C/numbers: `direction` has no label `nort` (do you mean `north`?); it takes a label, north, south, elsewhere",
        ),
        ("switch", "maybe", "`switch` has no label `maybe`"),
        (
            "dirction",
            "north",
            "/C/numbers has no argument `dirction` (do you mean `direction`?); its arguments are: offset, little",
        ),
        (
            "code",
            "1",
            "/C/numbers: `code` cannot be given, the mission database says 17",
        ),
    ] {
        let error = with(name, value);
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    let mut twice = NUMBERS.to_vec();
    twice.push(NUMBERS[0]);
    assert_eq!(
        refusal(numbers, &twice).to_string(),
        "/C/numbers: `offset` is given twice"
    );
    assert_eq!(
        refusal(numbers, &NUMBERS[1..]).to_string(),
        "/C/numbers needs `offset`: an integer, -100 to -50, or above 0 to 1000 mm"
    );
    assert_eq!(
        commands.find("nmubers").unwrap_err().to_string(),
        "there is no command `nmubers` (do you mean `numbers`?)"
    );
    let typed = numbers
        .bind([("offset", Value::Text("far".to_owned()))])
        .unwrap_err();
    assert!(matches!(typed, CommandError::WrongType { .. }), "{typed}");
    // A failure leaves the buffer as it was.
    let mut buffer = vec![1, 2, 3];
    let mut arguments = numbers.parse(NUMBERS).unwrap();
    assert!(arguments.set(
        numbers.argument_index("half").unwrap(),
        Value::Float(f64::INFINITY)
    ));
    assert!(numbers.encode(&arguments, &mut buffer).is_err());
    assert_eq!(buffer, [1, 2, 3]);
}

#[test]
fn other_packets_are_told_apart() {
    let commands = load(COMMANDS);
    let numbers = commands.find("numbers").unwrap();
    let packet = encode(numbers, &NUMBERS);
    let (found, _) = commands.identify(&packet).unwrap();
    assert_eq!(found.name, "numbers");
    let mut other = packet.clone();
    other[0] = 0x12;
    assert_eq!(
        numbers.decode(&other).unwrap_err(),
        DecodeError::Another {
            command: "/C/numbers".to_owned(),
            field: "code".to_owned()
        }
    );
    let mut tail = packet.clone();
    *tail.last_mut().unwrap() = 0xA0;
    let error = numbers.decode(&tail).unwrap_err();
    assert!(
        matches!(&error, DecodeError::Another { field, .. } if field == "tail"),
        "{error}"
    );
    let mut label = packet.clone();
    *label.last_mut().unwrap() = 0xBA;
    let error = numbers.decode(&label).unwrap_err().to_string();
    assert_eq!(error, "/C/numbers: `direction`: 3 has no label");
    let mut digits = packet.clone();
    digits[5] = 0xF1;
    let error = numbers.decode(&digits).unwrap_err().to_string();
    assert_eq!(error, "/C/numbers: `packed`: digits that are none");
}

#[test]
fn a_dry_run_shows_every_field() {
    let commands = load(COMMANDS);
    let numbers = commands.find("numbers").unwrap();
    let fields = numbers.breakdown(&encode(numbers, &NUMBERS)).unwrap();
    let shown: Vec<_> = fields
        .iter()
        .map(|f| {
            (
                f.name.as_str(),
                f.bit_offset,
                f.bit_length,
                f.raw_text(),
                f.value.as_str(),
            )
        })
        .collect();
    assert_eq!(shown[0], ("code", 0, 8, "11".to_owned(), "17"));
    assert_eq!(shown[4], ("power", 56, 16, "01f4".to_owned(), "260"));
    assert_eq!(shown[8], ("switch", 104, 1, "1".to_owned(), "true"));
    assert_eq!(shown[9], ("direction", 105, 3, "010".to_owned(), "south"));
    assert_eq!(shown[10], ("tail", 108, 4, "1010".to_owned(), "0x0a"));
    assert_eq!(fields[4].units.as_deref(), Some("W"));
    let described = numbers.describe();
    assert_eq!(described.significance, "critical");
    let power = described
        .arguments
        .iter()
        .find(|a| a.name == "power")
        .unwrap();
    assert_eq!(
        (power.takes.as_str(), power.required),
        ("a number, 10 to 1000 W", true)
    );
    let switch = described
        .arguments
        .iter()
        .find(|a| a.name == "switch")
        .unwrap();
    assert_eq!(
        (switch.default.as_deref(), switch.required),
        (Some("true"), false)
    );
    assert_eq!(described.constraints, ["/C/mode = nominal"]);
    assert_eq!(
        described.verifiers[0].window.as_deref(),
        Some("0 to 10000 ms after release")
    );
}

#[test]
fn what_cannot_be_sent_is_named_with_its_place() {
    let commands = load(COMMANDS);
    let names: Vec<_> = commands.commands.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["numbers", "texts", "places", "of_telemetry"]);
    let says = |name: &str, line: u32, what: &str| {
        let found = commands.issues.iter().any(|issue| {
            issue.command == format!("/C/{name}")
                && issue.place == ("test.xml".to_owned(), line, 4)
                && issue.what.contains(what)
        });
        assert!(found, "{name}: {what}: {:#?}", commands.issues);
    };
    says("bent_calibrator", 184, "cannot be inverted");
    says("without_size", 188, "its type `sizeless` says no size");
    says("overlapping", 192, "its entries `one` and `two` overlap");
    says("misassigned", 198, "it assigns `cod`, which is no argument");
    says("too_large", 201, "256 cannot be encoded as `code`");
    says("numbers", 105, "`/C/phase` is in no packet");
    says("numbers", 105, "the argument `spare` is in no entry");
    let database = MissionDatabase::from_documents(&[("test.xml", COMMANDS)]).unwrap();
    let report = database.report();
    assert_eq!(
        (
            report.commands,
            report.abstract_commands,
            report.commands_left_out
        ),
        (9, 1, 3)
    );
    let text = report.to_string();
    for part in [
        "test.xml:206:87: RepeatEntry in a container of a command",
        "test.xml:210:57: a CustomAlgorithm as a condition is not run; `/C/unsafe` is left out",
        "test.xml:212:4: BlockMetaCommand",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

/// Telemetry by hand: qualified name, value, time.
fn telemetry(values: &[(&str, Value, i64)]) -> impl Fn(&str) -> Option<Sample> + use<> {
    let values: HashMap<String, Sample> = values
        .iter()
        .map(|(name, value, time)| {
            let sample = Sample {
                value: value.clone(),
                raw: None,
                time: *time,
            };
            ((*name).to_owned(), sample)
        })
        .collect();
    move |name: &str| values.get(name).cloned()
}

fn label(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn constraints_fail_closed_on_missing_and_stale_telemetry() {
    let commands = load(COMMANDS);
    let numbers = commands.find("numbers").unwrap();
    let arguments = numbers.parse(NUMBERS).unwrap();
    let constraint = &numbers.constraints[0];
    let parameters = constraint.check.parameters();
    assert_eq!(parameters.len(), 1);
    assert_eq!(parameters[0].0, "/C/mode");
    assert_eq!(parameters[0].1, [("status".to_owned(), "mode".to_owned())]);
    let now = 1_000_000_000;
    let fresh = Freshness::recent(now, 60_000_000, 1_000_000);
    let outcome = |value: &str, time: i64| {
        let telemetry = telemetry(&[("/C/mode", label(value), time)]);
        constraint.check.evaluate(&telemetry, &arguments, fresh)
    };
    assert_eq!(outcome("nominal", now - 60_000_000), CheckOutcome::Holds);
    let fails = CheckOutcome::Fails("/C/mode is safe, not = nominal".to_owned());
    assert_eq!(outcome("safe", now), fails);
    for time in [now - 60_000_001, now + 1_000_001, i64::MIN, i64::MAX] {
        assert!(
            matches!(outcome("nominal", time), CheckOutcome::Unknown(_)),
            "{time}"
        );
    }
    let nothing = constraint
        .check
        .evaluate(&telemetry(&[]), &arguments, fresh);
    assert_eq!(
        nothing,
        CheckOutcome::Unknown("no value of /C/mode".to_owned())
    );
}

#[test]
fn a_context_that_cannot_be_told_does_not_make_a_command_harmless() {
    let commands = load(COMMANDS);
    let numbers = commands.find("numbers").unwrap();
    let arguments = numbers.parse(NUMBERS).unwrap();
    let fresh = Freshness { from: 0, to: 10 };
    let level = |values: &[(&str, Value, i64)]| {
        numbers
            .significance_in(&telemetry(values), &arguments, fresh)
            .level
    };
    let (safe, nominal) = (label("safe"), label("nominal"));
    let both = |phase: &Value, mode: &Value, time| {
        level(&[
            ("/C/phase", phase.clone(), 5),
            ("/C/mode", mode.clone(), time),
        ])
    };
    assert_eq!(both(&safe, &nominal, 5), ConsequenceLevel::Severe);
    assert_eq!(both(&nominal, &safe, 5), ConsequenceLevel::None);
    assert_eq!(both(&nominal, &nominal, 5), ConsequenceLevel::Critical);
    assert_eq!(both(&nominal, &safe, 11), ConsequenceLevel::Critical);
    // The phase is not known: severe, whatever the other context says.
    assert_eq!(level(&[("/C/mode", safe, 5)]), ConsequenceLevel::Severe);
    assert_eq!(level(&[]), ConsequenceLevel::Severe);
}

#[test]
fn verifiers_count_only_what_comes_inside_their_window() {
    let commands = load(COMMANDS);
    let numbers = commands.find("numbers").unwrap();
    let stages: Vec<_> = numbers
        .verifiers
        .iter()
        .map(|verifier| verifier.stage)
        .collect();
    assert_eq!(stages, [Stage::Accepted, Stage::Complete]);
    let arguments = numbers.parse(NUMBERS).unwrap();
    let none = telemetry(&[]);
    let [accepted, complete] = numbers.verifiers.as_slice() else {
        panic!("two verifiers")
    };

    let VerifierTarget::Packet {
        tables, request, ..
    } = &accepted.target
    else {
        panic!()
    };
    assert_eq!(
        (tables.as_slice(), request.is_some()),
        (&["report".to_owned()][..], true)
    );
    assert!(accepted.is_report("report", Some((200, 7)), (200, 7)));
    assert!(!accepted.is_report("report", Some((200, 8)), (200, 7)));
    assert!(!accepted.is_report("report", None, (200, 7)));
    assert!(!accepted.is_report("status", Some((200, 7)), (200, 7)));
    let window = accepted.window_at(1_000, 0);
    assert_eq!(
        window,
        Freshness {
            from: 1_000,
            to: 10_001_000
        }
    );
    let state = |seen, now| accepted.evaluate(&none, &arguments, seen, window, now);
    assert_eq!(state(Some(1_000), 5_000), VerifierState::Passed);
    assert!(matches!(state(Some(999), 5_000), VerifierState::Open(_)));
    assert!(matches!(state(None, 10_001_000), VerifierState::Open(_)));
    assert_eq!(state(None, 10_001_001), VerifierState::TimedOut);
    assert_eq!(state(None, 999), VerifierState::NotYet);

    // charge > 40 and (counter = packed or mode = safe), 1 to 5 s after the stage before.
    let window = complete.window_at(0, 2_000_000);
    assert_eq!(
        window,
        Freshness {
            from: 3_000_000,
            to: 7_000_000
        }
    );
    let state = |charge: f64, counter: i128, time: i64| {
        let telemetry = telemetry(&[
            ("/C/charge", Value::Float(charge), time),
            ("/C/counter", Value::Integer(counter), time),
            ("/C/mode", label("nominal"), time),
        ]);
        complete.evaluate(&telemetry, &arguments, None, window, 4_000_000)
    };
    assert_eq!(state(41.0, 1234, 3_000_000), VerifierState::Passed);
    assert!(matches!(
        state(41.0, 1233, 3_000_000),
        VerifierState::Open(_)
    ));
    assert!(matches!(
        state(40.0, 1234, 3_000_000),
        VerifierState::Open(_)
    ));
    // What was true before the command does not verify it.
    assert!(matches!(
        state(41.0, 1234, 2_999_999),
        VerifierState::Open(_)
    ));
    let interlock = numbers.interlock.as_ref().unwrap();
    assert_eq!(
        (interlock.scope.as_deref(), interlock.stage),
        (Some("/C"), Stage::Accepted)
    );
}

#[test]
fn telecommands_are_the_octets_that_others_send() {
    let commands = load(TELECOMMANDS);
    assert_eq!(commands.issues, []);
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    let mut seen = 0;
    for vector in vectors {
        let fields = &vector["fields"];
        let number = |name: &str| fields[name].as_u64().unwrap();
        let apid = number("apid").to_string();
        let mut given = vec![("apid", apid.as_str())];
        let name = match (number("service"), number("subservice")) {
            (17, 1) => "ping",
            (8, 1) => {
                given.extend([("function", "PING0001"), ("n", "1"), ("given", "[[1, 5]]")]);
                "perform_function"
            }
            (20, 1) => {
                given.extend([("n", "2"), ("parameters", "0x0101, 0x0102")]);
                "report_parameters"
            }
            (20, 3) => {
                given.extend([("parameter", "257"), ("value", "9")]);
                "set_parameter"
            }
            (11, 4) => {
                let request = "1842c00900062f110100008cc1";
                given.extend([("n", "1"), ("time", "0x5b3f555e"), ("request", request)]);
                "insert_activities"
            }
            other => panic!("no command for {other:?}"),
        };
        let command = commands.find(name).unwrap();
        assert!(command.has_primary_header);
        let mut packet = encode(command, &given);
        let count = u16::try_from(number("seq_count")).unwrap();
        assert!(finish_packet(&mut packet, 0, count, true));
        let expected = hex(vector["expected_hex"].as_str().unwrap());
        assert_eq!(packet, expected, "{}", vector["name"]);
        // The other way: without the error control, whatever count and length are.
        let (found, arguments) = commands.identify(&expected[..expected.len() - 2]).unwrap();
        assert_eq!(found.name, name);
        let mut again = Vec::new();
        found.encode(&arguments, &mut again).unwrap();
        assert_eq!(again[6..], expected[6..expected.len() - 2]);
        seen += 1;
    }
    assert_eq!(seen, 6);
    let ping = commands.find("ping").unwrap();
    let error = refusal(ping, &[("apid", "1"), ("count", "5")]);
    assert_eq!(
        error.to_string(),
        "/PUS/ping: `count` cannot be given, the link sets it"
    );
}

#[test]
fn packets_that_cannot_be_finished_stay_as_they_are() {
    let mut short = vec![0; 5];
    assert!(!finish_packet(&mut short, 0, 1, true));
    assert_eq!(short, [0; 5]);
    let mut header = vec![0x18, 0, 0xC0, 0, 0, 0];
    assert!(!finish_packet(&mut header, 0, 1, false));
    assert!(finish_packet(&mut header, 0, 0xFFFF, true));
    assert_eq!(header[..6], [0x18, 0, 0xFF, 0xFF, 0, 1]);
    let mut long = vec![0; 65_541];
    assert!(!finish_packet(&mut long, 0, 0, true));
    assert!(finish_packet(&mut long, 0, 0, false));
}
