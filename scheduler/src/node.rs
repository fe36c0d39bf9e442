//! Orbital compute nodes: battery, array, radiator and accelerators, simulated forward in bins of
//! 60 s through eclipses.
//!
//! All electric power ends as heat in the radiator's loop: C dT/dt = P - e s A (T^4 - Ts^4). The
//! battery's energy is exact within a bin, whose parts begin where sunlight or a fixed load
//! changes; the temperature follows by the classical Runge-Kutta method.

mod simulate;

pub use simulate::BIN;
pub(crate) use simulate::{Bins, Limit, State, check_node};

use serde::{Deserialize, Serialize};

use crate::interval::Interval;

/// A battery.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Battery {
    /// Energy when full, in J.
    pub capacity_j: f64,
    /// Stored energy for energy that comes in, above 0 to 1.
    pub charge_efficiency: f64,
    /// Energy that goes out for stored energy, above 0 to 1.
    pub discharge_efficiency: f64,
    /// The most power that charges it, in W.
    pub charge_power_max_w: f64,
    /// At the start of the plan, 0 to 1.
    pub initial_state_of_charge: f64,
    /// Never below, 0 to 1.
    pub state_of_charge_min: f64,
    /// The most that is drawn between two times of charging, as a part of the capacity.
    pub depth_of_discharge_max: f64,
}

/// A radiator and the loop that feeds it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Radiator {
    /// Area that radiates, in m2.
    pub area_m2: f64,
    /// Emissivity, 0 to 1.
    pub emissivity: f64,
    /// What it faces in sunlight, in K.
    pub sink_sunlit_k: f64,
    /// What it faces in shadow, in K.
    pub sink_shadow_k: f64,
    /// Heat capacity of radiator and loop, in J/K.
    pub heat_capacity_j_k: f64,
    /// At the start of the plan, in K.
    pub initial_k: f64,
    /// Never above, in K.
    pub temperature_max_k: f64,
}

/// How accelerators can be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerMode {
    /// Its name.
    pub name: String,
    /// Power of one accelerator at work, in W.
    pub power_w: f64,
    /// Work done in a second, against a job's duration; above 0.
    pub speed: f64,
}

/// Power that is drawn whatever the jobs, as by a transmitter during a contact.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedLoad {
    /// From when to when.
    pub interval: Interval,
    /// In W.
    pub power_w: f64,
}

/// A compute node in orbit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its number; unique.
    pub id: u32,
    /// The satellite that it is, or is part of.
    pub satellite: u32,
    /// The battery.
    pub battery: Battery,
    /// Power of the solar array in sunlight, in W.
    pub array_power_w: f64,
    /// The radiator.
    pub radiator: Radiator,
    /// What the platform draws without jobs and contacts, in W.
    pub idle_power_w: f64,
    /// How many accelerators it has.
    pub accelerators: u32,
    /// Memory for jobs.
    pub memory_octets: u64,
    /// How its accelerators can be run.
    pub modes: Vec<PowerMode>,
    /// What jobs may ask for.
    pub labels: Vec<String>,
    /// When the array has no light: umbra, and penumbra to be safe.
    pub eclipses: Vec<Interval>,
    /// When no job runs, as in safe mode.
    pub unavailable: Vec<Interval>,
    /// Loads of contacts and the like.
    pub loads: Vec<FixedLoad>,
}
