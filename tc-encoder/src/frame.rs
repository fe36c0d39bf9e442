//! Transfer frames out of frame data units: CCSDS 232.0-B-4 4.2. FOP-1 says which type and number a
//! frame has.

use space_link::cop::ControlCommand;
use space_link::frame::{FrameType, TcFrameError};
use space_link::uplink::UplinkParameters;

/// Appends the frame that carries a frame data unit: AD with its number N(S), or BD.
///
/// # Errors
/// [`TcFrameError::DataOctets`] when it is longer than the channel's longest frame.
pub fn encode_data(
    parameters: &UplinkParameters,
    sequence_number: Option<u8>,
    frame_data: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), TcFrameError> {
    let (frame_type, number) = match sequence_number {
        Some(number) => (FrameType::Ad, number),
        None => (FrameType::Bd, 0),
    };
    parameters.encode_frame(frame_type, number, frame_data, out)
}

/// Appends the BC frame of a control command; it has neither segment header nor security.
///
/// # Errors
/// [`TcFrameError::DataOctets`] when it is longer than the channel's longest frame.
pub fn encode_control(
    parameters: &UplinkParameters,
    command: ControlCommand,
    out: &mut Vec<u8>,
) -> Result<(), TcFrameError> {
    let mut field = Vec::with_capacity(3);
    command.encode(&mut field);
    parameters.encode_frame(FrameType::Bc, 0, &field, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use space_link::frame::{Scid, TcFrame, Vcid};

    #[test]
    fn frames_are_of_their_type_and_not_too_long() {
        let mut parameters = UplinkParameters::new(Scid::new(98).unwrap(), Vcid::new(0).unwrap());
        parameters.frame_length_octets_max = 20;
        let mut out = Vec::new();
        encode_control(&parameters, ControlCommand::Unlock, &mut out).unwrap();
        // tests/vectors/tc_frame.json, "BC frame Unlock".
        assert_eq!(out, [0x30, 0x62, 0x00, 0x07, 0x00, 0x00, 0xF9, 0x53]);
        out.clear();
        encode_data(&parameters, Some(200), &[1; 13], &mut out).unwrap();
        let frame = TcFrame::new_checked(&out, true).unwrap();
        assert_eq!(frame.header().frame_type, FrameType::Ad);
        assert_eq!(frame.header().sequence_number, 200);
        assert_eq!(
            encode_data(&parameters, None, &[1; 14], &mut out),
            Err(TcFrameError::DataOctets { max: 13, got: 14 })
        );
    }
}
