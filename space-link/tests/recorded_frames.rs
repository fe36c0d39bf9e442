//! Every recording at frame level, frame by frame: counts per virtual channel, error control and
//! operational control fields as the independent decoders of `recordings/expected` found them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use space_link::frame::{
    AosFrame, FrameError, FrameKind, FrameLayout, FrameOptions, TmFrame, TmHeader, Vcid,
};

/// The folder of recordings, or a message that there is none; a failure where CI is set.
fn recordings() -> Option<PathBuf> {
    let shared = std::env::var_os("PASSLINE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let recordings = shared.join("recordings");
    if recordings.is_dir() {
        return Some(recordings);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "no recordings at {}",
        recordings.display()
    );
    eprintln!("SKIPPED: no recordings at {}", recordings.display());
    None
}

fn layout(params: &Value, first: &[u8]) -> FrameLayout {
    let octets = params["frame_len"].as_u64().unwrap() as usize;
    let kind = if params["frame"] == "TM" {
        FrameKind::Tm
    } else {
        FrameKind::Aos
    };
    let mut options = FrameOptions {
        fecf: params["fecf"].as_bool().unwrap(),
        insert_zone_octets: params["insert_zone"].as_u64().unwrap() as usize,
        ..FrameOptions::new(kind, octets)
    };
    if kind == FrameKind::Tm {
        let header = TmHeader::parse(first).unwrap();
        options.ocf = header.ocf_flag;
        if header.secondary_header_flag {
            options.secondary_header_octets = usize::from(first[6] & 0x3F) + 1;
        }
    }
    FrameLayout::new(options).unwrap()
}

/// What the frames of one recording turned out to be.
#[derive(Default)]
struct Found {
    frames: u64,
    bad: u64,
    other_version: u64,
    channels: BTreeMap<u8, (u64, u32, u32)>,
    ocf: BTreeMap<[u8; 4], u64>,
}

impl Found {
    fn frame(&mut self, octets: &[u8], layout: &FrameLayout) {
        self.frames += 1;
        let (channel, count, ocf, fecf_valid) = match layout.kind() {
            FrameKind::Tm => {
                let frame = TmFrame::new_checked(octets, layout).unwrap();
                assert!(frame.flags_agree(), "{frame}");
                let header = frame.header();
                let count = u32::from(header.virtual_channel_frame_count);
                (
                    header.virtual_channel,
                    count,
                    frame.ocf(),
                    frame.fecf_valid(),
                )
            }
            _ => match AosFrame::new_checked(octets, layout) {
                Ok(frame) => {
                    let header = frame.header();
                    let count = header.virtual_channel_frame_count;
                    (
                        header.virtual_channel,
                        count,
                        frame.ocf(),
                        frame.fecf_valid(),
                    )
                }
                Err(FrameError::Version { .. }) => {
                    self.other_version += 1;
                    return;
                }
                Err(error) => panic!("{error}"),
            },
        };
        if fecf_valid == Some(false) {
            self.bad += 1;
            return;
        }
        let entry = self
            .channels
            .entry(channel.get())
            .or_insert((0, count, count));
        entry.0 += 1;
        entry.2 = count;
        if let Some(ocf) = ocf {
            *self.ocf.entry(ocf).or_default() += 1;
        }
    }
}

#[test]
fn recordings_have_the_frames_expected() {
    let Some(recordings) = recordings() else {
        return;
    };
    let mut files = 0;
    for entry in std::fs::read_dir(recordings.join("expected")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let params = &expected["params"];
        // CADUs are for the decoder; Blue Ghost's symbols must be put in order before.
        if params["files_in_order"].is_null() || params["pre"].is_string() {
            continue;
        }
        let octets: Vec<u8> = params["files_in_order"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|name| {
                std::fs::read(recordings.join("frames").join(name.as_str().unwrap())).unwrap()
            })
            .collect();
        let layout = layout(params, &octets);
        let mut found = Found::default();
        for frame in octets.chunks_exact(layout.frame_octets()) {
            found.frame(frame, &layout);
        }
        let name = expected["recording"].as_str().unwrap();
        assert_eq!(
            found.frames,
            expected["frames_total"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(
            found.bad,
            expected["fecf_failures"].as_u64().unwrap(),
            "{name}"
        );
        let rejected = expected["frames_rejected"].as_object().unwrap();
        let rejected: u64 = rejected.values().filter_map(Value::as_u64).sum();
        assert_eq!(found.other_version, rejected, "{name}");
        let channels = expected["virtual_channels"].as_object().unwrap();
        assert_eq!(found.channels.len(), channels.len(), "{name}");
        for (vcid, expected) in channels {
            let (frames, first, last) = found.channels[&vcid.parse().unwrap()];
            assert_eq!(
                frames,
                expected["frames"].as_u64().unwrap(),
                "{name} {vcid}"
            );
            assert_eq!(
                u64::from(first),
                expected["first_vcfc"].as_u64().unwrap(),
                "{name}"
            );
            assert_eq!(
                u64::from(last),
                expected["last_vcfc"].as_u64().unwrap(),
                "{name}"
            );
            assert!(vcid.parse::<u8>().unwrap() <= Vcid::MAX);
        }
        assert_eq!(
            found.ocf.len() as u64,
            expected["ocf_distinct"].as_u64().unwrap(),
            "{name}"
        );
        for pair in expected["ocf_values_top"].as_array().unwrap() {
            let octets = u32::from_str_radix(pair[0].as_str().unwrap(), 16)
                .unwrap()
                .to_be_bytes();
            assert_eq!(found.ocf[&octets], pair[1].as_u64().unwrap(), "{name}");
        }
        files += 1;
    }
    assert_eq!(files, 17);
}
