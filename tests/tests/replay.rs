//! `passline replay` from outside: what it stores, twice, and killed at any moment.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use tests::lake::{parquet_files, replay, rows, simulated_pass, sql, tables};
use tests::random::Random;
use tests::{run, shared, succeed, workspace};

fn mission(name: &str) -> PathBuf {
    workspace().join("tests/missions").join(name)
}

#[test]
fn a_recorded_pass_becomes_tables() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    succeed(&mut replay(&recording, &mission("noaa20"), folder.path()));
    assert_eq!(sql(folder.path(), "SELECT count(*) FROM frames")[1], "1023");
    assert_eq!(sql(folder.path(), "SELECT count(*) FROM packets")[1], "285");
    let by_apid = sql(
        folder.path(),
        "SELECT virtual_channel, apid, count(*) FROM packets WHERE apid IN (528, 813) \
         GROUP BY virtual_channel, apid ORDER BY apid",
    );
    assert_eq!(by_apid[1..], ["1,528,14", "16,813,33"]);
    let span = sql(
        folder.path(),
        "SELECT min(time), max(time) FROM packets WHERE apid = 813",
    );
    assert!(span[1].starts_with("2024-12-06T16:28:08.182"), "{span:?}");
}

#[test]
fn replays_are_byte_identical() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    succeed(&mut replay(&recording, &mission, &one));
    succeed(&mut replay(&recording, &mission, &other));
    let files = parquet_files(&one);
    assert!(files.len() >= 10, "only {:?}", files.keys());
    let others = parquet_files(&other);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        others.keys().collect::<Vec<_>>()
    );
    for (path, content) in &files {
        assert!(content == &others[path], "{} differs", path.display());
    }
}

#[test]
fn replaying_again_adds_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let data = folder.path().join("data");
    succeed(&mut replay(&recording, &mission, &data));
    let before = (rows(&data), parquet_files(&data).len());
    assert!(before.0.len() >= 10, "only {:?}", tables(&data));
    succeed(&mut replay(&recording, &mission, &data));
    assert_eq!((rows(&data), parquet_files(&data).len()), before);
}

#[test]
fn two_recordings_share_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let Some(noaa20) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let Some(npp) = shared("recordings/cadu/npp.20241206T173815.dat") else {
        return;
    };
    succeed(&mut replay(&noaa20, &mission("noaa20"), folder.path()));
    succeed(&mut replay(&npp, &mission("snpp"), folder.path()));
    let frames = sql(
        folder.path(),
        "SELECT spacecraft, count(*), count(DISTINCT contact) FROM frames GROUP BY spacecraft \
         ORDER BY spacecraft",
    );
    assert_eq!(frames[1..], ["noaa20,1023,1", "snpp,1023,1"]);
}

#[test]
fn kill_at_any_moment_neither_loses_nor_repeats() {
    const KILLS: usize = 50;
    const KILLS_PER_FOLDER: usize = 5;
    const FOLDERS_MAX: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let undisturbed = folder.path().join("undisturbed");
    let started = Instant::now();
    succeed(&mut replay(&recording, &mission, &undisturbed));
    let mut whole = started.elapsed();
    let expected = rows(&undisturbed);
    let mut random = Random::from_environment();
    let mut killed = 0;
    for round in 0..FOLDERS_MAX {
        if killed >= KILLS {
            break;
        }
        let data = folder.path().join(format!("disturbed-{round}"));
        for _ in 0..KILLS_PER_FOLDER {
            let mut child = replay(&recording, &mission, &data)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(random.below(whole));
            // SIGKILL on Unix.
            child.kill().unwrap();
            if child.wait().unwrap().success() {
                // It was faster than the undisturbed one, on a machine that had less to do.
                whole = whole.mul_f64(0.8);
                break;
            }
            killed += 1;
        }
        succeed(&mut replay(&recording, &mission, &data));
        let found = rows(&data);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>()
        );
        for (table, lines) in &expected {
            assert!(
                lines == &found[table],
                "seed {}: {table} has {} rows, not {}",
                random.seed(),
                found[table].len(),
                lines.len()
            );
        }
    }
    eprintln!(
        "killed {killed} replays while they ran, seed {}",
        random.seed()
    );
    assert!(killed >= KILLS, "only {killed} were killed in time");
}

#[test]
fn bad_input_is_a_clear_error_or_an_anomaly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mission = mission("noaa20");
    let noise: Vec<u8> = (0..200_000_u64)
        .map(|i| (i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for (name, content) in [("empty", &[][..]), ("noise", &noise[..])] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let output = run(&mut replay(&path, &mission, &data));
        assert!(output.status.success(), "{name}: {output:?}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("no frame"), "{name}: {message}");
    }
    let absent = run(&mut replay(&folder.path().join("absent"), &mission, &data));
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("absent"));
    let directory = run(&mut replay(folder.path(), &mission, &data));
    assert_eq!(directory.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&directory.stderr).contains("not a file"));
    let no_mission = run(&mut replay(
        &folder.path().join("noise"),
        folder.path(),
        &data,
    ));
    assert_eq!(no_mission.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&no_mission.stderr).contains("mission.toml"));
}

#[test]
fn another_mission_for_a_stored_contact_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let data = folder.path().join("data");
    succeed(&mut replay(&recording, &mission, &data));
    let before = rows(&data);
    let text = std::fs::read_to_string(mission.join("mission.toml")).unwrap();
    std::fs::write(mission.join("mission.toml"), text + "\n# a new version\n").unwrap();
    let refused = run(&mut replay(&recording, &mission, &data));
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains("mission"), "{message}");
    assert_eq!(rows(&data), before);
}
