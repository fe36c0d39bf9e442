//! A container of every construct, packets made by hand and packets made to harm.

use super::*;

fn mission() -> CompiledMission {
    let document = include_str!("features.xml");
    let database = MissionDatabase::from_documents(&[("features.xml", document)]).unwrap();
    let mission = layout::compile(&database).unwrap();
    assert_eq!(mission.issues, []);
    mission
}

fn packet(apid: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    packet.extend_from_slice(&apid.to_be_bytes());
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&(data.len() as u16).wrapping_sub(1).to_be_bytes());
    packet.extend_from_slice(data);
    packet
}

fn status(mode: u8, flag: u8, temperature: i16, extra: &[u8]) -> Vec<u8> {
    let mut data = vec![mode, flag];
    data.extend_from_slice(&temperature.to_be_bytes());
    data.extend_from_slice(&1_000_000_000u32.to_be_bytes());
    data.extend_from_slice(b"panel\0zz");
    data.extend_from_slice(b"\x03abcdefg");
    data.extend_from_slice(extra);
    data.extend_from_slice(&[9, 6]);
    packet(1, 0, &data)
}

fn column(batch: &RecordBatch, name: &str) -> Vec<Value> {
    let array = batch
        .column_by_name(name)
        .unwrap_or_else(|| panic!("{name} in {:?}", batch.schema()));
    (0..array.len()).map(|row| value_at(array, row)).collect()
}

fn float(value: f64) -> Value {
    Value::Float(value.to_bits())
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn every_kind_of_value_means_what_the_document_says() {
    let packets = [
        status(0, 0, 100, &[]),
        status(1, 1, 5, &[0x12, 0x34]),
        status(6, 2, -3, &[0xff, 0xff]),
        status(9, 0, 0, &[]),
    ];
    let (batches, anomalies) = decode(mission(), &packets);
    let [batch] = batches.as_slice() else {
        panic!("{} batches", batches.len())
    };
    let off_on = [text("OFF"), text("ON"), text("SAFE"), Value::Null];
    assert_eq!(column(batch, "mode"), off_on);
    assert_eq!(column(batch, "mode_raw"), [0, 1, 6, 9].map(Value::Integer));
    assert_eq!(column(batch, "flag"), [0, 1, 1, 0].map(Value::Integer));
    assert_eq!(column(batch, "flag_raw"), [0, 1, 2, 0].map(Value::Integer));
    // The spline holds while the mode is ON, the polynomial otherwise.
    assert_eq!(
        column(batch, "temperature"),
        [0.0, 150.0, -51.5, -50.0].map(float)
    );
    assert_eq!(
        column(batch, "temperature_raw"),
        [100, 5, -3, 0].map(Value::Integer)
    );
    // GPS second 1,000,000,000 is 2011-09-14T01:46:25 UTC, 15 leap seconds later than 1980.
    assert_eq!(
        column(batch, "time_2"),
        vec![Value::Integer(1_315_964_785_000_000); 4]
    );
    assert_eq!(column(batch, "name"), vec![text("panel"); 4]);
    assert_eq!(column(batch, "note"), vec![text("abc"); 4]);
    let extra = [
        Value::Null,
        Value::Integer(0x1234),
        Value::Integer(0xffff),
        Value::Null,
    ];
    assert_eq!(column(batch, "extra"), extra);
    let vector = Value::Struct(vec![
        ("x".to_owned(), Value::Integer(9)),
        ("mode".to_owned(), text("SAFE")),
        ("mode_raw".to_owned(), Value::Integer(6)),
    ]);
    assert_eq!(column(batch, "vector"), vec![vector; 4]);
    let kinds: Vec<(AnomalyKind, u64, usize)> = anomalies
        .iter()
        .map(|a| (a.kind, a.count, a.first_packet))
        .collect();
    assert_eq!(kinds, [(AnomalyKind::EnumerationUnknown, 1, 3)]);
    let schema = batch.schema();
    let metadata = schema.field_with_name("temperature").unwrap().metadata();
    assert_eq!(metadata["unit"], "degC");
    assert_eq!(metadata["description"], "Of the panel");
    assert_eq!(
        metadata["alarms"],
        r#"[{"outside":{"maximum":40.0,"minimum":-10.0},"severity":"warning"}]"#
    );
}

#[test]
fn elements_of_any_size_become_lists_and_positions_count_from_the_end() {
    let packets = [
        packet(2, 0x20, &[2, 3, b'a', b'b', 1, 0x77]),
        packet(2, 0x20, &[0, 0x78]),
        // The second element goes beyond the packet.
        packet(2, 0x20, &[3, 2, b'c', 200, 0x79]),
        // A size of -8 bits.
        packet(2, 0x20, &[1, 0, 0x7a]),
    ];
    let (batches, anomalies) = decode(mission(), &packets);
    let sample = |size: i128, octets: Value| {
        Value::Struct(vec![
            ("size".to_owned(), Value::Integer(size)),
            ("octets".to_owned(), octets),
        ])
    };
    let octets = |octets: &[u8]| Value::Octets(octets.to_vec());
    assert_eq!(
        column(&batches[0], "sample"),
        [
            Value::List(vec![sample(3, octets(b"ab")), sample(1, octets(b""))]),
            Value::List(vec![]),
            Value::List(vec![sample(2, octets(b"c")), sample(200, Value::Null)]),
            Value::List(vec![sample(0, Value::Null)]),
        ]
    );
    assert_eq!(
        column(&batches[0], "last"),
        [0x77, 0x78, 0x79, 0x7a].map(Value::Integer)
    );
    let counted: Vec<(AnomalyKind, u64)> = anomalies.iter().map(|a| (a.kind, a.count)).collect();
    assert_eq!(
        counted,
        [
            (AnomalyKind::PacketShort, 1),
            (AnomalyKind::SizeInvalid, 1),
            (AnomalyKind::ElementsTruncated, 1),
        ]
    );
}

#[test]
fn the_deepest_container_whose_restrictions_hold_gets_the_row() {
    let data = [0, 1];
    let packets = [
        packet(2, 0x20, &data),
        packet(2, 4, &data),
        packet(2, 3, &data),
        packet(3, 0, &data),
        vec![],
        vec![0],
        vec![0, 2],
    ];
    let mission = mission();
    let names: Vec<&str> = mission
        .tables
        .iter()
        .map(|table| table.table.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "status_packet",
            "sample_packet",
            "early_sample",
            "also_early"
        ]
    );
    let mut decommutator = Decommutator::new(Arc::new(mission));
    // The second time the first two octets are known.
    for _ in 0..2 {
        let decoded = decommutator
            .decode(&block_of(&packets), &Source::default())
            .unwrap();
        let rows: Vec<(u32, usize)> = decoded
            .batches
            .iter()
            .map(|(table, batch)| (table.0, batch.num_rows()))
            .collect();
        assert_eq!(rows, [(1, 2), (2, 1)]);
        let lost: Vec<(AnomalyKind, u16, u64)> = decoded
            .anomalies
            .iter()
            .filter(|anomaly| anomaly.table.is_none())
            .map(|anomaly| (anomaly.kind, anomaly.apid, anomaly.count))
            .collect();
        assert_eq!(
            lost,
            [
                (AnomalyKind::ContainerUnknown, 0, 2),
                (AnomalyKind::ContainerUnknown, 3, 1),
                (AnomalyKind::ContainerAmbiguous, 2, 1),
            ]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_packets_say_rows_stay_within_their_octets(
        bodies in prop::collection::vec(
            (1u16..3, any::<u16>(), prop::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..400)),
            1..40,
        )
    ) {
        let packets: Vec<Vec<u8>> =
            bodies.iter().map(|(apid, sequence, data)| packet(*apid, *sequence, data)).collect();
        let octets: usize = packets.iter().map(Vec::len).sum();
        let (batches, anomalies) = decode(mission(), &packets);
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let lost: u64 = anomalies.iter().filter(|a| a.table.is_none()).map(|a| a.count).sum();
        prop_assert_eq!(rows + lost as usize, packets.len());
        for batch in &batches {
            if let Some(samples) = batch.column_by_name("sample") {
                prop_assert!(samples.as_list::<i32>().values().len() <= octets);
            }
        }
    }
}

#[test]
fn many_tiny_elements_of_a_full_size_packet_stay_bounded() {
    // 255 elements are wanted of 65,536 octets of empty ones.
    let mut data = vec![1u8; 65_536];
    data[0] = 255;
    let (batches, _) = decode(mission(), &[packet(2, 0x20, &data)]);
    let samples = batches[0].column_by_name("sample").unwrap();
    assert_eq!(samples.as_list::<i32>().value_length(0), 255);
}
