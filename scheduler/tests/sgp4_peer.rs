//! SGP4 beside python-sgp4, over orbits of every kind, and our OMM read by another.

use std::process::Command;

use scheduler::orbit::{Elements, Orbit, write_omm_json};
use space_link::time::UtcMicros;

/// Error, position and velocity.
type Answer = (u32, Option<[f64; 3]>, Option<[f64; 3]>);

const MINUTES: [i64; 6] = [-1_500, 0, 95, 1_441, 4_320, 28_800];

/// Near and deep, round and long, resonant and not, with much drag and with none.
fn orbits() -> Vec<Elements> {
    let epoch: UtcMicros = "2025-03-11T12:34:56.789012Z".parse().unwrap();
    let mut found = Vec::new();
    for (index, mean_motion) in [16.2, 15.5, 14.2, 13.0, 9.0, 6.39, 3.0, 2.006, 1.0027, 0.4]
        .into_iter()
        .enumerate()
    {
        for (which, eccentricity) in [1e-5, 0.001, 0.05, 0.2, 0.7].into_iter().enumerate() {
            for (turn, inclination_deg) in [0.01, 28.5, 63.4, 98.2, 179.0].into_iter().enumerate() {
                let number = (index * 25 + which * 5 + turn) as u32;
                found.push(Elements {
                    name: format!("ORBIT-{number}").into(),
                    object_id: "2025-001A".into(),
                    catalogue_number: Some(100_000 + number),
                    epoch,
                    mean_motion,
                    eccentricity,
                    inclination_deg,
                    ascending_node_deg: f64::from(number * 37 % 360),
                    pericenter_deg: f64::from(number * 101 % 360),
                    mean_anomaly_deg: f64::from(number * 53 % 360),
                    bstar: [0.0, 1e-5, 2e-4][number as usize % 3],
                    mean_motion_dot: 0.0,
                });
            }
        }
    }
    found
}

#[test]
fn states_are_those_of_python_sgp4() {
    let Some(python) = tests::python() else {
        return;
    };
    let elements = orbits();
    let folder = std::env::temp_dir().join(format!("passline-sgp4-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("omm.json");
    std::fs::write(&file, write_omm_json(&elements).unwrap()).unwrap();
    let script = tests::workspace().join("tests/peers/sgp4_states.py");
    let said = tests::succeed(
        Command::new(python)
            .arg(script)
            .arg(&file)
            .args(MINUTES.map(|minutes| minutes.to_string())),
    );
    std::fs::remove_dir_all(folder).unwrap();
    let answers: Vec<Vec<Answer>> = serde_json::from_str(&said).unwrap();
    assert_eq!(answers.len(), elements.len());
    let (mut compared, mut refused, mut worst) = (0, 0, 0.0_f64);
    for (elements, answers) in elements.iter().zip(&answers) {
        for (minutes, (error, position, _)) in MINUTES.iter().zip(answers) {
            let at = UtcMicros::new(elements.epoch.get() + minutes * 60_000_000);
            let found = Orbit::from_elements(elements).and_then(|orbit| orbit.state(at));
            match (found, error) {
                (Ok(state), 0) => {
                    compared += 1;
                    for (ours, theirs) in state.position_km.iter().zip(position.unwrap()) {
                        worst = worst.max((ours - theirs).abs());
                    }
                }
                (Err(_), 1..) => refused += 1,
                // The peer refuses what is below the surface as we do, within rounding.
                (found, error) => {
                    panic!("{} {minutes} min: {found:?}, peer {error}", elements.name)
                }
            }
        }
    }
    eprintln!("{compared} states within {worst:.1e} km, {refused} refused by both");
    assert!(compared > 900, "{compared}");
    assert!(refused > 50, "{refused}");
    assert!(worst < 1e-5, "{worst} km");
}
