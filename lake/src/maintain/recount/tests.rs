use arrow::array::{BinaryArray, Int16Array, StringArray, TimestampMicrosecondArray};

use super::*;

/// Contact, time, sequence count, quality, octets.
type Packet<'a> = (&'a str, Option<i64>, i16, &'a str, &'a [u8]);

fn packets(rows: &[Packet<'_>]) -> RecordBatch {
    let contact: StringArray = rows.iter().map(|row| Some(row.0)).collect();
    let time: TimestampMicrosecondArray = rows.iter().map(|row| row.1).collect();
    let count: Int16Array = rows.iter().map(|row| Some(row.2)).collect();
    let apid = Int16Array::from(vec![7; rows.len()]);
    let quality: StringArray = rows.iter().map(|row| Some(row.3)).collect();
    let data: BinaryArray = rows.iter().map(|row| Some(row.4)).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("time", Arc::new(time) as ArrayRef, true),
        ("contact", Arc::new(contact) as ArrayRef, true),
        ("apid", Arc::new(apid) as ArrayRef, true),
        ("sequence_count", Arc::new(count) as ArrayRef, true),
        ("quality", Arc::new(quality) as ArrayRef, true),
        ("data", Arc::new(data) as ArrayRef, true),
    ])
    .unwrap()
}

fn duplicates(rows: &[Packet<'_>]) -> u64 {
    let mut check = RowCheck::new(Some(0));
    // One batch a row: what was seen reaches across them.
    for row in rows {
        check.take(&packets(std::slice::from_ref(row))).unwrap();
    }
    let mut whole = RowCheck::new(Some(0));
    whole.take(&packets(rows)).unwrap();
    assert_eq!(check.duplicates, whole.duplicates);
    check.duplicates
}

#[test]
fn duplicates_are_what_ingest_would_have_made_one_row() {
    let first = ("a", Some(5), 1, "good", &b"x"[..]);
    assert_eq!(duplicates(&[first, first]), 1);
    assert_eq!(duplicates(&[first, ("b", Some(5), 1, "good", b"x")]), 1);
    assert_eq!(duplicates(&[first, ("b", Some(5), 1, "bad", b"y")]), 1);
    // Another packet: of other octets, count, or time, or repeated within the contact.
    assert_eq!(duplicates(&[first, ("b", Some(5), 1, "good", b"y")]), 0);
    assert_eq!(duplicates(&[first, ("a", Some(5), 1, "bad", b"x")]), 0);
    assert_eq!(duplicates(&[first, ("b", Some(5), 2, "good", b"x")]), 0);
    assert_eq!(duplicates(&[first, ("b", Some(6), 1, "good", b"x")]), 0);
    let timeless = ("a", None, 1, "good", &b"x"[..]);
    assert_eq!(duplicates(&[timeless, timeless]), 0);
}

#[test]
fn rows_of_other_days_are_counted() {
    let mut check = RowCheck::new(Some(0));
    let day = 86_400_000_000;
    let rows = [-1, 0, day - 1, day].map(|time| ("a", Some(time), 1, "good", &b"x"[..]));
    check.take(&packets(&rows)).unwrap();
    assert_eq!((check.rows, check.elsewhere), (4, 2));
}

#[test]
fn offsets_say_how_many_rows_there_can_be() {
    let offsets = |pairs: &[(&str, u64)]| -> Offsets {
        pairs
            .iter()
            .map(|(name, offset)| ((*name).to_owned(), *offset))
            .collect()
    };
    let kinds = |rows: [u64; 2], pairs: &[(&str, u64)]| {
        let mut findings = Vec::new();
        let tables = [
            ("a".to_owned(), rows[0], offsets(pairs)),
            (
                "b".to_owned(),
                rows[1],
                offsets(&[("passline/tm.telemetry/0", 3)]),
            ),
        ];
        compare_offsets("tm.telemetry", &tables, &mut findings);
        findings
            .iter()
            .map(|finding| finding.kind)
            .collect::<Vec<_>>()
    };
    let one = [
        ("passline/tm.telemetry/0", 9),
        ("passline/tm.packets/0", 99),
    ];
    assert_eq!(kinds([4, 6], &one), []);
    // Over Kafka a record is a batch of rows.
    assert_eq!(kinds([4, 7], &one), [FindingKind::Unchecked]);
    assert_eq!(kinds([4, 5], &one), [FindingKind::Unchecked]);
    let two = [
        ("passline/tm.telemetry/0", 9),
        ("passline/0123/tm.telemetry/0", 4),
    ];
    assert_eq!(kinds([4, 11], &two), []);
}

#[test]
fn telemetry_is_compared_with_packets_contact_by_contact() {
    let place = |contact: &str, version: &str| Contact {
        contact: contact.to_owned(),
        version: version.to_owned(),
    };
    let compare = |expected: u64, rows: &[(&str, u64)], packets: &str| {
        let expected = [(("power".to_owned(), "c".to_owned()), expected)].into();
        let rows = rows
            .iter()
            .map(|(version, rows)| (place("c", version), *rows));
        let found = [("power".to_owned(), rows.collect())].into();
        let mut findings = Vec::new();
        let packets = [(place("c", packets), 100)].into();
        compare_packets("new", &expected, &found, &packets, &mut findings);
        findings
            .iter()
            .map(|finding| finding.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(compare(5, &[("new", 5)], "new"), []);
    assert_eq!(compare(5, &[("new", 5)], "old"), [], "decoded again");
    assert_eq!(compare(5, &[("new", 4)], "new"), [FindingKind::RowsMissing]);
    assert_eq!(compare(5, &[("new", 6)], "old"), [FindingKind::RowsSurplus]);
    assert_eq!(compare(5, &[], "new"), [FindingKind::RowsMissing]);
    assert_eq!(compare(5, &[], "old"), [FindingKind::Unchecked]);
    assert_eq!(
        compare(5, &[("old", 2), ("new", 3)], "old"),
        [FindingKind::Unchecked]
    );
    assert_eq!(compare(0, &[("new", 1)], "new"), [FindingKind::RowsSurplus]);
}
