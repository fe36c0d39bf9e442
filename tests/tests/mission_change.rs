//! A mission that changes while its station receives.

use std::io::Write;
use std::net::TcpStream;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use tests::lake::sql;
use tests::service::{Service, until};

const HEADER: [(&str, u32); 7] = [
    ("version", 3),
    ("type", 1),
    ("secondary_header", 1),
    ("apid_field", 11),
    ("flags", 2),
    ("count_field", 14),
    ("length_field", 16),
];

/// A mission database with one container, its parameters given by name and type.
fn write_database(folder: &Path, parameters: &[(&str, &str)]) {
    let mut types = String::from(
        "<FloatParameterType name=\"float\"><FloatDataEncoding sizeInBits=\"32\"/></FloatParameterType>",
    );
    for bits in [1, 2, 3, 11, 14, 16, 32] {
        types += &format!(
            "<IntegerParameterType name=\"u{bits}\" signed=\"false\"><IntegerDataEncoding \
             sizeInBits=\"{bits}\"/></IntegerParameterType>"
        );
    }
    let all: Vec<(&str, String)> = HEADER
        .iter()
        .map(|(name, bits)| (*name, format!("u{bits}")))
        .chain(
            parameters
                .iter()
                .map(|(name, kind)| (*name, (*kind).to_owned())),
        )
        .collect();
    let (mut declared, mut entries) = (String::new(), String::new());
    for (name, kind) in &all {
        declared += &format!("<Parameter name=\"{name}\" parameterTypeRef=\"{kind}\"/>");
        entries += &format!("<ParameterRefEntry parameterRef=\"{name}\"/>");
    }
    let text = format!(
        "<SpaceSystem xmlns=\"http://www.omg.org/spec/XTCE/20180204\" name=\"small\">\
         <TelemetryMetaData><ParameterTypeSet>{types}</ParameterTypeSet><ParameterSet>{declared}\
         </ParameterSet><ContainerSet><SequenceContainer name=\"power\"><EntryList>{entries}\
         </EntryList></SequenceContainer></ContainerSet></TelemetryMetaData></SpaceSystem>"
    );
    std::fs::write(folder.join("small.xml"), text).unwrap();
}

/// A second container beside `power`, told apart by the APID; `voltage` has a type of its own.
fn write_two_containers(folder: &Path, voltage: &str) {
    write_database(folder, &[("voltage", voltage)]);
    let path = folder.join("small.xml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("<ContainerSet>").unwrap();
    let head = head.replace(
        "</ParameterSet>",
        "<Parameter name=\"heat\" parameterTypeRef=\"u16\"/></ParameterSet>",
    );
    let entries: String = HEADER
        .iter()
        .map(|(name, _)| format!("<ParameterRefEntry parameterRef=\"{name}\"/>"))
        .collect();
    let container = |name: &str, apid: u32, parameter: &str| {
        format!(
            "<SequenceContainer name=\"{name}\"><EntryList><ParameterRefEntry parameterRef=\"{parameter}\"/>\
             </EntryList><BaseContainer containerRef=\"packet\"><RestrictionCriteria><Comparison \
             parameterRef=\"apid_field\" value=\"{apid}\"/></RestrictionCriteria></BaseContainer></SequenceContainer>"
        )
    };
    let text = format!(
        "{head}<ContainerSet><SequenceContainer name=\"packet\" abstract=\"true\"><EntryList>{entries}\
         </EntryList></SequenceContainer>{}{}</ContainerSet></TelemetryMetaData></SpaceSystem>",
        container("power", 5, "voltage"),
        container("thermal", 6, "heat")
    );
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_table_that_cannot_be_written_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mission = folder.path().join("mission");
    std::fs::create_dir(&mission).unwrap();
    let toml = "name = \"small\"\nxtce = [\"small.xml\"]\n[downlink]\ninput = \"packets\"\n";
    std::fs::write(mission.join("mission.toml"), toml).unwrap();
    let text = format!(
        "[station]\nname = \"kiruna\"\n[mission]\nfolder = {mission:?}\n[[link]]\nname = \"ka\"\n\
         kind = \"tcp-listen\"\naddress = \"127.0.0.1:0\"\n[ingest]\nflush_age_ms = 100\n\
         [data]\nfolder = \"data\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
    );
    let of_both = || -> Vec<u8> {
        let power = packets(0..10);
        let thermal: Vec<u8> = power
            .chunks(10)
            .flat_map(|packet| [&[0x00, 0x06], &packet[2..]].concat())
            .collect();
        [power, thermal].concat()
    };
    let mut letters = 0.0;
    for voltage in ["u16", "float"] {
        write_two_containers(&mission, voltage);
        let station = Service::start("station", folder.path(), &text);
        let mut link = TcpStream::connect(station.link("ka")).unwrap();
        link.write_all(&of_both()).unwrap();
        drop(link);
        until("the contact has ended", || {
            (!station.lines("contact ended").is_empty()).then_some(())
        });
        until("everything was looked at", || {
            let rows = station.metric("passline_ingest_rows_total{table=\"thermal\"}");
            (rows == Some(10.0)).then_some(())
        });
        let name = "passline_ingest_dead_letters_total{topic=\"tm.telemetry\"}";
        letters = station.metric(name).unwrap_or_default();
        let log = station.stop();
        assert_eq!(log.contains("is stored as"), voltage == "float", "{log}");
    }
    assert!(letters > 0.0);
    let data = folder.path().join("data");
    for (table, rows) in [("thermal", "20"), ("power", "10"), ("packets", "40")] {
        assert_eq!(
            sql(&data, &format!("SELECT count(*) FROM {table}"))[1],
            rows,
            "{table}"
        );
    }
}

/// Packets of four octets of data, which are a number in each half.
fn packets(numbers: Range<u16>) -> Vec<u8> {
    let packet = |number: u16| {
        let mut packet = vec![0x00, 0x05];
        packet.extend((0xC000 | number).to_be_bytes());
        packet.extend(3_u16.to_be_bytes());
        packet.extend(number.to_be_bytes());
        packet.extend((number + 100).to_be_bytes());
        packet
    };
    numbers.flat_map(packet).collect()
}

#[test]
fn a_new_mission_version_is_taken_at_a_packet_boundary() {
    let folder = tempfile::tempdir().unwrap();
    let mission = folder.path().join("mission");
    std::fs::create_dir(&mission).unwrap();
    std::fs::write(
        mission.join("mission.toml"),
        "name = \"small\"\nxtce = [\"small.xml\"]\n[downlink]\ninput = \"packets\"\n",
    )
    .unwrap();
    write_database(&mission, &[("voltage", "u16")]);
    let text = format!(
        "[station]\nname = \"kiruna\"\n[mission]\nfolder = {mission:?}\n[[link]]\nname = \"ka\"\n\
         kind = \"tcp-listen\"\naddress = \"127.0.0.1:0\"\n[ingest]\nflush_age_ms = 100\n\
         [data]\nfolder = \"data\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
    );
    let station = Service::start("station", folder.path(), &text);
    let mut link = TcpStream::connect(station.link("ka")).unwrap();
    let received = |octets: f64| {
        until("the octets are received", || {
            let name = "passline_station_received_octets_total{link=\"ka\"}";
            (station.metric(name) == Some(octets)).then_some(())
        });
    };

    // Ten packets and the first half of another.
    let first = packets(0..11);
    link.write_all(&first[..105]).unwrap();
    received(105.0);
    write_database(&mission, &[("voltage", "u16"), ("current", "u16")]);
    until("the change is seen", || {
        station
            .log()
            .contains("the mission folder changed")
            .then_some(())
    });
    link.write_all(&first[105..]).unwrap();
    link.write_all(&packets(11..20)).unwrap();
    received(200.0);

    // Another type for a column that there is: the version before stays in use.
    write_database(&mission, &[("voltage", "u16"), ("current", "float")]);
    let refused = until("the change is refused", || {
        let log = station.log();
        let mut lines = log.lines();
        lines
            .find(|line| line.contains("is not taken"))
            .map(str::to_owned)
    });
    for word in ["power", "current", "Int32", "Float32", "--replace-type"] {
        assert!(refused.contains(word), "{word}: {refused}");
    }
    // A file that is half written or wrong changes nothing either.
    std::fs::write(mission.join("small.xml"), "<SpaceSystem").unwrap();
    until("the broken file is told", || {
        (station.log().matches("stays in use").count() == 2).then_some(())
    });
    link.write_all(&packets(20..25)).unwrap();
    received(250.0);
    drop(link);
    std::thread::sleep(Duration::from_millis(100));
    station.stop();

    let data = folder.path().join("data");
    let by_version = "SELECT count(*), min(voltage), max(voltage), count(current), min(current), \
                      max(current) FROM power GROUP BY mission_version ORDER BY 2";
    assert_eq!(
        sql(&data, by_version)[1..],
        ["10,0,9,0,,", "15,10,24,15,110,124"],
    );
    let in_packets = "SELECT count(*) FROM packets GROUP BY mission_version ORDER BY 1";
    assert_eq!(sql(&data, in_packets)[1..], ["10", "15"]);
    let told = "SELECT count(*) FROM events WHERE kind = 'mission_change'";
    assert_eq!(sql(&data, told)[1], "1");
}
