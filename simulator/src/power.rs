//! Solar array, battery and bus of a 100 kW-class node; powers in W, energies in J.

use crate::random::Random;

/// How the load is managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PowerMode {
    Safe,
    Nominal,
    BatterySaving,
}

/// What all loads take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub(crate) compute: f64,
    pub(crate) thermal: f64,
    pub(crate) communication: f64,
    pub(crate) platform: f64,
}

impl Load {
    pub(crate) fn total(&self) -> f64 {
        self.compute + self.thermal + self.communication + self.platform
    }
}

/// Array, battery and bus at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Power {
    pub(crate) mode: PowerMode,
    pub(crate) load: Load,
    pub(crate) array_available: f64,
    pub(crate) array_power: f64,
    pub(crate) array_temperature_k: f64,
    pub(crate) sun_angle_deg: f64,
    /// Into the battery at its terminals.
    pub(crate) battery_power: f64,
    pub(crate) battery_energy: f64,
    pub(crate) battery_temperature_c: f64,
    pub(crate) heater: bool,
    pub(crate) array_energy: f64,
    pub(crate) load_energy: f64,
    /// Turned to heat inside the battery.
    pub(crate) loss_energy: f64,
}

impl Power {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            mode: PowerMode::Nominal,
            load: Load::default(),
            array_available: 0.0,
            array_power: 0.0,
            array_temperature_k: 280.0,
            sun_angle_deg: 1.0,
            battery_power: 0.0,
            battery_energy: BATTERY_CAPACITY_J * random.between(0.80, 0.90),
            battery_temperature_c: 21.0,
            heater: false,
            array_energy: 0.0,
            load_energy: 0.0,
            loss_energy: 0.0,
        }
    }

    /// One step: the array covers the load, the battery takes or gives the rest.
    pub(crate) fn step(
        &mut self,
        seconds: f64,
        illumination: f64,
        load: Load,
        random: &mut Random,
    ) {
        self.load = load;
        self.sun_angle_deg = (self.sun_angle_deg + random.noise(0.05)).clamp(0.2, 4.0);
        let cosine = self.sun_angle_deg.to_radians().cos();
        let cells = 1.0 - CELL_LOSS_PER_K * (self.array_temperature_k - 301.15);
        self.array_available = ARRAY_POWER_W * illumination * cosine * cells;

        let wanted = load.total();
        let charge_limit = self.charge_limit();
        self.array_power = self.array_available.min(wanted + charge_limit);
        self.battery_power = self.array_power - wanted;
        let stored = if self.battery_power >= 0.0 {
            self.battery_power * BATTERY_EFFICIENCY
        } else {
            self.battery_power / BATTERY_EFFICIENCY
        } * seconds;
        let before = self.battery_energy;
        self.battery_energy = (before + stored).clamp(0.0, BATTERY_CAPACITY_J);
        self.loss_energy += self.battery_power * seconds - (self.battery_energy - before);
        self.array_energy += self.array_power * seconds;
        self.load_energy += wanted * seconds;

        self.warm_array(seconds, illumination * cosine);
        self.warm_battery(seconds);
        self.mode = self.next_mode();
    }

    pub(crate) fn state_of_charge(&self) -> f64 {
        self.battery_energy / BATTERY_CAPACITY_J
    }

    /// The bus hangs on the battery: 80 cells in series and their resistance.
    pub(crate) fn bus_voltage(&self) -> f64 {
        let open = CELLS_IN_SERIES * (3.35 + 0.75 * self.state_of_charge());
        // P = V I with V = open + R I, solved for V.
        let under_root = open * open + 4.0 * BATTERY_RESISTANCE_OHM * self.battery_power;
        (open + under_root.max(0.0).sqrt()) / 2.0
    }

    /// Heater power, part of the next step's load.
    pub(crate) fn heater_power(&self) -> f64 {
        if self.heater { HEATER_POWER_W } else { 0.0 }
    }

    fn charge_limit(&self) -> f64 {
        // Constant voltage at the end of charge: the last twentieth tapers off.
        let room = (1.0 - self.state_of_charge()) / 0.05;
        CHARGE_POWER_W * room.clamp(0.0, 1.0)
    }

    fn next_mode(&self) -> PowerMode {
        let charge = self.state_of_charge();
        match self.mode {
            _ if charge < 0.15 => PowerMode::Safe,
            PowerMode::Nominal if charge < 0.57 => PowerMode::BatterySaving,
            PowerMode::BatterySaving if charge > 0.65 => PowerMode::Nominal,
            PowerMode::Safe if charge > 0.40 => PowerMode::BatterySaving,
            mode => mode,
        }
    }

    fn warm_array(&mut self, seconds: f64, sun: f64) {
        let absorbed = 0.90 * SOLAR_CONSTANT_W_M2 * sun + EARTH_FLUX_W_M2;
        let drawn = self.array_power / ARRAY_AREA_M2;
        let radiated = 2.0 * 0.85 * STEFAN_BOLTZMANN * self.array_temperature_k.powi(4);
        self.array_temperature_k += (absorbed - drawn - radiated) / ARRAY_HEAT_J_M2_K * seconds;
    }

    fn warm_battery(&mut self, seconds: f64) {
        let lost = if self.battery_power >= 0.0 {
            self.battery_power * (1.0 - BATTERY_EFFICIENCY)
        } else {
            -self.battery_power * (1.0 / BATTERY_EFFICIENCY - 1.0)
        };
        let cooled = BATTERY_COOLING_W_K * (self.battery_temperature_c - 14.0);
        let heat = lost + self.heater_power() - cooled;
        self.battery_temperature_c += heat / BATTERY_HEAT_J_K * seconds;
        self.heater = match self.heater {
            true => self.battery_temperature_c < 17.0,
            false => self.battery_temperature_c < 15.5,
        };
    }
}

pub(crate) const BATTERY_CAPACITY_J: f64 = 100_000.0 * 3_600.0;
pub(crate) const STEFAN_BOLTZMANN: f64 = 5.670_374_419e-8;
const BATTERY_EFFICIENCY: f64 = 0.97;
const BATTERY_RESISTANCE_OHM: f64 = 0.012;
const BATTERY_HEAT_J_K: f64 = 900_000.0;
const BATTERY_COOLING_W_K: f64 = 190.0;
const CELLS_IN_SERIES: f64 = 80.0;
const CHARGE_POWER_W: f64 = 75_000.0;
const HEATER_POWER_W: f64 = 400.0;
const ARRAY_POWER_W: f64 = 172_000.0;
const ARRAY_AREA_M2: f64 = 430.0;
const ARRAY_HEAT_J_M2_K: f64 = 2_600.0;
const CELL_LOSS_PER_K: f64 = 0.002_2;
const SOLAR_CONSTANT_W_M2: f64 = 1_361.0;
const EARTH_FLUX_W_M2: f64 = 90.0;
