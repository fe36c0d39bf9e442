//! The managed parameters of an uplink: what its two ends must agree on, under the standards' names.

use thiserror::Error;

use crate::cltu::CltuCode;
use crate::frame::tc::{HEADER_OCTETS, MAX_FRAME_OCTETS};
use crate::frame::{
    FECF_OCTETS, FrameType, GlobalVirtualChannel, MapId, Scid, TcFrameError, TcHeader, Vcid,
};
use crate::plop::{ACQUISITION_OCTETS_MIN, IDLE_OCTETS_MIN, Plop};
use crate::sdls::{Spi, TcSecurity};

/// Parameters that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UplinkError {
    /// A frame length that the standard does not have.
    #[error("frame_length_octets_max is at most {MAX_FRAME_OCTETS}, not {0}")]
    FrameLength(usize),
    /// Headers and trailers that leave no room for user data.
    #[error(
        "frame_length_octets_max = {frame} leaves no user data: headers and trailers take {overhead}"
    )]
    NoRoom {
        /// The longest frame.
        frame: usize,
        /// Octets that are not user data.
        overhead: usize,
    },
    /// A sequence shorter than the standard allows.
    #[error("the {name} sequence has at least {needed} octets, not {got}")]
    Sequence {
        /// Acquisition or idle.
        name: &'static str,
        /// The least.
        needed: usize,
        /// Octets by the parameters.
        got: usize,
    },
}

/// The managed parameters of one virtual channel of an uplink (232.0-B-4 section 5, 231.0-B-4
/// section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UplinkParameters {
    /// Spacecraft identifier.
    pub scid: Scid,
    /// Virtual channel identifier.
    pub vcid: Vcid,
    /// Multiplexer access point of packets, where frames have segment headers.
    pub map_id: MapId,
    /// Whether data fields begin with a segment header; without it a packet must fit one frame.
    pub segment_header: bool,
    /// Whether frames end with frame error control.
    pub fecf: bool,
    /// The longest frame, in octets.
    pub frame_length_octets_max: usize,
    /// Channel code, randomiser included.
    pub code: CltuCode,
    /// Physical layer operations procedure.
    pub plop: Plop,
    /// Octets of the acquisition sequence.
    pub acquisition_octets: usize,
    /// Octets of the idle sequence after each CLTU of PLOP-2.
    pub idle_octets: usize,
    /// Space data link security, and the association in use at first.
    pub sdls: Option<(Spi, TcSecurity)>,
}

impl UplinkParameters {
    /// The usual: segment headers, frame error control, frames up to 1024 octets, randomised BCH,
    /// PLOP-2, no security.
    #[must_use]
    pub const fn new(scid: Scid, vcid: Vcid) -> Self {
        Self {
            scid,
            vcid,
            map_id: MapId::ZERO,
            segment_header: true,
            fecf: true,
            frame_length_octets_max: MAX_FRAME_OCTETS,
            code: CltuCode::Bch { randomized: true },
            plop: Plop::Plop2,
            acquisition_octets: ACQUISITION_OCTETS_MIN,
            idle_octets: IDLE_OCTETS_MIN,
            sdls: None,
        }
    }

    /// Checks that the parameters can work together.
    ///
    /// # Errors
    /// [`UplinkError`], naming the parameter.
    pub const fn check(&self) -> Result<(), UplinkError> {
        let frame = self.frame_length_octets_max;
        if frame > MAX_FRAME_OCTETS {
            return Err(UplinkError::FrameLength(frame));
        }
        let overhead = self.overhead_octets();
        if frame <= overhead {
            return Err(UplinkError::NoRoom { frame, overhead });
        }
        let sequences = [
            (
                "acquisition",
                ACQUISITION_OCTETS_MIN,
                self.acquisition_octets,
            ),
            ("idle", IDLE_OCTETS_MIN, self.idle_octets),
        ];
        let mut index = 0;
        while index < sequences.len() {
            let (name, needed, got) = sequences[index];
            if got < needed {
                return Err(UplinkError::Sequence { name, needed, got });
            }
            index += 1;
        }
        Ok(())
    }

    /// Octets of a frame that are not user data.
    #[must_use]
    pub const fn overhead_octets(&self) -> usize {
        let fecf = if self.fecf { FECF_OCTETS } else { 0 };
        let security = match &self.sdls {
            Some((_, security)) => security.layout.overhead_octets(),
            None => 0,
        };
        HEADER_OCTETS + self.segment_header as usize + security + fecf
    }

    /// Octets of user data in the longest frame.
    #[must_use]
    pub const fn user_data_octets_max(&self) -> usize {
        self.frame_length_octets_max
            .saturating_sub(self.overhead_octets())
    }

    /// The header of a frame of this channel.
    #[must_use]
    pub const fn header(&self, frame_type: FrameType, sequence_number: u8) -> TcHeader {
        TcHeader {
            frame_type,
            spacecraft: self.scid,
            virtual_channel: self.vcid,
            sequence_number,
        }
    }

    /// Spacecraft and virtual channel.
    #[must_use]
    pub const fn channel(&self) -> GlobalVirtualChannel {
        GlobalVirtualChannel {
            spacecraft: self.scid,
            virtual_channel: self.vcid,
        }
    }

    /// Appends a frame of this channel to `out`; `data_field` is a control command's octets in BC
    /// frames, else segment header, security and user data.
    ///
    /// # Errors
    /// [`TcFrameError::DataOctets`] when the frame is longer than the channel's longest.
    pub fn encode_frame(
        &self,
        frame_type: FrameType,
        sequence_number: u8,
        data_field: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), TcFrameError> {
        let fecf = if self.fecf { FECF_OCTETS } else { 0 };
        let max = self
            .frame_length_octets_max
            .saturating_sub(HEADER_OCTETS + fecf);
        if data_field.len() > max {
            return Err(TcFrameError::DataOctets {
                max,
                got: data_field.len(),
            });
        }
        self.header(frame_type, sequence_number)
            .encode_frame(data_field, self.fecf, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdls::{AuthenticationMask, SecurityLayout, Service};

    #[test]
    fn parameters_that_cannot_work_are_named() {
        let scid = Scid::new(1).unwrap();
        let mut parameters = UplinkParameters::new(scid, Vcid::new(0).unwrap());
        parameters.check().unwrap();
        assert_eq!(parameters.user_data_octets_max(), 1016);
        parameters.sdls = Some((
            Spi::new(1).unwrap(),
            TcSecurity {
                service: Service::Authentication,
                layout: SecurityLayout::AES_GCM,
                mask: AuthenticationMask::STANDARD,
            },
        ));
        assert_eq!(parameters.user_data_octets_max(), 986);
        parameters.frame_length_octets_max = 38;
        assert_eq!(
            parameters.check().unwrap_err().to_string(),
            "frame_length_octets_max = 38 leaves no user data: headers and trailers take 38"
        );
        parameters.frame_length_octets_max = 1025;
        assert_eq!(parameters.check(), Err(UplinkError::FrameLength(1025)));
        parameters.frame_length_octets_max = 39;
        parameters.idle_octets = 0;
        assert_eq!(
            parameters.check(),
            Err(UplinkError::Sequence {
                name: "idle",
                needed: 1,
                got: 0
            })
        );
    }
}
