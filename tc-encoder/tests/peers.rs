//! The Python package `spacepackets` reads our telecommands as we mean them, and we read its
//! telecommands and verification reports.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use space_link::packet::{Apid, SpacePacket};
use space_link::pus::{
    AckFlags, Outcome, PusTcHeader, PusTcLayout, PusTelecommand, PusTelemetry, PusTmLayout, Stage,
    VerificationLayout, VerificationReport,
};
use tc_encoder::packet::PacketCounts;

const PACKETS: usize = 500;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hexadecimal text");
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// What spacepackets makes of each packet.
fn spacepackets(packets: &[Vec<u8>]) -> Option<Vec<Value>> {
    let python = tests::python()?;
    let script = tests::workspace().join("tests/peers/parse_telecommands.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = child.stdin.take().expect("a pipe");
    let lines: String = packets
        .iter()
        .map(|packet| format!("{}\n", json!({ "packet": hex(packet) })))
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("a thread").expect("python reads");
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect(),
    )
}

#[test]
fn spacepackets_reads_our_telecommands_and_we_read_its() {
    let mut counts = PacketCounts::default();
    let mut sent = Vec::new();
    let mut packets = Vec::new();
    let mut state = 1_u64;
    let mut random = || {
        // Knuth's MMIX generator; any numbers will do.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    for _ in 0..PACKETS {
        let apid = Apid::new(random() as u16 % 2047).expect("an apid");
        let header = PusTcHeader {
            ack: AckFlags::from_bits(random() as u8),
            service: random() as u8,
            message: random() as u8,
            source_id: random() & 0xFFFF,
        };
        let data: Vec<u8> = (0..random() % 60).map(|_| random() as u8).collect();
        counts
            .set_next(apid, random() as u16 & 0x3FFF)
            .expect("a count");
        let mut packet = Vec::new();
        let request = counts
            .encode_telecommand(apid, &PusTcLayout::PUS_C, &header, &data, &mut packet)
            .expect("a packet");
        packets.push(packet);
        sent.push((request, header, data));
    }
    let Some(theirs) = spacepackets(&packets) else {
        return;
    };
    assert_eq!(theirs.len(), PACKETS);
    for ((packet, (request, header, data)), read) in packets.iter().zip(&sent).zip(&theirs) {
        let number = |key: &str| {
            read[key]
                .as_u64()
                .unwrap_or_else(|| panic!("{key} in {read}"))
        };
        assert_eq!(number("apid"), u64::from(request.apid().get()));
        assert_eq!(number("count"), u64::from(request.sequence_count()));
        assert_eq!(number("service"), u64::from(header.service));
        assert_eq!(number("message"), u64::from(header.message));
        assert_eq!(number("source"), header.source_id);
        assert_eq!(number("ack"), u64::from(header.ack.bits()));
        assert_eq!(octets(&read["data"]), *data);
        let again = octets(&read["again"]);
        assert_eq!(again, *packet, "the same packet");
        let again = SpacePacket::new_checked(&again).expect("a packet");
        let again = PusTelecommand::new_checked(again, &PusTcLayout::PUS_C).expect("checked");
        assert_eq!(again.header(), header);
        let report = octets(&read["report"]);
        let report = SpacePacket::new_checked(&report).expect("a packet");
        let report = PusTelemetry::new_checked(report, &PusTmLayout::pus_c(7)).expect("checked");
        let report = VerificationReport::parse(&report, &VerificationLayout::default());
        let report = report.expect("a report");
        assert_eq!(report.request, *request);
        assert_eq!(
            (report.stage, report.outcome),
            (Stage::Completion, Outcome::Success)
        );
    }
}
