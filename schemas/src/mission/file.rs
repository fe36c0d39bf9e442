//! `mission.toml` as it stands: the keys and their types, nothing resolved.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MissionFile {
    pub(super) name: String,
    #[serde(default)]
    pub(super) xtce: Vec<String>,
    pub(super) orbits: Option<String>,
    #[serde(default)]
    pub(super) spacecraft: Vec<SpacecraftEntry>,
    pub(super) downlink: DownlinkTable,
    pub(super) uplink: Option<UplinkTable>,
    #[serde(default)]
    pub(super) packet_time: Vec<PacketTimeEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpacecraftEntry {
    pub(super) name: String,
    pub(super) scid: u16,
    pub(super) class: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FrameName {
    Tm,
    Aos,
    Uslp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DownlinkTable {
    #[serde(default)]
    pub(super) input: InputName,
    pub(super) frame: Option<FrameName>,
    pub(super) frame_length_octets: Option<usize>,
    pub(super) asm: Option<String>,
    #[serde(default)]
    pub(super) asm_bit_errors: u32,
    pub(super) asm_bit_errors_locked: Option<u32>,
    pub(super) asm_verify: Option<u32>,
    pub(super) asm_flywheel: Option<u32>,
    pub(super) inverted: Option<bool>,
    #[serde(default)]
    pub(super) randomized: bool,
    pub(super) randomizer_bits: Option<u32>,
    pub(super) reed_solomon: Option<ReedSolomonTable>,
    #[serde(default)]
    pub(super) symbol_order: SymbolOrderName,
    #[serde(default)]
    pub(super) fecf: bool,
    #[serde(default)]
    pub(super) ocf: bool,
    #[serde(default)]
    pub(super) insert_zone_octets: usize,
    #[serde(default)]
    pub(super) secondary_header_octets: usize,
    #[serde(default)]
    pub(super) frame_header_error_control: bool,
    #[serde(default)]
    pub(super) packet_version_any: bool,
    pub(super) one_packet_per_frame: Option<OnePacketTable>,
    #[serde(default)]
    pub(super) packet_prefix_octets: usize,
    #[serde(default)]
    pub(super) packet_envelope: EnvelopeName,
    #[serde(default)]
    pub(super) virtual_channel: Vec<VirtualChannelEntry>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InputName {
    #[default]
    Cadu,
    Frames,
    Packets,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EnvelopeName {
    #[default]
    None,
    Edds,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SymbolOrderName {
    #[default]
    Interleaved,
    Sequential,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReedSolomonTable {
    pub(super) code: String,
    pub(super) interleave: usize,
    pub(super) virtual_fill_octets: Option<usize>,
    #[serde(default)]
    pub(super) basis: BasisName,
    pub(super) checked: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BasisName {
    #[default]
    Dual,
    Conventional,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnePacketTable {
    pub(super) offset_octets: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ServiceName {
    Packet,
    Bitstream,
    Vca,
    Idle,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VirtualChannelEntry {
    pub(super) vcid: u8,
    pub(super) service: ServiceName,
    pub(super) counter_checked: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UplinkTable {
    #[serde(default)]
    pub(super) frame: UplinkFrameName,
    pub(super) vcid: u8,
    pub(super) map_id: Option<u8>,
    pub(super) segment_header: Option<bool>,
    pub(super) fecf: Option<bool>,
    pub(super) frame_length_octets_max: Option<usize>,
    #[serde(default)]
    pub(super) code: UplinkCodeName,
    pub(super) ldpc_tail: Option<TailName>,
    pub(super) randomized: Option<bool>,
    pub(super) plop: Option<u8>,
    pub(super) acquisition_octets: Option<usize>,
    pub(super) idle_octets: Option<usize>,
    pub(super) sdls: Option<SdlsTable>,
    #[serde(default)]
    pub(super) packet_error_control: bool,
    #[serde(default)]
    pub(super) cop1: Cop1Table,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UplinkFrameName {
    #[default]
    Tc,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cop1Table {
    pub(super) window: Option<u16>,
    pub(super) t1_initial_ms: Option<u32>,
    pub(super) transmission_limit: Option<u16>,
    #[serde(default)]
    pub(super) timeout_type: TimeoutTypeName,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TimeoutTypeName {
    #[default]
    Alert,
    Suspend,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum UplinkCodeName {
    #[default]
    #[serde(rename = "bch")]
    Bch,
    #[serde(rename = "ldpc-128-64")]
    Ldpc128,
    #[serde(rename = "ldpc-512-256")]
    Ldpc512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TailName {
    Absent,
    Corrected,
    Former,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SdlsTable {
    pub(super) spi: u16,
    #[serde(default)]
    pub(super) service: SdlsServiceName,
    #[serde(default)]
    pub(super) mask: MaskName,
    pub(super) sequence_number_octets: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SdlsServiceName {
    Authentication,
    #[default]
    AuthenticatedEncryption,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MaskName {
    #[default]
    Standard,
    Strict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CodeName {
    Cds,
    Cuc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScaleName {
    Utc,
    Tai,
    Gps,
    Tt,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PacketTimeEntry {
    pub(super) apids: Option<Vec<ApidEntry>>,
    pub(super) code: CodeName,
    pub(super) epoch: Option<String>,
    pub(super) scale: Option<ScaleName>,
    pub(super) offset_octets: usize,
    pub(super) day_octets: Option<usize>,
    pub(super) submillisecond_octets: Option<usize>,
    pub(super) coarse_octets: Option<usize>,
    pub(super) fine_octets: Option<usize>,
    #[serde(default)]
    pub(super) ignore_secondary_header_flag: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ApidEntry {
    One(u64),
    Range(String),
}
