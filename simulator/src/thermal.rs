//! Coolant loops and radiators: heat from the cold plates goes round with the coolant, through
//! four panels in series, and leaves by radiation.

use crate::power::STEFAN_BOLTZMANN;
use crate::random::Random;

pub(crate) const LOOPS: usize = 4;
pub(crate) const PANELS: usize = 4;

/// State of a pump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PumpState {
    Running,
    Degraded,
}

/// One loop at one moment; temperatures in degrees Celsius unless named otherwise.
#[derive(Clone, Debug)]
pub(crate) struct CoolantLoop {
    pub(crate) pump: PumpState,
    pub(crate) flow_kg_s: f64,
    pub(crate) supply: f64,
    pub(crate) returned: f64,
    pub(crate) panels: [f64; PANELS],
    pub(crate) sink_k: f64,
    pub(crate) heat_collected: f64,
    pub(crate) heat_rejected: f64,
    /// What the panels' paint still emits, by age.
    emissivity: f64,
    /// Seconds until the pump changes state.
    pump_change_s: f64,
}

impl CoolantLoop {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            pump: PumpState::Running,
            flow_kg_s: 0.8,
            supply: 24.0,
            returned: 31.0,
            panels: [27.0, 25.0, 23.0, 21.0],
            sink_k: 210.0,
            heat_collected: 0.0,
            heat_rejected: 0.0,
            emissivity: random.between(0.80, 0.88),
            pump_change_s: random.between(1.0, 12.0) * 3_600.0,
        }
    }

    /// One step: `heat` comes in through the cold plates.
    pub(crate) fn step(&mut self, seconds: f64, heat: f64, illumination: f64, random: &mut Random) {
        self.heat_collected = heat;
        self.step_pump(seconds, random);
        // The panels stand edge-on to the Sun: they see the Earth and, by day, its albedo.
        let sink = 188.0 + 34.0 * illumination;
        self.sink_k += (sink - self.sink_k) * seconds / 300.0;

        let capacity_rate = self.flow_kg_s * COOLANT_J_KG_K;
        self.returned = self.supply + heat / capacity_rate;
        let effectiveness = 1.0 - (-PANEL_EXCHANGE_W_K / capacity_rate).exp();
        let mut coolant = self.returned;
        let mut rejected = 0.0;
        for panel in &mut self.panels {
            let taken = effectiveness * capacity_rate * (coolant - *panel);
            let kelvin = *panel + KELVIN;
            let radiated = self.emissivity
                * STEFAN_BOLTZMANN
                * PANEL_AREA_M2
                * (kelvin.powi(4) - self.sink_k.powi(4));
            *panel += (taken - radiated) / PANEL_HEAT_J_K * seconds;
            coolant -= taken / capacity_rate;
            rejected += radiated;
        }
        self.heat_rejected = rejected;
        self.supply += (coolant - self.supply) * self.flow_kg_s / COOLANT_KG * seconds;
    }

    /// Heat in coolant and panels, from an arbitrary zero.
    #[cfg(test)]
    pub(crate) fn stored_heat(&self) -> f64 {
        self.supply * COOLANT_KG * COOLANT_J_KG_K + self.panels.iter().sum::<f64>() * PANEL_HEAT_J_K
    }

    pub(crate) fn pump_speed_rpm(&self) -> f64 {
        let slip = if self.pump == PumpState::Degraded {
            1.12
        } else {
            1.0
        };
        self.flow_kg_s * 4_600.0 * slip
    }

    pub(crate) fn pump_power(&self) -> f64 {
        60.0 + 320.0 * (self.pump_speed_rpm() / 4_600.0).powi(3)
    }

    pub(crate) fn pressure_kpa(&self) -> f64 {
        250.0 + 1.4 * (self.supply - 20.0) + 25.0 * self.flow_kg_s
    }

    fn step_pump(&mut self, seconds: f64, random: &mut Random) {
        self.pump_change_s -= seconds;
        if self.pump_change_s <= 0.0 {
            (self.pump, self.pump_change_s) = match self.pump {
                PumpState::Running => (PumpState::Degraded, random.between(300.0, 1_500.0)),
                PumpState::Degraded => (PumpState::Running, random.between(4.0, 20.0) * 3_600.0),
            };
        }
        let most = if self.pump == PumpState::Degraded {
            0.62
        } else {
            1.2
        };
        // The controller holds 7 K across the cold plates.
        let wanted = (self.heat_collected / (COOLANT_J_KG_K * 7.0)).clamp(0.25, most);
        self.flow_kg_s += (wanted - self.flow_kg_s) * seconds / 15.0;
    }
}

pub(crate) const KELVIN: f64 = 273.15;
const COOLANT_J_KG_K: f64 = 3_400.0;
const COOLANT_KG: f64 = 45.0;
/// Both sides of a panel radiate.
const PANEL_AREA_M2: f64 = 15.0;
const PANEL_HEAT_J_K: f64 = 40_000.0;
const PANEL_EXCHANGE_W_K: f64 = 1_900.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_in_is_heat_out_plus_heat_stored() {
        let mut random = Random::new(3, 0);
        let mut coolant = CoolantLoop::new(&mut random);
        let before = coolant.stored_heat();
        let (mut collected, mut rejected) = (0.0, 0.0);
        for second in 0..20_000_u32 {
            let heat = if second % 4_000 < 2_000 {
                22_000.0
            } else {
                6_000.0
            };
            coolant.step(1.0, heat, f64::from(second % 2), &mut random);
            collected += heat;
            rejected += coolant.heat_rejected;
        }
        let kept = coolant.stored_heat() - before;
        assert!((collected - rejected - kept).abs() < 1e-6 * collected);
    }

    #[test]
    fn panels_get_cooler_towards_the_outlet_and_settle_where_radiation_balances() {
        let mut random = Random::new(4, 0);
        let mut coolant = CoolantLoop::new(&mut random);
        for _ in 0..9_000 {
            coolant.step(1.0, 21_000.0, 1.0, &mut random);
        }
        assert!(
            coolant.panels.is_sorted_by(|a, b| a > b),
            "{:?}",
            coolant.panels
        );
        assert!((coolant.heat_rejected - 21_000.0).abs() < 200.0);
        assert!((0.0..60.0).contains(&coolant.panels[0]));
    }
}
