//! A spacecraft of 73,800 parameters at 2,000 packets a second (738,000 values a second): what one
//! station with ingest takes of a processor while every parameter is decoded, stored and queryable.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use tests::lake::sql;
use tests::service::Service;

const CONTAINERS: usize = 200;
/// Parameters of a container, 16 bits each.
const PARAMETERS: usize = 369;
const PACKETS_A_SECOND: usize = 2_000;
const SECONDS: usize = 120;
const PACKET_OCTETS: usize = 6 + 8 + 2 * PARAMETERS;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    write_mission(folder.path());
    let config = format!(
        "[station]\nname = \"bench\"\n[mission]\nfolder = {:?}\n[[link]]\nname = \"tcp\"\n\
         kind = \"tcp-listen\"\naddress = \"127.0.0.1:0\"\nlevel = \"packets\"\n\
         block_age_ms = 2000\n[ingest]\nflush_age_ms = 20000\nflush_octets = 268435456\n[data]\nfolder = {data:?}\n\
         [http]\nlisten = \"127.0.0.1:0\"\n",
        folder.path()
    );
    let station = Service::start("station", folder.path(), &config);
    let mut link = TcpStream::connect(station.link("tcp")).expect("the station listens");
    let (started, before) = (Instant::now(), processor_seconds(station.id()));
    let mut peak = 0;
    let mut sent = 0;
    for step in 0..SECONDS * 100 {
        let due = Duration::from_millis(10 * step as u64);
        std::thread::sleep(due.saturating_sub(started.elapsed()));
        let mut octets = Vec::with_capacity(PACKETS_A_SECOND / 100 * PACKET_OCTETS);
        for _ in 0..PACKETS_A_SECOND / 100 {
            octets.extend_from_slice(&packet(sent));
            sent += 1;
        }
        link.write_all(&octets).expect("the station reads");
        peak = peak.max(resident_kib(station.id()));
    }
    let elapsed = started.elapsed().as_secs_f64();
    let used = processor_seconds(station.id()) - before;
    drop(link);
    station.stop();
    println!(
        "{} values/s for {elapsed:.0} s: {:.1} % of one core, resident {} MiB",
        PACKETS_A_SECOND * PARAMETERS,
        100.0 * used / elapsed,
        peak / 1024
    );
    check(&data, sent);
}

/// Every parameter of every packet is there: each column's count, and its sum as sent.
fn check(data: &Path, sent: usize) {
    let started = Instant::now();
    for container in 0..CONTAINERS {
        let mut statement = String::from("SELECT count(*)");
        for parameter in 0..PARAMETERS {
            let _ = write!(statement, ", sum(c{container}_p{parameter})");
        }
        let _ = write!(statement, " FROM c{container}");
        let answer = sql(data, &statement);
        let numbers: Vec<u64> = answer[1]
            .split(',')
            .map(|n| n.parse().expect("a sum"))
            .collect();
        let numbers_sent = (0..sent).filter(|number| number % CONTAINERS == container);
        let rows: Vec<usize> = numbers_sent.collect();
        assert_eq!(numbers[0], rows.len() as u64, "rows of c{container}");
        for (parameter, sum) in numbers[1..].iter().enumerate() {
            let expected: u64 = rows.iter().map(|&n| u64::from(value(n, parameter))).sum();
            assert_eq!(*sum, expected, "c{container}_p{parameter}");
        }
    }
    println!(
        "{} parameters as sent, by SQL in {:.1} s",
        CONTAINERS * PARAMETERS,
        started.elapsed().as_secs_f64()
    );
}

fn value(packet: usize, parameter: usize) -> u16 {
    // Most telemetry moves slowly.
    (packet / 2_000 + parameter * 7 + packet % CONTAINERS) as u16
}

fn packet(number: usize) -> Vec<u8> {
    let apid = (number % CONTAINERS) as u16 + 1;
    let mut packet = Vec::with_capacity(PACKET_OCTETS);
    packet.extend_from_slice(&(0x0800 | apid).to_be_bytes());
    let sequence = (number / CONTAINERS % 16_384) as u16;
    packet.extend_from_slice(&(0xC000 | sequence).to_be_bytes());
    packet.extend_from_slice(&((PACKET_OCTETS - 7) as u16).to_be_bytes());
    // CDS: 2026-01-01, then 2,000 packets a second.
    packet.extend_from_slice(&24_837_u16.to_be_bytes());
    let time_us = number as u64 * 500;
    packet.extend_from_slice(&((time_us / 1_000) as u32).to_be_bytes());
    packet.extend_from_slice(&((time_us % 1_000) as u16).to_be_bytes());
    for parameter in 0..PARAMETERS {
        packet.extend_from_slice(&value(number, parameter).to_be_bytes());
    }
    packet
}

fn write_mission(folder: &Path) {
    let toml = "name = \"wide\"\nxtce = [\"wide.xml\"]\n[downlink]\ninput = \"packets\"\n\
                [[packet_time]]\ncode = \"cds\"\noffset_octets = 6\n";
    std::fs::write(folder.join("mission.toml"), toml).expect("a mission");
    let (mut types, mut parameters, mut containers) = (String::new(), String::new(), String::new());
    for (name, bits) in [
        ("u1", 1),
        ("u2", 2),
        ("u3", 3),
        ("u11", 11),
        ("u14", 14),
        ("u16", 16),
        ("u32", 32),
    ] {
        let _ = writeln!(
            types,
            "<IntegerParameterType name=\"{name}\" signed=\"false\"><IntegerDataEncoding \
             sizeInBits=\"{bits}\" encoding=\"unsigned\"/></IntegerParameterType>"
        );
    }
    let header = [
        ("version", "u3"),
        ("type", "u1"),
        ("sec_hdr", "u1"),
        ("apid_field", "u11"),
        ("seq_flags", "u2"),
        ("seq_count", "u14"),
        ("pkt_len", "u16"),
        ("cds_day", "u16"),
        ("cds_ms", "u32"),
        ("cds_us", "u16"),
    ];
    let mut entries = String::new();
    for (name, kind) in header {
        let _ = writeln!(
            parameters,
            "<Parameter name=\"{name}\" parameterTypeRef=\"{kind}\"/>"
        );
        let _ = writeln!(entries, "<ParameterRefEntry parameterRef=\"{name}\"/>");
    }
    let _ = writeln!(
        containers,
        "<SequenceContainer name=\"packet\" abstract=\"true\"><EntryList>{entries}</EntryList></SequenceContainer>"
    );
    for container in 0..CONTAINERS {
        let mut entries = String::new();
        for parameter in 0..PARAMETERS {
            let name = format!("c{container}_p{parameter}");
            let _ = writeln!(
                parameters,
                "<Parameter name=\"{name}\" parameterTypeRef=\"u16\"/>"
            );
            let _ = writeln!(entries, "<ParameterRefEntry parameterRef=\"{name}\"/>");
        }
        let _ = writeln!(
            containers,
            "<SequenceContainer name=\"c{container}\"><EntryList>{entries}</EntryList>\
             <BaseContainer containerRef=\"packet\"><RestrictionCriteria><Comparison \
             parameterRef=\"apid_field\" value=\"{}\"/></RestrictionCriteria></BaseContainer>\
             </SequenceContainer>",
            container + 1
        );
    }
    let xml = format!(
        "<?xml version=\"1.0\"?>\n<SpaceSystem xmlns=\"http://www.omg.org/spec/XTCE/20180204\" \
         name=\"wide\"><TelemetryMetaData><ParameterTypeSet>{types}</ParameterTypeSet>\
         <ParameterSet>{parameters}</ParameterSet><ContainerSet>{containers}</ContainerSet>\
         </TelemetryMetaData></SpaceSystem>"
    );
    std::fs::write(folder.join("wide.xml"), xml).expect("a mission database");
}

/// Processor time of a process so far, its own and the system's for it.
fn processor_seconds(process: u32) -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let behind_name = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = behind_name.split(' ').collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS_A_SECOND
}

fn resident_kib(process: u32) -> u64 {
    std::fs::read_to_string(format!("/proc/{process}/status"))
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("VmRSS:"))?
                .to_owned();
            line.split_whitespace().nth(1)?.parse().ok()
        })
        .unwrap_or_default()
}
