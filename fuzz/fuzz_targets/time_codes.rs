//! Any octets as preambles, CUC and CDS times and ASCII codes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::time::{
    CdsFormat, CucFormat, DayOfYear, Epoch, LeapSeconds, Preamble, Submillisecond, TimeScale,
    UtcMicros, UtcPicos,
};

const EPOCHS: [Epoch; 5] = [
    Epoch::TAI_1958,
    Epoch::UTC_1958,
    Epoch::UNIX,
    Epoch::GPS,
    Epoch::J2000,
];

fuzz_target!(|input: (u8, u8, u8, i64, &[u8])| {
    let (choice, coarse_octets, fine_octets, micros, octets) = input;
    let epoch = EPOCHS[usize::from(choice) % EPOCHS.len()];
    let leap = LeapSeconds::IERS;
    if let Ok((preamble, used)) = Preamble::parse(octets) {
        assert!(used <= octets.len());
        let mut written = Vec::new();
        preamble
            .encode(&mut written)
            .expect("what was read can be written");
        assert_eq!(Preamble::parse(&written), Ok((preamble, written.len())));
    }
    let below = [
        Submillisecond::None,
        Submillisecond::Micro,
        Submillisecond::Pico,
    ];
    for (days, below) in [2, 3]
        .into_iter()
        .flat_map(|days| below.map(|below| (days, below)))
    {
        let format = CdsFormat::new(epoch, days, below).expect("a format of the standard");
        if let Ok(time) = format.read(octets) {
            let mut written = Vec::new();
            format
                .write(&time, &mut written)
                .expect("what was read can be written");
            assert_eq!(written, octets[..format.octets()]);
            if let Ok(utc) = format.to_utc(&time, &leap) {
                assert_eq!(format.decode(octets), Ok(utc.micros));
                let _ = format.from_utc(utc, &leap);
            }
        }
    }
    if let Ok(format) = CucFormat::new(epoch, coarse_octets % 9, fine_octets % 12) {
        if let Ok(time) = format.read(octets) {
            let mut written = Vec::new();
            format
                .write(&time, &mut written)
                .expect("what was read can be written");
            let kept = format.octets().min(usize::from(coarse_octets % 9) + 8);
            assert_eq!(written[..kept], octets[..kept]);
            if let Ok(utc) = format.to_utc(&time, &leap) {
                assert_eq!(format.decode(octets), Ok(utc.micros));
                let _ = format.from_utc(utc, &leap);
            }
        }
    }
    let utc = UtcMicros::new(micros);
    assert!(!utc.to_string().is_empty() && !DayOfYear(utc).to_string().is_empty());
    for scale in [
        TimeScale::Utc,
        TimeScale::Tai,
        TimeScale::Gps,
        TimeScale::Tt,
    ] {
        if let Ok(reading) = leap.reading(scale, utc) {
            assert_eq!(leap.to_utc(scale, reading), Ok(utc));
        }
    }
    if let Ok(text) = str::from_utf8(octets)
        && let Ok(time) = text.parse::<UtcPicos>()
    {
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!(DayOfYear(time.micros).to_string().parse(), Ok(time.micros));
    }
});
