use super::*;

fn utc(text: &str) -> UtcMicros {
    text.parse().unwrap()
}

#[test]
fn ascii_codes_say_the_same_time() {
    let time = utc("2022-09-24T10:45:49.832031Z");
    assert_eq!(utc("2022-267T10:45:49.832031Z"), time);
    assert_eq!(time.get(), 1_664_016_349_832_031);
    assert_eq!(time.to_string(), "2022-09-24T10:45:49.832031Z");
    assert_eq!(DayOfYear(time).to_string(), "2022-267T10:45:49.832031Z");
    let picos: UtcPicos = "2022-09-24T10:45:49.8320314159269".parse().unwrap();
    assert_eq!(
        picos,
        UtcPicos {
            micros: time,
            picoseconds: 415_926
        }
    );
    assert_eq!(picos.to_string(), "2022-09-24T10:45:49.832031415926Z");
    assert_eq!(utc("1958-01-01"), utc("1958-001T00:00:00"));
    assert_eq!(utc("1958-01-01").to_string(), "1958-01-01T00:00:00.000000Z");
}

#[test]
fn text_that_is_no_time_is_refused_where_it_goes_wrong() {
    for (text, at) in [
        ("", 0),
        ("2022", 4),
        ("2022-13-01", 5),
        ("2022-02-29", 8),
        ("2022-366", 5),
        ("2022-01-01T24:00", 11),
        ("2022-01-01T00:00:60", 17),
        ("2022-01-01T00:00:00.", 20),
        ("2022-01-01T00:00:00Z0", 20),
        ("2022-01-0é", 9),
    ] {
        assert_eq!(
            text.parse::<UtcMicros>(),
            Err(TimeError::Text { at }),
            "{text}"
        );
    }
    assert_eq!(utc("2016-12-31T23:59:60"), utc("2017-01-01T00:00:00"));
}

#[test]
fn every_day_of_eight_centuries_has_its_date() {
    let (mut year, mut month, mut day) = (1600, 1, 1);
    for days in calendar::days_from_civil(1600, 1, 1)..calendar::days_from_civil(2400, 1, 1) {
        assert_eq!(calendar::civil_from_days(days), (year, month, day));
        assert_eq!(calendar::days_from_civil(year, month, day), days);
        day += 1;
        if day > calendar::days_of_month(year, month) {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    assert_eq!(
        UtcMicros::new(i64::MIN).to_string(),
        "-290308-12-21T19:59:05.224192Z"
    );
}

#[test]
fn scales_differ_as_published() {
    let leap = LeapSeconds::IERS;
    let seconds = |text| leap.tai_minus_utc(utc(text)) / SECOND;
    assert_eq!(seconds("1971-12-31T23:59:59"), 0);
    assert_eq!(seconds("1972-01-01"), 10);
    assert_eq!(seconds("1980-01-06"), 19);
    assert_eq!(seconds("1999-01-01"), 32);
    assert_eq!(seconds("2016-12-31T23:59:59"), 36);
    assert_eq!(seconds("2017-01-01"), 37);
    // GPS and UTC agreed on 1980-01-06, and were 18 s apart in 2024.
    assert_eq!(
        leap.to_utc(TimeScale::Gps, Epoch::GPS.reading()),
        Ok(utc("1980-01-06"))
    );
    let time = utc("2024-12-06T16:28:08");
    let gps = leap.reading(TimeScale::Gps, time).unwrap();
    assert_eq!(gps - time.get(), 18 * SECOND);
    assert_eq!(tai_from_gps(gps), Some(leap.tai_from_utc(time).unwrap()));
    // J2000 is 2000-01-01T11:58:55.816 UTC.
    let j2000 = leap
        .to_utc(Epoch::J2000.scale(), Epoch::J2000.reading())
        .unwrap();
    assert_eq!(j2000, utc("2000-01-01T11:58:55.816"));
}

#[test]
fn utc_and_tai_agree_around_every_leap_second() {
    let leap = LeapSeconds::IERS;
    for second in (0..2_000_000_000i64).step_by(86_400 / 4) {
        for micros in [-1_000_000, -1, 0, 1, 1_000_000] {
            let time = UtcMicros::new(second * SECOND + micros);
            let tai = leap.tai_from_utc(time).unwrap();
            assert_eq!(leap.utc_from_tai(tai), Ok(time));
        }
    }
    // The leap second itself has the numbers of the second after it.
    let before = leap.tai_from_utc(utc("2016-12-31T23:59:59")).unwrap();
    assert_eq!(
        leap.utc_from_tai(before + SECOND),
        Ok(utc("2017-01-01T00:00:00"))
    );
    assert_eq!(
        leap.utc_from_tai(before + 2 * SECOND),
        Ok(utc("2017-01-01T00:00:00"))
    );
}

#[test]
fn leap_seconds_can_be_replaced() {
    let time = utc("2031-01-01");
    let table = LeapSeconds::new(&[(1_483_228_800, 37), (time.get() / SECOND, 38)]).unwrap();
    assert_eq!(table.tai_minus_utc(time), 38 * SECOND);
    let format = CucFormat::new(Epoch::TAI_1958, 5, 0).unwrap();
    let mut octets = Vec::new();
    format.encode(time.into(), &table, &mut octets).unwrap();
    assert_eq!(format.decode_with(&octets, &table), Ok(time));
    assert_eq!(format.decode(&octets), Ok(utc("2031-01-01T00:00:01")));
    assert_eq!(
        LeapSeconds::new(&[(5, 1), (5, 2)]),
        Err(TimeError::LeapSeconds(1))
    );
    assert_eq!(
        LeapSeconds::new(&[(i64::MAX, 1)]),
        Err(TimeError::OutOfRange)
    );
}

#[test]
fn day_segmented_times_read_and_write() {
    let jpss = CdsFormat::new(Epoch::UTC_1958, 2, Submillisecond::Micro).unwrap();
    let octets = [0x5a, 0x45, 0, 0, 0, 7, 0, 0x89];
    let time = jpss.decode(&octets).unwrap();
    assert_eq!(time.to_string(), "2021-04-09T00:00:00.007137Z");
    let mut out = Vec::new();
    jpss.encode(time.into(), &LeapSeconds::IERS, &mut out)
        .unwrap();
    assert_eq!(out, octets);

    let picos = CdsFormat::new(Epoch::TAI_1958, 3, Submillisecond::Pico).unwrap();
    let time: UtcPicos = "2024-12-06T16:28:08.182345678901".parse().unwrap();
    let mut out = Vec::new();
    picos.encode(time, &LeapSeconds::IERS, &mut out).unwrap();
    assert_eq!(out.len(), picos.octets());
    let read = picos.read(&out).unwrap();
    assert_eq!(picos.to_utc(&read, &LeapSeconds::IERS), Ok(time));
}

#[test]
fn hostile_segments_are_refused() {
    let format = CdsFormat::new(Epoch::UTC_1958, 2, Submillisecond::Micro).unwrap();
    assert!(matches!(
        format.decode(&[0xFF; 8]),
        Err(TimeError::Segment { .. })
    ));
    assert!(matches!(
        format.decode(&[0, 0, 0, 0, 0, 0, 3, 0xE8]),
        Err(TimeError::Segment { .. })
    ));
    assert!(matches!(
        format.decode(&[0; 7]),
        Err(TimeError::Truncated {
            needed: 8,
            got: 7,
            ..
        })
    ));
    assert!(CdsFormat::new(Epoch::UNIX, 4, Submillisecond::None).is_err());
    let format = CucFormat::new(Epoch::UNIX, 7, 10).unwrap();
    assert_eq!(format.decode(&[0xFF; 17]), Err(TimeError::OutOfRange));
    assert!(CucFormat::new(Epoch::UNIX, 0, 0).is_err());
    assert!(CucFormat::new(Epoch::UNIX, 1, 11).is_err());
    let short = CucFormat::new(Epoch::UNIX, 1, 0).unwrap();
    let late = short
        .from_utc(utc("2024-01-01").into(), &LeapSeconds::IERS)
        .unwrap();
    assert!(matches!(
        short.write(&late, &mut Vec::new()),
        Err(TimeError::Segment { .. })
    ));
    let early = short.from_utc(utc("1969-12-31").into(), &LeapSeconds::IERS);
    assert_eq!(early, Err(TimeError::OutOfRange));
}

#[test]
fn fractions_come_back_in_every_size() {
    let time: UtcPicos = "2024-12-06T16:28:08.999999999999".parse().unwrap();
    for fine_octets in 0..=10 {
        let format = CucFormat::new(Epoch::GPS, 5, fine_octets).unwrap();
        let mut octets = Vec::new();
        format
            .encode(time, &LeapSeconds::IERS, &mut octets)
            .unwrap();
        assert_eq!(octets.len(), format.octets());
        let read = format
            .to_utc(&format.read(&octets).unwrap(), &LeapSeconds::IERS)
            .unwrap();
        match fine_octets {
            0..=4 => assert_eq!(read.to_string(), "2024-12-06T16:28:09.000000000000Z"),
            5 => assert!(read >= time),
            _ => assert_eq!(read, time),
        }
    }
}

#[test]
fn preambles_read_and_write() {
    for first in 0..=255u8 {
        for second in 0..=255u8 {
            let Ok((preamble, used)) = Preamble::parse(&[first, second]) else {
                continue;
            };
            let mut out = Vec::new();
            preamble.encode(&mut out).unwrap();
            // 301.0-B-4 lets an extension add nothing; one octet says the same then.
            if used == out.len() && (first & 0x0F == out[0] & 0x0F) {
                assert_eq!(out, [first, second][..used]);
            }
            assert_eq!(Preamble::parse(&out).unwrap(), (preamble, out.len()));
        }
    }
    assert!(Preamble::parse(&[0x50]).is_err());
    assert!(Preamble::parse(&[]).is_err());
    assert!(Preamble::parse(&[0x9e]).is_err());
}
