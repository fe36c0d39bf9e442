//! Any octets as a security header and trailer, a protected frame, a PUS packet, a report.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::packet::SpacePacket;
use space_link::pus::{
    PusTcLayout, PusTelecommand, PusTelemetry, PusTmLayout, VerificationLayout, VerificationReport,
};
use space_link::sdls::{
    AuthenticationMask, Cipher, FrameSecurityReport, Key, SecurityLayout, Service, TcSecurity,
    spi_of, unprotect,
};

fuzz_target!(|data: &[u8]| {
    let [a, b, c, d, rest @ ..] = data else {
        return;
    };
    let size = |octet: &u8| usize::from(octet % 20);
    let layout = SecurityLayout {
        iv_octets: size(a),
        sequence_number_octets: size(b),
        pad_length_octets: size(c),
        mac_octets: size(d),
    };
    if let Ok(parts) = layout.split(rest) {
        let mut again = Vec::new();
        parts.header.encode(&layout, &mut again).unwrap();
        again.extend_from_slice(parts.data);
        again.extend_from_slice(parts.mac);
        assert_eq!(again, rest);
        assert_eq!(spi_of(false, rest), Ok(parts.header.spi));
    }
    if let Ok(report) = FrameSecurityReport::parse([*a, *b, *c, *d]) {
        assert_eq!(report.encode(), [*a, *b, *c, *d]);
    }
    let security = TcSecurity {
        service: Service::AuthenticatedEncryption,
        layout: SecurityLayout::AES_GCM,
        mask: AuthenticationMask::STANDARD,
    };
    let cipher = Cipher::new(&Key::new(&mut [7; 32]));
    let mut out = Vec::new();
    let header = [*a, *b, *c, *d, 0];
    // Nobody makes a frame by chance that a key of 256 bits agrees with.
    assert!(unprotect(&cipher, &security, &header, a & 1 == 0, rest, &mut out).is_err());
    assert!(out.is_empty());
    let Ok(packet) = SpacePacket::new_checked(rest) else {
        return;
    };
    let telecommand = PusTcLayout {
        packet_error_control: a & 1 == 0,
        ..PusTcLayout::PUS_C
    };
    if let Ok(read) = PusTelecommand::new_checked(packet, &telecommand) {
        assert!(read.application_data().len() < rest.len());
    }
    let telemetry = PusTmLayout {
        packet_error_control: b & 1 == 0,
        ..PusTmLayout::pus_a(size(c))
    };
    if let Ok(read) = PusTelemetry::new_checked(packet, &telemetry) {
        let layout = VerificationLayout {
            step_octets: usize::from(d % 9),
            code_octets: 2,
        };
        if let Ok(report) = VerificationReport::parse(&read, &layout) {
            let mut again = Vec::new();
            report.encode(&layout, &mut again).unwrap();
            assert!(read.source_data().starts_with(&again));
        }
    }
});
