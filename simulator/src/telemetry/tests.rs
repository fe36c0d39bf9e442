//! Packets against the mission database, through a reader of XTCE that shares nothing with the
//! encoder or with the project's own decoder.

use std::collections::HashMap;

use roxmltree::{Document, Node as Element};

use super::*;
use crate::node::Node;
use crate::packet::{APPLICATIONS, Application, HEADERS_OCTETS, begin, seal};
use crate::sink::{Meaning, PacketWriter};

const XTCE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../schemas/missions/orbital-compute/orbital-compute.xml"
);

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64, f64),
    Label(String),
    Text(String),
}

/// Writes the packet and remembers what each field is worth.
struct Both<'a> {
    writer: PacketWriter<'a>,
    values: Vec<(&'static str, Value)>,
}

impl Sink for Both<'_> {
    fn field(&mut self, name: &'static str, bits: u32, raw: u64, meaning: Meaning<'_>) {
        let value = match meaning {
            Meaning::Number(value, within) => Value::Number(value, within),
            Meaning::Label(label) => Value::Label(label.into()),
        };
        self.values.push((name, value));
        self.writer.field(name, bits, raw, meaning);
    }

    fn characters(&mut self, name: &'static str, octets: &[u8], text: &str) {
        self.values.push((name, Value::Text(text.into())));
        self.writer.characters(name, octets, text);
    }
}

fn sample(fields: impl FnOnce(&mut Both<'_>)) -> (Vec<u8>, Vec<(&'static str, Value)>) {
    let mut packet = Vec::new();
    begin(&mut packet);
    let mut both = Both {
        writer: PacketWriter::new(&mut packet),
        values: Vec::new(),
    };
    fields(&mut both);
    let values = both.values;
    (packet, values)
}

/// The XTCE file, as far as this mission uses the language.
struct Database<'a> {
    types: HashMap<&'a str, Element<'a, 'a>>,
    parameters: HashMap<&'a str, Element<'a, 'a>>,
    containers: Vec<Element<'a, 'a>>,
}

impl<'a> Database<'a> {
    fn new(document: &'a Document<'a>) -> Self {
        let named = |suffix: &'static str| {
            document
                .descendants()
                .filter(move |element| element.tag_name().name().ends_with(suffix))
                .filter_map(|element| Some((element.attribute("name")?, element)))
        };
        Self {
            types: named("ParameterType").collect(),
            parameters: named("Parameter").collect(),
            containers: named("SequenceContainer")
                .map(|(_, element)| element)
                .collect(),
        }
    }

    fn container(&self, apid: u16) -> Element<'a, 'a> {
        let mut found = self.containers.iter().filter(|container| {
            container.descendants().any(|element| {
                element.attribute("parameterRef") == Some("ccsds_apid")
                    && element.attribute("value") == Some(&apid.to_string())
            })
        });
        let container = *found.next().expect("a container for the APID");
        assert!(found.next().is_none(), "APID {apid} has two containers");
        container
    }

    fn entries(&self, container: Element<'a, 'a>) -> Vec<&'a str> {
        child(container, "EntryList")
            .children()
            .filter_map(|entry| entry.attribute("parameterRef"))
            .collect()
    }
}

fn child<'a>(element: Element<'a, 'a>, name: &str) -> Element<'a, 'a> {
    find(element, name).unwrap_or_else(|| panic!("no {name} in {element:?}"))
}

fn find<'a>(element: Element<'a, 'a>, name: &str) -> Option<Element<'a, 'a>> {
    element
        .descendants()
        .find(|one| one.tag_name().name() == name)
}

fn number<T: std::str::FromStr>(element: Element<'_, '_>, attribute: &str) -> T {
    let text = element
        .attribute(attribute)
        .unwrap_or_else(|| panic!("no {attribute}"));
    text.parse()
        .unwrap_or_else(|_| panic!("{attribute} {text}"))
}

struct Bits<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, bits: usize) -> u64 {
        (0..bits).fold(0, |value, _| {
            let bit = self.octets[self.at / 8] >> (7 - self.at % 8) & 1;
            self.at += 1;
            value << 1 | u64::from(bit)
        })
    }
}

fn decode(
    database: &Database<'_>,
    name: &str,
    bits: &mut Bits<'_>,
    before: &HashMap<String, f64>,
) -> Value {
    let parameter = database.parameters[name];
    assert!(
        parameter
            .attribute("shortDescription")
            .is_some_and(|text| text.ends_with('.')),
        "{name}"
    );
    let kind = database.types[parameter.attribute("parameterTypeRef").unwrap()];
    if let Some(encoding) = find(kind, "StringDataEncoding") {
        let octets = if let Some(fixed) = find(encoding, "FixedValue") {
            fixed.text().unwrap().parse::<usize>().unwrap() / 8
        } else {
            let length = child(encoding, "ParameterInstanceRef")
                .attribute("parameterRef")
                .unwrap();
            let slope: f64 = number(child(encoding, "LinearAdjustment"), "slope");
            (before[length] * slope) as usize / 8
        };
        let octets: Vec<u8> = (0..octets).map(|_| bits.take(8) as u8).collect();
        let text = String::from_utf8(octets).unwrap();
        if find(encoding, "TerminationChar").is_some() {
            return Value::Text(text[..text.find('\0').expect("a terminator")].into());
        }
        return Value::Text(text);
    }
    if let Some(encoding) = find(kind, "FloatDataEncoding") {
        assert_eq!(number::<u32>(encoding, "sizeInBits"), 32);
        return Value::Number(f64::from(f32::from_bits(bits.take(32) as u32)), 0.0);
    }
    let encoding = child(kind, "IntegerDataEncoding");
    let size: usize = number(encoding, "sizeInBits");
    let raw = bits.take(size);
    let raw = if encoding.attribute("encoding") == Some("twosComplement") {
        ((raw << (64 - size)) as i64 >> (64 - size)) as f64
    } else {
        raw as f64
    };
    if kind.tag_name().name() == "BooleanParameterType" {
        return Value::Label(if raw != 0.0 { "true" } else { "false" }.into());
    }
    if let Some(list) = find(kind, "EnumerationList") {
        let label = list
            .children()
            .filter(Element::is_element)
            .find(|one| number::<f64>(*one, "value") == raw);
        return Value::Label(label.expect("a label").attribute("label").unwrap().into());
    }
    if let Some(polynomial) = find(encoding, "PolynomialCalibrator") {
        let terms = polynomial.children().filter(Element::is_element);
        return Value::Number(
            terms
                .map(|term| number::<f64>(term, "coefficient") * raw.powi(number(term, "exponent")))
                .sum(),
            0.0,
        );
    }
    if let Some(spline) = find(encoding, "SplineCalibrator") {
        let points: Vec<(f64, f64)> = spline
            .children()
            .filter(Element::is_element)
            .map(|point| (number(point, "raw"), number(point, "calibrated")))
            .collect();
        let pair = points
            .windows(2)
            .find(|pair| raw <= pair[1].0)
            .unwrap_or(&points[points.len() - 2..]);
        let slope = (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0);
        return Value::Number(pair[0].1 + slope * (raw - pair[0].0), 0.0);
    }
    Value::Number(raw, 0.0)
}

fn check(
    database: &Database<'_>,
    application: Application,
    packet: &[u8],
    values: &[(&'static str, Value)],
) {
    let entries = database.entries(database.container(application.apid()));
    assert_eq!(
        entries,
        values.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
    let mut bits = Bits {
        octets: packet,
        at: 8 * HEADERS_OCTETS,
    };
    let mut decoded = HashMap::new();
    for (name, expected) in values {
        let got = decode(database, name, &mut bits, &decoded);
        match (&got, expected) {
            (Value::Number(got, _), Value::Number(expected, within)) => {
                let within = within * (1.0 + 1e-6) + 1e-9;
                assert!(
                    (got - expected).abs() <= within,
                    "{application:?} {name}: {got} for {expected}"
                );
                decoded.insert((*name).to_owned(), *got);
            }
            _ => assert_eq!(&got, expected, "{application:?} {name}"),
        }
    }
    assert_eq!(
        bits.at,
        8 * packet.len(),
        "{application:?}: octets left over"
    );
}

#[test]
fn the_mission_database_decodes_every_field_of_every_packet() {
    let text = std::fs::read_to_string(XTCE).unwrap();
    let document = Document::parse(&text).unwrap();
    let database = Database::new(&document);
    assert_eq!(database.containers.len(), APPLICATIONS.len() + 2);
    let mut events = 0;
    for seed in 0..3 {
        let mut node = Node::new(seed, 81, 1_795_000_000_000_000);
        for second in 0..12_000_u32 {
            node.step();
            for report in node.events.drain(..) {
                let (packet, values) = sample(|to| event(&report, to));
                check(&database, Application::Event, &packet, &values);
                events += 1;
            }
            if second % 97 != 0 {
                continue;
            }
            let run = |application, fields: &dyn Fn(&mut Both<'_>)| {
                let (packet, values) = sample(fields);
                check(&database, application, &packet, &values);
            };
            run(Application::Housekeeping, &|to| housekeeping(&node, to));
            run(Application::Power, &|to| power(&node, to));
            run(Application::RfLink, &|to| {
                rf_link(&node, u64::from(second), to);
            });
            run(Application::Attitude, &|to| attitude(&node, to));
            for index in 0..node.loops.len() {
                run(Application::Thermal, &|to| thermal(&node, index, to));
            }
            for (index, terminal) in node.terminals.iter().enumerate() {
                run(Application::OpticalLink, &|to| {
                    optical_link(terminal, index, to);
                });
            }
            for (index, accelerator) in node.compute.accelerators.iter().enumerate().step_by(7) {
                run(Application::ComputeNode, &|to| {
                    compute_node(accelerator, index, to);
                });
            }
            for job in &node.compute.jobs {
                run(Application::ComputeJob, &|to| {
                    compute_job(&node, job, 1.5e4, to);
                });
            }
        }
    }
    assert!(events > 20, "only {events} events");
}

#[test]
fn headers_lie_as_the_mission_database_says() {
    let text = std::fs::read_to_string(XTCE).unwrap();
    let document = Document::parse(&text).unwrap();
    let database = Database::new(&document);
    let mut packet = Vec::new();
    begin(&mut packet);
    packet.extend([0xEE; 3]);
    // 2024-12-06T16:28:08.182345 UTC is day 24446 of 1958.
    seal(
        &mut packet,
        Application::OpticalLink,
        0x2ABC,
        1_733_502_488_182_345,
    );
    let mut bits = Bits {
        octets: &packet,
        at: 0,
    };
    let mut got = HashMap::new();
    for name in ["CCSDSPacket", "TelemetryPacket"] {
        let container = database
            .containers
            .iter()
            .find(|one| one.attribute("name") == Some(name))
            .unwrap();
        for entry in database.entries(*container) {
            let value = decode(&database, entry, &mut bits, &HashMap::new());
            got.insert(entry, value);
        }
    }
    assert_eq!(bits.at, 8 * HEADERS_OCTETS);
    let expected = [
        ("ccsds_version", 0.0),
        ("ccsds_type", 0.0),
        ("ccsds_secondary_header_flag", 1.0),
        ("ccsds_apid", 105.0),
        ("ccsds_sequence_count", f64::from(0x2ABC)),
        ("ccsds_packet_length", 10.0),
        ("cds_day", 24_446.0),
        ("cds_millisecond", 59_288_182.0),
        ("cds_microsecond", 345.0),
    ];
    for (name, value) in expected {
        assert_eq!(got[name], Value::Number(value, 0.0), "{name}");
    }
    assert_eq!(
        got["ccsds_sequence_flags"],
        Value::Label("unsegmented".into())
    );
}

#[test]
fn sensors_read_back_what_they_measured() {
    for tenth in -250..700 {
        let celsius = f64::from(tenth) / 10.0;
        let counts = thermistor_counts(celsius);
        assert!(
            (248.0..3_423.0).contains(&counts),
            "{celsius} degC: {counts}"
        );
        let counts = radiator_counts(celsius);
        let back = -80.0 + 0.05 * counts - 1.25e-6 * counts * counts;
        assert!((back - celsius).abs() < 1e-9);
    }
    assert!(thermistor_counts(90.0) < 248.0 && thermistor_counts(-40.0) > 3_423.0);
}
