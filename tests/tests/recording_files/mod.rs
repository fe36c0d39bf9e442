//! Where the recordings are, and which mission each is decoded with.

// Each test uses a part of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use schemas::mission::{Level, Mission};

/// A recording: its expectation, its files in order, its level and its mission.
pub(crate) struct Recording {
    pub(crate) expected: &'static str,
    pub(crate) files: &'static [&'static str],
    pub(crate) level: Level,
    pub(crate) mission: &'static str,
}

impl Recording {
    pub(crate) fn octets(&self, shared: &Path) -> Vec<u8> {
        let folder = shared.join("recordings").join(match self.level {
            Level::Cadu => "cadu",
            Level::Frames => "frames",
            Level::Packets => "packets",
        });
        let read = |file: &&str| {
            let path = folder.join(file);
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        self.files.iter().flat_map(read).collect()
    }

    pub(crate) fn mission(&self) -> Mission {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("missions")
            .join(self.mission);
        let mission = Mission::load(&folder).unwrap_or_else(|error| panic!("{error}: {error:?}"));
        assert_eq!(
            mission.downlink.input, self.level,
            "{}: input",
            self.mission
        );
        mission
    }
}

/// The folder of recordings, definitions and vectors; `None`, said on stderr, where it is absent.
pub(crate) fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("PASSLINE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    if path.join("recordings").is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "no recordings in {}: set PASSLINE_SHARED to the folder that holds them",
        path.display()
    );
    eprintln!(
        "SKIPPED: no recordings in {}; set PASSLINE_SHARED",
        path.display()
    );
    None
}

const fn of(
    level: Level,
    mission: &'static str,
    expected: &'static str,
    files: &'static [&'static str],
) -> Recording {
    Recording {
        expected,
        files,
        level,
        mission,
    }
}

macro_rules! recordings {
    ($($level:ident $mission:literal $file:literal),* $(,)?) => {
        &[$(of(Level::$level, $mission, $file, &[$file])),*]
    };
}

/// Recordings of one file, whose expectation has the file's name.
const SINGLE: &[Recording] = recordings![
    Cadu "snpp" "npp.20241206T173815.dat",
    Cadu "snpp" "snpp_synchronized_cadus.dat",
    Cadu "snpp" "snpp_7cadus_2vcids.dat",
    Cadu "noaa20" "noaa20.20241206T162710.dat",
    Cadu "aqua" "aqua.20241206T175646.dat",
    Frames "aditya" "aditya_frames.u8",
    Frames "integral" "integral_frames.u8",
    Frames "stereo-a" "stereo-a_bg2bhc_frames_20220924_1035.raw",
    Frames "blue-ghost-1" "bgm1_dwingeloo_frames.u8",
    Frames "mars2020" "mars2020_frames.u8",
    Frames "mars2020-safe-mode" "safemode_frames.u8",
    Frames "emm" "emm_frames.u8",
    Frames "kplo" "camras-2022_08_05_08_44_13_tlm_frames.u8",
    Frames "hakuto-r" "hakuto_frames_20221211_224843Z.u8",
    Frames "argomoon" "argomoon_frames.u8",
    Frames "lunah-map" "hmap_frames.u8",
    Frames "lucy" "lucy_frames_eb3frn_20211020_235911.u8",
    Frames "osiris-rex" "orx_frames.u8",
    Frames "psyche" "Psyche_2023-10-13T15_51_16_128ksps_low_rate_frames.u8",
    Frames "change-5" "ce5_frames.u8",
    Frames "im-1" "im1_frames.u8",
    Frames "queqiao-2" "queqiao2_frames.u8",
    Packets "jpss1-geolocation" "J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1",
    Packets "ctim" "ctim_ccsds_2021_155_14_39_51",
    Packets "idex" "idex_sciData_2023_052_14_45_05",
    Packets "suda" "suda_sciData_2022_130_17_41_53.spl",
    Packets "snpp-viirs" "viirs_packets.dat",
    Packets "snpp-viirs" "viirs_merge1.dat",
    Packets "snpp-viirs" "viirs_merge2.dat",
    Packets "cygnss" "CYGNSS_F7_L0_2022_086_10_15_V01_F__first101pkts.tlm",
    Packets "europa-clipper" "europa_clipper_apid01216.tlm",
    Packets "europa-clipper" "europa_clipper_apid01217.tlm",
    Packets "europa-clipper" "europa_clipper_apid01219.tlm",
    Packets "europa-clipper" "europa_clipper_apid01232.tlm",
    Packets "csa" "csa_apid00400.tlm",
    Packets "imap-swe" "2024051010_SWE_SCIENCE_packet.bin",
    Packets "imap-mag" "mag_l0_test_data.pkts",
    Packets "imap-hi" "20231030_H45_APP_NHK.bin",
    Packets "imap-ialirt-hit" "hit_ialirt_sample.ccsds",
    Packets "imap-ultra" "Ultra45_EM_SwRI_Cal_Run7_ThetaScan_20220530T225054.CCSDS",
    Packets "imap-lo" "imap_lo_l0_raw_20240627_v001.pkts",
    Packets "imap-idex" "imap_idex_l0_raw_20230725_v001.pkts",
    Packets "padre" "padreMDA0_240916122901.dat",
    Packets "padre" "padreMDA2_240916122851.dat",
    Packets "padre" "padreMDU8_240916122904.dat",
    Packets "stix" "stix_PktTmRaw.xml",
];

/// A recording in two files.
const LUNAR_FLASHLIGHT: Recording = of(
    Level::Frames,
    "lunar-flashlight",
    "lunar_flashlight.u8",
    &[
        "lunar_flashlight_frames_20221212_170854Z.u8",
        "lunar_flashlight_frames_20221212_170854Z_2.u8",
    ],
);

/// The recording without a frame, and so without expectation.
pub(crate) const GCOMW1: Recording = of(
    Level::Cadu,
    "gcomw1",
    "gcomw1.20241206T165853.dat",
    &["gcomw1.20241206T165853.dat"],
);

/// Every recording that has an expectation.
pub(crate) fn recordings() -> impl Iterator<Item = &'static Recording> {
    SINGLE.iter().chain([&LUNAR_FLASHLIGHT])
}
