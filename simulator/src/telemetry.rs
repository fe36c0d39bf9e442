//! What each packet of `schemas/missions/orbital-compute` holds, in the order of its container.
//!
//! Written from the packet definitions, not from the XTCE file: a test decodes the packets with the
//! file and compares every value.

use crate::compute::{Accelerator, AcceleratorState, Throttle};
use crate::jobs::{Job, JobKind, JobState};
use crate::links::{LinkState, Terminal};
use crate::node::{Eclipse, Event, Node, Severity, Source};
use crate::power::PowerMode;
use crate::sink::Sink;
use crate::thermal::{KELVIN, PumpState};

pub(crate) fn housekeeping(node: &Node, out: &mut impl Sink) {
    let (raw, label) = match node.power.mode {
        PowerMode::Safe => (0, "safe"),
        PowerMode::Nominal | PowerMode::BatterySaving => (2, "compute"),
    };
    out.label("spacecraft_mode", 4, raw, label);
    out.label("processor_side", 1, 0, "a");
    out.flag(
        "in_south_atlantic_anomaly",
        node.orbit.in_south_atlantic_anomaly(),
    );
    out.flag("time_synchronised", true);
    out.flag("recorder_recording", true);
    out.unsigned("software_version", 16, 2_107);
    out.unsigned("boot_count", 16, u64::from(node.boot_count));
    out.unsigned(
        "uptime",
        32,
        (node.uptime_at_start_s + node.elapsed_s) as u64,
    );
    out.scaled("processor_load", 8, 0.5, node.processor_load);
    out.unsigned(
        "processor_memory_free",
        16,
        (3_900.0 - 14.0 * node.processor_load) as u64,
    );
    out.scaled_signed(
        "processor_temperature",
        16,
        0.01,
        node.processor_temperature,
    );
    out.scaled(
        "supply_3v3_voltage",
        12,
        0.001,
        3.312 - 0.000_2 * node.processor_load,
    );
    out.scaled(
        "supply_12v_voltage",
        12,
        0.004,
        12.06 - 0.000_4 * node.processor_load,
    );
    out.scaled("recorder_fill", 16, 0.01, node.recorder_fill);
    out.scaled("storage_used", 16, 0.01, node.storage_tb);
    out.scaled("radiation_dose", 32, 0.001, node.dose_gy);
    out.counter("processor_upsets", 32, u64::from(node.processor_upsets));
    out.counter(
        "commands_accepted",
        16,
        u64::from(node.radio.commands_accepted),
    );
    out.counter(
        "commands_rejected",
        16,
        u64::from(node.radio.commands_rejected),
    );
}

pub(crate) fn power(node: &Node, out: &mut impl Sink) {
    let power = &node.power;
    let (eclipse, eclipse_label) = match node.eclipse {
        Eclipse::Sunlight => (0, "sunlight"),
        Eclipse::Penumbra => (1, "penumbra"),
        Eclipse::Umbra => (2, "umbra"),
    };
    out.label("eclipse", 2, eclipse, eclipse_label);
    let (mode, label) = match power.mode {
        PowerMode::Safe => (0, "safe"),
        PowerMode::Nominal => (1, "nominal"),
        PowerMode::BatterySaving => (2, "battery_saving"),
    };
    out.label("power_mode", 2, mode, label);
    let charge = power.state_of_charge();
    let (mode, label) = match power.battery_power {
        into if into < -1.0 => (2, "discharging"),
        _ if charge > 0.995 => (3, "full"),
        into if into > 1.0 => (1, "charging"),
        _ => (0, "idle"),
    };
    out.label("battery_mode", 2, mode, label);
    out.flag("battery_heater", power.heater);
    out.flag("array_tracking", node.eclipse == Eclipse::Sunlight);
    out.counter("eclipse_number", 16, u64::from(node.eclipse_number));
    let elapsed = if node.eclipse == Eclipse::Sunlight {
        0.0
    } else {
        node.elapsed_s - node.eclipse_began_s
    };
    out.unsigned("eclipse_elapsed", 16, elapsed as u64);
    let bus = power.bus_voltage();
    // The regulator works the array a little above the bus.
    let array_voltage = if power.array_power > 0.0 {
        bus + 14.0
    } else {
        0.0
    };
    out.scaled("array_voltage", 16, 0.01, array_voltage);
    out.scaled(
        "array_current",
        16,
        0.01,
        ratio(power.array_power, array_voltage),
    );
    out.unsigned("array_power", 24, power.array_power.round() as u64);
    out.unsigned(
        "array_power_available",
        24,
        power.array_available.round() as u64,
    );
    out.scaled_signed(
        "array_temperature",
        16,
        0.01,
        power.array_temperature_k - KELVIN,
    );
    out.scaled("array_sun_angle", 16, 0.01, power.sun_angle_deg);
    out.scaled("battery_state_of_charge", 16, 0.01, 100.0 * charge);
    out.unsigned(
        "battery_energy",
        24,
        (power.battery_energy / 3_600.0).round() as u64,
    );
    out.scaled("battery_voltage", 16, 0.01, bus);
    out.scaled_signed("battery_current", 16, 0.02, ratio(power.battery_power, bus));
    out.signed("battery_power", 24, power.battery_power);
    out.sensor(
        "battery_temperature",
        12,
        thermistor_counts,
        0.2,
        power.battery_temperature_c,
    );
    out.unsigned("battery_strings_online", 4, 12);
    let load = power.load;
    out.scaled("bus_voltage", 16, 0.01, bus);
    out.scaled("bus_current", 16, 0.01, ratio(load.total(), bus));
    out.unsigned("bus_power", 24, load.total().round() as u64);
    out.unsigned("compute_power", 24, load.compute.round() as u64);
    out.unsigned("thermal_power", 16, load.thermal.round() as u64);
    out.unsigned("communication_power", 16, load.communication.round() as u64);
    out.unsigned("platform_power", 16, load.platform.round() as u64);
    out.scaled("array_energy_total", 32, 0.1, power.array_energy / 3_600.0);
    out.scaled("load_energy_total", 32, 0.1, power.load_energy / 3_600.0);
}

pub(crate) fn thermal(node: &Node, index: usize, out: &mut impl Sink) {
    let coolant = &node.loops[index];
    let (first, held) = node.on_loop(index);
    out.unsigned("coolant_loop", 8, index as u64 + 1);
    let (state, label) = match coolant.pump {
        PumpState::Running => (1, "running"),
        PumpState::Degraded => (2, "degraded"),
    };
    out.label("pump_state", 2, state, label);
    out.flag("leak_detected", false);
    let throttled = held
        .iter()
        .filter(|one| one.throttle != Throttle::None)
        .count();
    out.unsigned("accelerators_throttled", 5, throttled as u64);
    out.unsigned("pump_speed", 16, coolant.pump_speed_rpm().round() as u64);
    out.scaled("pump_power", 16, 0.1, coolant.pump_power());
    out.scaled("coolant_flow", 16, 0.001, coolant.flow_kg_s);
    out.scaled("coolant_pressure", 16, 0.1, coolant.pressure_kpa());
    out.scaled_signed("coolant_supply_temperature", 16, 0.01, coolant.supply);
    out.scaled_signed("coolant_return_temperature", 16, 0.01, coolant.returned);
    out.unsigned("heat_collected", 16, coolant.heat_collected.round() as u64);
    out.unsigned("heat_rejected", 16, coolant.heat_rejected.round() as u64);
    for (name, panel) in PANEL_NAMES.into_iter().zip(coolant.panels) {
        out.sensor(name, 12, radiator_counts, 0.05, panel);
    }
    out.scaled("radiator_sink_temperature", 16, 0.01, coolant.sink_k);
    let mean = held.iter().map(|one| one.temperature).sum::<f64>() / held.len().max(1) as f64;
    let (hottest, highest) = held
        .iter()
        .enumerate()
        .fold((0, f64::MIN), |best, (index, one)| {
            if one.temperature > best.1 {
                (index, one.temperature)
            } else {
                best
            }
        });
    out.scaled_signed("gpu_temperature_mean", 16, 0.01, mean);
    out.scaled_signed("gpu_temperature_maximum", 16, 0.01, highest);
    out.unsigned("hottest_accelerator", 8, (first + hottest) as u64 + 1);
}

pub(crate) fn compute_node(accelerator: &Accelerator, index: usize, out: &mut impl Sink) {
    out.unsigned("accelerator", 8, index as u64 + 1);
    let (state, label) = match accelerator.state {
        AcceleratorState::Off => (0, "off"),
        AcceleratorState::Idle => (1, "idle"),
        AcceleratorState::Busy => (2, "busy"),
        AcceleratorState::Throttled => (3, "throttled"),
        AcceleratorState::Resetting => (4, "resetting"),
    };
    out.label("accelerator_state", 4, state, label);
    let (reason, label) = match accelerator.throttle {
        Throttle::None => (0, "none"),
        Throttle::Temperature => (1, "temperature"),
        Throttle::Power => (2, "power"),
    };
    out.label("throttle_reason", 4, reason, label);
    out.unsigned("job_id", 32, u64::from(accelerator.job_id));
    out.scaled("utilisation", 8, 0.5, 100.0 * accelerator.utilisation);
    out.scaled(
        "memory_bandwidth_utilisation",
        8,
        0.5,
        100.0 * accelerator.bandwidth,
    );
    out.scaled("memory_used", 16, 0.01, accelerator.memory_gib);
    out.scaled("accelerator_power", 16, 0.05, accelerator.power);
    out.scaled("core_voltage", 16, 0.000_1, accelerator.voltage());
    out.scaled("core_current", 16, 0.02, accelerator.current());
    out.unsigned("core_clock", 16, accelerator.clock_mhz.round() as u64);
    out.scaled_signed("gpu_temperature", 16, 0.01, accelerator.temperature);
    out.scaled_signed(
        "memory_temperature",
        16,
        0.01,
        accelerator.memory_temperature,
    );
    out.counter(
        "memory_errors_corrected",
        32,
        u64::from(accelerator.corrected),
    );
    out.counter(
        "memory_errors_uncorrected",
        16,
        u64::from(accelerator.uncorrected),
    );
    out.counter("single_event_upsets", 16, u64::from(accelerator.upsets));
    out.counter("resets", 8, u64::from(accelerator.resets));
    out.scaled("fabric_rate", 16, 0.1, accelerator.fabric_gbit_s);
    out.scaled("accelerator_energy", 32, 0.1, accelerator.energy / 3_600.0);
}

pub(crate) fn compute_job(node: &Node, job: &Job, tokens_per_second: f64, out: &mut impl Sink) {
    let template = job.template;
    out.unsigned("job_id", 32, u64::from(job.id));
    out.text("job_name", 16, template.name);
    let (kind, label) = match template.kind {
        JobKind::Training => (1, "training"),
        JobKind::Inference => (2, "inference"),
        JobKind::Batch => (3, "batch"),
    };
    out.label("kind", 4, kind, label);
    let (state, label) = match job.state {
        JobState::Running => (1, "running"),
        JobState::Checkpointing => (2, "checkpointing"),
        JobState::Completed => (4, "completed"),
        JobState::Failed => (5, "failed"),
    };
    out.label("state", 4, state, label);
    out.unsigned("priority", 8, u64::from(template.priority));
    out.unsigned("accelerators", 8, template.accelerators as u64);
    out.counter("restarts", 8, u64::from(job.restarts));
    out.unsigned(
        "started",
        32,
        (node.start_unix_s + job.started_s).max(0.0) as u64,
    );
    out.scaled("progress", 16, 0.01, job.progress_percent());
    out.unsigned("steps", 32, job.steps as u64);
    out.unsigned("steps_total", 32, job.steps_total as u64);
    out.float("loss", job.loss());
    out.unsigned("tokens", 48, job.tokens as u64);
    out.float("tokens_per_second", tokens_per_second);
    out.unsigned("energy", 48, job.energy as u64);
    out.scaled("job_power", 24, 0.1, job.power);
    out.unsigned("checkpoint_step", 32, job.checkpoint_step as u64);
    out.unsigned(
        "checkpoint_age",
        32,
        (node.elapsed_s - job.checkpoint_s) as u64,
    );
    let size = if job.checkpoints > 0 {
        template.checkpoint_gib
    } else {
        0.0
    };
    out.scaled("checkpoint_size", 16, 0.1, size);
}

pub(crate) fn optical_link(terminal: &Terminal, index: usize, out: &mut impl Sink) {
    let tracking = terminal.state == LinkState::Tracking;
    out.unsigned("terminal", 8, index as u64 + 1);
    out.text("peer", 8, &terminal.peer);
    let (state, label) = match terminal.state {
        LinkState::Acquiring => (2, "acquiring"),
        LinkState::Tracking => (3, "tracking"),
        LinkState::Lost => (4, "lost"),
    };
    out.label("link_state", 4, state, label);
    out.flag("beacon_detected", tracking);
    out.flag("laser_on", true);
    out.unsigned("link_protocol_version", 2, 1);
    out.scaled("rate", 16, 0.1, terminal.rate_gbit_s);
    out.float("bit_error_ratio", terminal.bit_error_ratio);
    out.scaled_signed("optical_received_power", 16, 0.01, terminal.received_dbm);
    out.scaled(
        "optical_transmit_power",
        16,
        0.001,
        if tracking { 3.2 } else { 1.0 },
    );
    out.scaled("peer_distance", 24, 0.001, terminal.distance_km);
    out.scaled_signed("azimuth", 16, 180.0 / 32_768.0, terminal.azimuth_deg);
    out.scaled_signed("elevation", 16, 180.0 / 32_768.0, terminal.elevation_deg);
    out.scaled("pointing_error", 16, 0.01, terminal.pointing_error_urad);
    out.counter("acquisitions", 16, u64::from(terminal.acquisitions));
    out.unsigned("outage_time", 32, terminal.outage_s as u64);
    out.scaled("data_sent", 32, 0.1, terminal.sent_gb);
    out.scaled("data_received", 32, 0.1, terminal.received_gb);
    out.scaled(
        "laser_current",
        16,
        0.1,
        142.0 + 0.8 * (terminal.laser_temperature - 24.0),
    );
    out.scaled_signed("laser_temperature", 16, 0.01, terminal.laser_temperature);
}

pub(crate) fn rf_link(node: &Node, frames_sent: u64, out: &mut impl Sink) {
    let radio = &node.radio;
    out.flag("carrier_lock", radio.locked);
    out.flag("symbol_lock", radio.locked);
    out.flag("command_lock", radio.locked);
    out.flag("transmitter_on", radio.locked);
    let label = ["none", "qpsk", "8psk", "16apsk", "32apsk"];
    let modulation = usize::from(radio.modulation).min(label.len() - 1);
    out.label("modulation", 4, modulation as u64, label[modulation]);
    out.scaled_signed("signal_to_noise", 16, 0.01, radio.signal_to_noise_db);
    out.unsigned("uplink_rate", 32, if radio.locked { 2_000_000 } else { 0 });
    out.unsigned("downlink_rate", 32, u64::from(radio.downlink_bit_s));
    out.scaled_signed("radio_received_power", 16, 0.01, radio.received_dbm);
    out.scaled(
        "radio_transmit_power",
        16,
        0.01,
        if radio.locked { 24.5 } else { 0.0 },
    );
    out.scaled_signed("doppler_offset", 32, 0.1, radio.doppler_hz);
    out.scaled(
        "amplifier_current",
        16,
        0.001,
        if radio.locked { 2.61 } else { 0.04 },
    );
    out.scaled_signed(
        "amplifier_temperature",
        16,
        0.01,
        radio.amplifier_temperature,
    );
    out.counter("frames_sent", 32, frames_sent);
    out.counter(
        "command_frames_accepted",
        16,
        u64::from(radio.commands_accepted),
    );
    out.counter(
        "command_frames_rejected",
        16,
        u64::from(radio.commands_rejected),
    );
}

pub(crate) fn attitude(node: &Node, out: &mut impl Sink) {
    out.label("attitude_mode", 4, 2, "nadir_pointing");
    out.flag("star_tracker_1_valid", true);
    out.flag(
        "star_tracker_2_valid",
        node.orbit.illumination < 1.0 || node.orbit.latitude_deg > 0.0,
    );
    out.flag("navigation_valid", true);
    out.flag("thruster_firing", false);
    for (name, part) in QUATERNION_NAMES.into_iter().zip(node.quaternion()) {
        out.float(name, part);
    }
    for (name, rate) in RATE_NAMES.into_iter().zip(node.rates_deg_s) {
        out.scaled_signed(name, 16, 0.000_1, rate);
    }
    out.scaled("attitude_error", 16, 0.001, node.attitude_error_deg);
    for (name, speed) in WHEEL_NAMES.into_iter().zip(node.wheel_rpm) {
        out.signed(name, 16, speed);
    }
    out.scaled_signed("latitude", 32, 1e-6, node.orbit.latitude_deg);
    out.scaled_signed("longitude", 32, 1e-6, node.orbit.longitude_deg);
    out.scaled("altitude", 24, 0.001, node.orbit.altitude_km());
}

pub(crate) fn event(event: &Event, out: &mut impl Sink) {
    let (severity, label) = match event.severity {
        Severity::Information => (0, "information"),
        Severity::Watch => (1, "watch"),
        Severity::Warning => (2, "warning"),
    };
    out.label("severity", 4, severity, label);
    let label = match event.source {
        Source::Power => "power",
        Source::Thermal => "thermal",
        Source::Compute => "compute",
        Source::Optical => "optical",
        Source::Radio => "radio",
    };
    out.label("source", 4, event.source as u64, label);
    out.unsigned("event_id", 16, u64::from(event.id));
    out.unsigned("subject", 32, u64::from(event.subject));
    let end = event.message.floor_char_boundary(MESSAGE_OCTETS_MAX);
    let message = &event.message[..end];
    out.unsigned("message_length", 8, message.len() as u64);
    out.characters("message", message.as_bytes(), message);
}

fn ratio(power: f64, volts: f64) -> f64 {
    if volts > 0.0 { power / volts } else { 0.0 }
}

/// Counts of the battery's thermistor: straight lines between points, hot is low.
fn thermistor_counts(celsius: f64) -> f64 {
    let segment = THERMISTOR
        .windows(2)
        .position(|pair| celsius >= pair[1].1)
        .unwrap_or(THERMISTOR.len() - 2);
    let (low, high) = (THERMISTOR[segment], THERMISTOR[segment + 1]);
    low.0 + (celsius - low.1) / (high.1 - low.1) * (high.0 - low.0)
}

/// Counts of a radiator's sensor, whose reading is -80 + 0.05 x - 1.25e-6 x^2.
fn radiator_counts(celsius: f64) -> f64 {
    let (a, b, c) = (-1.25e-6, 0.05, -80.0 - celsius);
    (-b + (b * b - 4.0 * a * c).max(0.0).sqrt()) / (2.0 * a)
}

const THERMISTOR: [(f64, f64); 8] = [
    (248.0, 75.0),
    (374.0, 60.0),
    (580.0, 45.0),
    (911.0, 30.0),
    (1_418.0, 15.0),
    (2_094.0, 0.0),
    (2_818.0, -15.0),
    (3_423.0, -30.0),
];
const PANEL_NAMES: [&str; 4] = [
    "radiator_panel_1_temperature",
    "radiator_panel_2_temperature",
    "radiator_panel_3_temperature",
    "radiator_panel_4_temperature",
];
const QUATERNION_NAMES: [&str; 4] = [
    "quaternion_x",
    "quaternion_y",
    "quaternion_z",
    "quaternion_w",
];
const RATE_NAMES: [&str; 3] = ["angular_rate_x", "angular_rate_y", "angular_rate_z"];
const WHEEL_NAMES: [&str; 4] = [
    "wheel_speed_1",
    "wheel_speed_2",
    "wheel_speed_3",
    "wheel_speed_4",
];
/// What the length octet can say.
const MESSAGE_OCTETS_MAX: usize = 255;

#[cfg(test)]
mod tests;
