//! Optical terminals to the neighbours and the Ka-band transponder to the ground.

use std::f64::consts::TAU;

use crate::random::Random;

pub(crate) const TERMINALS: usize = 4;

/// State of an optical link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Acquiring,
    Tracking,
    Lost,
}

/// One laser terminal at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    pub(crate) peer: String,
    pub(crate) state: LinkState,
    left_s: f64,
    pub(crate) distance_km: f64,
    pub(crate) azimuth_deg: f64,
    pub(crate) elevation_deg: f64,
    pub(crate) pointing_error_urad: f64,
    pub(crate) received_dbm: f64,
    pub(crate) rate_gbit_s: f64,
    pub(crate) bit_error_ratio: f64,
    pub(crate) acquisitions: u16,
    pub(crate) outage_s: f64,
    pub(crate) sent_gb: f64,
    pub(crate) received_gb: f64,
    pub(crate) laser_temperature: f64,
    direction_deg: f64,
    cross_plane: bool,
}

/// What became of a link in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkChange {
    None,
    Lost,
    Acquired,
}

impl Terminal {
    /// Terminals 0 and 1 look along the orbit, 2 and 3 to the neighbouring planes.
    pub(crate) fn new(index: usize, scid: u16, random: &mut Random) -> Self {
        let offset = [1_i32, -1, 20, -20][index % TERMINALS];
        let peer = (i32::from(scid) + offset).rem_euclid(1_000);
        Self {
            peer: format!("odc-{peer:03}"),
            state: LinkState::Tracking,
            left_s: random.between(0.3, 1.0) * TRACKING_S,
            distance_km: 1_810.0,
            azimuth_deg: 0.0,
            elevation_deg: 0.0,
            pointing_error_urad: 2.0,
            received_dbm: -30.0,
            rate_gbit_s: 0.0,
            bit_error_ratio: 1.0,
            acquisitions: 40 + (random.bits() & 0x1F) as u16,
            outage_s: 0.0,
            sent_gb: random.between(0.0, 5e5),
            received_gb: random.between(0.0, 5e5),
            laser_temperature: 24.0,
            direction_deg: [2.0, 178.0, 90.0, -90.0][index % TERMINALS],
            cross_plane: index >= 2,
        }
    }

    pub(crate) fn step(
        &mut self,
        seconds: f64,
        angle_rad: f64,
        traffic: f64,
        random: &mut Random,
    ) -> LinkChange {
        let swing = angle_rad.sin();
        let (distance, azimuth, elevation) = if self.cross_plane {
            // Planes cross near the poles of the orbit: the neighbour swings past.
            (
                2_350.0 - 1_150.0 * swing * swing,
                self.direction_deg + 38.0 * swing,
                -9.0 - 4.0 * swing,
            )
        } else {
            (
                1_812.0 + 3.0 * swing,
                self.direction_deg + 0.2 * swing,
                -7.5,
            )
        };
        self.distance_km = distance;
        self.azimuth_deg = (azimuth + 180.0).rem_euclid(360.0) - 180.0;
        self.elevation_deg = elevation;
        self.laser_temperature +=
            (24.0 + 1.5 * (angle_rad + TAU / 3.0).sin() - self.laser_temperature) * seconds / 400.0
                + random.noise(0.01);
        self.left_s -= seconds;
        let change = self.change(random);
        if self.state == LinkState::Tracking {
            let aim = if self.cross_plane { 3.4 } else { 1.9 };
            self.pointing_error_urad += (aim - self.pointing_error_urad) * 0.1 + random.noise(0.25);
            self.pointing_error_urad = self.pointing_error_urad.max(0.2);
            let loss = (self.pointing_error_urad / 6.0).powi(2) * 4.34;
            self.received_dbm =
                -28.5 - 20.0 * (self.distance_km / 1_812.0).log10() - loss + random.noise(0.15);
            self.rate_gbit_s = if self.received_dbm > -32.5 {
                100.0
            } else {
                50.0
            };
            let margin = self.received_dbm + if self.rate_gbit_s > 50.0 { 35.5 } else { 38.5 };
            self.bit_error_ratio = 10.0_f64.powf(-3.0 - 1.1 * margin).clamp(1e-15, 0.5);
            let data = self.rate_gbit_s / 8.0 * seconds * traffic;
            self.sent_gb += data * random.between(0.9, 1.0);
            self.received_gb += data * random.between(0.8, 1.0);
        } else {
            self.pointing_error_urad = 0.0;
            self.received_dbm = -62.0 + random.noise(0.8);
            self.rate_gbit_s = 0.0;
            self.bit_error_ratio = 1.0;
            self.outage_s += seconds;
        }
        change
    }

    fn change(&mut self, random: &mut Random) -> LinkChange {
        if self.left_s > 0.0 {
            return LinkChange::None;
        }
        match self.state {
            LinkState::Tracking => {
                self.state = LinkState::Lost;
                self.left_s = random.between(3.0, 20.0);
                LinkChange::Lost
            }
            LinkState::Lost => {
                self.state = LinkState::Acquiring;
                self.left_s = random.between(15.0, 90.0);
                LinkChange::None
            }
            LinkState::Acquiring => {
                self.state = LinkState::Tracking;
                self.acquisitions = self.acquisitions.wrapping_add(1);
                // Outages come at random: the time between them is exponential.
                let mean = if self.cross_plane {
                    TRACKING_S
                } else {
                    4.0 * TRACKING_S
                };
                self.left_s = 60.0 - (1.0 - random.unit()).ln() * mean;
                LinkChange::Acquired
            }
        }
    }
}

/// The Ka-band transponder at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Radio {
    pub(crate) locked: bool,
    pub(crate) signal_to_noise_db: f64,
    pub(crate) received_dbm: f64,
    pub(crate) doppler_hz: f64,
    pub(crate) downlink_bit_s: u32,
    /// Value in the XTCE file's list.
    pub(crate) modulation: u8,
    pub(crate) amplifier_temperature: f64,
    pub(crate) commands_accepted: u16,
    pub(crate) commands_rejected: u16,
    distance_km: Option<f64>,
}

impl Radio {
    pub(crate) fn new() -> Self {
        Self {
            locked: false,
            signal_to_noise_db: 0.0,
            received_dbm: -140.0,
            doppler_hz: 0.0,
            downlink_bit_s: 0,
            modulation: 0,
            amplifier_temperature: 12.0,
            commands_accepted: 0,
            commands_rejected: 0,
            distance_km: None,
        }
    }

    pub(crate) fn step(
        &mut self,
        seconds: f64,
        elevation_deg: f64,
        distance_km: f64,
        random: &mut Random,
    ) {
        let before = self.distance_km.replace(distance_km);
        self.locked = elevation_deg > 5.0;
        let heated = if self.locked { 38.0 } else { 12.0 };
        self.amplifier_temperature += (heated - self.amplifier_temperature) * seconds / 240.0;
        if !self.locked {
            (self.signal_to_noise_db, self.doppler_hz) = (0.0, 0.0);
            (self.downlink_bit_s, self.modulation) = (0, 0);
            self.received_dbm = -140.0 + random.noise(0.5);
            return;
        }
        let speed_m_s = before.map_or(0.0, |before| (before - distance_km) * 1_000.0 / seconds);
        self.doppler_hz = speed_m_s / LIGHT_M_S * UPLINK_HZ + random.noise(2.0);
        // Rain and air take more at low elevation.
        let air = 0.6 / elevation_deg.to_radians().sin();
        self.received_dbm = -88.0 - 20.0 * (distance_km / 560.0).log10() - air + random.noise(0.2);
        self.signal_to_noise_db = self.received_dbm + 112.0;
        (self.modulation, self.downlink_bit_s) = match self.signal_to_noise_db {
            signal if signal > 20.0 => (4, 1_200_000_000),
            signal if signal > 17.0 => (3, 800_000_000),
            signal if signal > 13.0 => (2, 600_000_000),
            _ => (1, 300_000_000),
        };
        if random.happens(seconds / 45.0) {
            self.commands_accepted = self.commands_accepted.wrapping_add(1);
        }
        if random.happens(seconds / 4_000.0) {
            self.commands_rejected = self.commands_rejected.wrapping_add(1);
        }
    }
}

const TRACKING_S: f64 = 2_700.0;
const LIGHT_M_S: f64 = 299_792_458.0;
const UPLINK_HZ: f64 = 29.5e9;
