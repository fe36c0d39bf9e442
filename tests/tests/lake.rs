//! `passline lake` from outside: rows stay what they are, whatever happens to their files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::lake::{parquet_files, replay, rows, sql};
use tests::random::Random;
use tests::s3::S3Server;
use tests::{passline, python, run, succeed, workspace};

/// A simulated pass, cut into pieces; two recordings that have every other piece each, so that
/// their times overlap.
struct Pieces {
    folder: tempfile::TempDir,
    mission: PathBuf,
    recordings: Vec<PathBuf>,
}

impl Pieces {
    fn new(recordings: usize) -> Self {
        const FRAME_OCTETS: usize = 1_024;
        let folder = tempfile::tempdir().unwrap();
        let simulated = folder.path().join("simulated");
        succeed(
            passline()
                .args(["demo", "--minutes", "20", "--seed", "7", "--data"])
                .arg(&simulated),
        );
        let octets = fs::read(simulated.join("demo/pass-7-20min.cadu")).unwrap();
        let frames = octets.len() / FRAME_OCTETS;
        let piece = frames.div_ceil(recordings * 4) * FRAME_OCTETS;
        let mut contents = vec![Vec::new(); recordings];
        for (number, piece) in octets.chunks(piece).enumerate() {
            contents[number % recordings].extend_from_slice(piece);
        }
        let recordings = contents.iter().enumerate().map(|(number, content)| {
            let path = folder.path().join(format!("{number}.cadu"));
            fs::write(&path, content).unwrap();
            path
        });
        Self {
            recordings: recordings.collect(),
            mission: simulated.join("demo/mission"),
            folder,
        }
    }

    /// Both recordings in one data folder: every day has files that overlap.
    fn replayed(&self, name: &str) -> PathBuf {
        let data = self.folder.path().join(name);
        for recording in self.recordings.iter().rev() {
            succeed(&mut replay(recording, &self.mission, &data));
        }
        data
    }

    /// The same mission without the last entry of a container.
    fn older_mission(&self) -> PathBuf {
        let entry = "<ParameterRefEntry parameterRef=\"load_energy_total\"/>";
        self.changed_mission("older", entry, "")
    }

    fn changed_mission(&self, name: &str, from: &str, to: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        for entry in fs::read_dir(&self.mission).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
        let xtce = folder.join("orbital-compute.xml");
        let text = fs::read_to_string(&xtce).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&xtce, text.replace(from, to)).unwrap();
        folder
    }
}

fn lake(subcommand: &str, data: &Path) -> Command {
    let mut command = passline();
    command.args(["lake", subcommand, "--data"]).arg(data);
    command
}

fn copy(from: &Path, to: &Path) {
    succeed(Command::new("cp").arg("-r").arg(from).arg(to));
}

/// What `verify` prints, and whether it found something wrong.
fn verify(data: &Path, mission: &Path) -> (String, bool) {
    let output = run(lake("verify", data).arg("--mission").arg(mission));
    let code = output.status.code();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(code, Some(0 | 1)), "{error}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = error.contains("wrong") && !error.contains("nothing is wrong");
    assert_eq!(code, Some(i32::from(wrong)), "{error}");
    (text, wrong)
}

fn assert_right(data: &Path, mission: &Path) {
    let (text, wrong) = verify(data, mission);
    assert!(!wrong, "{text}");
}

#[test]
fn compaction_changes_files_and_not_rows() {
    let pieces = Pieces::new(2);
    let data = pieces.replayed("data");
    let (before, files) = (rows(&data), parquet_files(&data));
    assert!(before.len() >= 10, "{:?}", before.keys());
    assert_right(&data, &pieces.mission);
    let planned = succeed(lake("compact", &data).arg("--dry-run"));
    assert!(
        planned.contains("power") && planned.contains("dirty"),
        "{planned}"
    );
    assert_eq!(parquet_files(&data), files);
    let done = succeed(&mut lake("compact", &data));
    assert!(done.contains("2 -> 1 files"), "{done}");
    assert!(rows(&data) == before);
    assert_right(&data, &pieces.mission);
    // A table's one file is in order, which one reader shows as it is.
    let order = sql(&data, "SELECT spacecraft, time FROM power");
    assert!(order[1..].is_sorted(), "{order:?}");
    assert_eq!(succeed(&mut lake("compact", &data)), "");
    // Late rows cost another compaction.
    let kept = parquet_files(&data);
    let young = run(lake("vacuum", &data).args(["--retention", "1h"]));
    assert_eq!(young.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&young.stderr).contains("--force"));
    succeed(&mut lake("vacuum", &data));
    assert_eq!(parquet_files(&data), kept);
    succeed(lake("vacuum", &data).args(["--retention", "0s", "--force"]));
    assert!(rows(&data) == before);
    assert_right(&data, &pieces.mission);
    let left = parquet_files(&data);
    assert!(left.len() < kept.len(), "{} of {}", left.len(), kept.len());
    assert!(left.keys().all(|path| kept.contains_key(path)));
    assert!(files.keys().any(|path| !left.contains_key(path)));
}

#[test]
fn compaction_killed_at_any_moment_leaves_every_row_once() {
    const KILLS: usize = 20;
    let pieces = Pieces::new(2);
    let original = pieces.replayed("original");
    let expected = rows(&original);
    let undisturbed = pieces.folder.path().join("undisturbed");
    copy(&original, &undisturbed);
    let started = Instant::now();
    succeed(&mut lake("compact", &undisturbed));
    let whole = started.elapsed();
    let mut random = Random::from_environment();
    let mut killed = 0;
    for round in 0..KILLS * 4 {
        if killed >= KILLS {
            break;
        }
        let data = pieces.folder.path().join(format!("killed-{round}"));
        copy(&original, &data);
        let mut child = lake("compact", &data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(random.below(whole));
        // SIGKILL on Unix.
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        assert!(rows(&data) == expected, "seed {}", random.seed());
        succeed(&mut lake("compact", &data));
        assert!(rows(&data) == expected, "seed {}", random.seed());
        // What the killed one left behind goes, too.
        succeed(lake("vacuum", &data).args(["--retention", "0s", "--force"]));
        assert!(rows(&data) == expected, "seed {}", random.seed());
        assert_right(&data, &pieces.mission);
        fs::remove_dir_all(&data).unwrap();
    }
    assert!(killed >= KILLS, "only {killed} were killed in time");
}

#[test]
fn verify_finds_what_is_planted() {
    let pieces = Pieces::new(2);
    let original = pieces.replayed("original");
    let plant = |name: &str, plant: &dyn Fn(&Path)| -> String {
        let data = pieces.folder.path().join(name);
        copy(&original, &data);
        plant(&data.join("lake/power"));
        let (text, wrong) = verify(&data, &pieces.mission);
        assert!(wrong, "{name}: {text}");
        text
    };
    let text = plant("missing", &|table| {
        fs::remove_file(one_file(table)).unwrap();
    });
    assert!(text.contains("file missing: power day="), "{text}");
    assert!(text.contains("rows missing: power contact"), "{text}");
    let text = plant("short", &|table| {
        let path = one_file(table);
        let octets = fs::read(&path).unwrap();
        fs::write(&path, &octets[..octets.len() / 2]).unwrap();
    });
    assert!(text.contains("file damaged: power day="), "{text}");
    let text = plant("broken", &|table| {
        let path = one_file(table);
        let length = fs::metadata(&path).unwrap().len();
        fs::write(&path, vec![7; length as usize]).unwrap();
    });
    assert!(text.contains("file damaged: power day="), "{text}");
    let text = plant("count", &|table| {
        edit_log(table, &|line| {
            let text = line["add"]["stats"].as_str()?;
            let mut stats: serde_json::Value = serde_json::from_str(text).unwrap();
            stats["numRecords"] = 7.into();
            line["add"]["stats"] = stats.to_string().into();
            Some(())
        });
    });
    assert!(text.contains("the log says 7"), "{text}");
    let text = plant("times", &|table| {
        edit_log(table, &|line| {
            let text = line["add"]["stats"].as_str()?;
            let mut stats: serde_json::Value = serde_json::from_str(text).unwrap();
            stats["maxValues"]["time"] = stats["minValues"]["time"].clone();
            line["add"]["stats"] = stats.to_string().into();
            Some(())
        });
    });
    assert!(text.contains("statistics wrong: power"), "{text}");
    let text = plant("twice", &|table| {
        let path = one_file(table);
        let twin = path.with_file_name("part-00000000000000000001-aaaaaaaaaaaaaaaa.parquet");
        fs::copy(&path, &twin).unwrap();
        let name = |path: &Path| path.strip_prefix(table).unwrap().display().to_string();
        let log = last_entry(table);
        let lines = fs::read_to_string(&log).unwrap();
        let add = log_lines(table)
            .into_iter()
            .find(|line| line["add"]["path"] == name(&path));
        let mut add = add.unwrap();
        add["add"]["path"] = name(&twin).into();
        fs::write(&log, format!("{}\n{add}\n", lines.trim_end())).unwrap();
    });
    assert!(text.contains("duplicates: power"), "{text}");
    assert!(text.contains("rows surplus: power contact"), "{text}");
    assert!(
        text.contains("rows surplus") && text.contains("tm.telemetry"),
        "{text}"
    );
}

fn one_file(table: &Path) -> PathBuf {
    let name = table.file_name().unwrap();
    let files = parquet_files(table.parent().unwrap().parent().unwrap());
    let mut files = files
        .into_keys()
        .filter(|path| path.starts_with(Path::new("lake").join(name)));
    table
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join(files.next().unwrap())
}

fn log_entries(table: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(table.join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    entries.sort();
    entries
}

fn last_entry(table: &Path) -> PathBuf {
    log_entries(table).pop().unwrap()
}

fn log_lines(table: &Path) -> Vec<serde_json::Value> {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let texts: Vec<String> = log_entries(table).into_iter().map(read).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn edit_log(table: &Path, edit: &dyn Fn(&mut serde_json::Value) -> Option<()>) {
    let log = last_entry(table);
    let text = fs::read_to_string(&log).unwrap();
    let lines = text.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        edit(&mut line);
        line.to_string()
    });
    fs::write(&log, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

#[test]
fn packets_are_decoded_again_with_a_new_mission() {
    let pieces = Pieces::new(2);
    let older = pieces.older_mission();
    let data = pieces.folder.path().join("data");
    for recording in &pieces.recordings {
        succeed(&mut replay(recording, &older, &data));
    }
    let fresh = pieces.replayed("fresh");
    let (before, expected) = (rows(&data), rows(&fresh));
    assert!(!before["power"][0].contains("load_energy_total"));
    let redecode = |mission: &Path, more: &[&str]| {
        let mut command = lake("redecode", &data);
        command
            .args(["--table", "power", "--mission"])
            .arg(mission)
            .args(more);
        command
    };
    // One half of the time: the other rows stay, null in the new column.
    let middle = sql(
        &data,
        "SELECT time FROM power ORDER BY time LIMIT 1 OFFSET 60",
    )[1]
    .clone();
    let planned = succeed(&mut redecode(
        &pieces.mission,
        &["--to", &middle, "--dry-run"],
    ));
    assert!(planned.contains("would be decoded again"), "{planned}");
    assert!(rows(&data) == before);
    succeed(&mut redecode(&pieces.mission, &["--to", &middle]));
    let counts = sql(
        &data,
        &format!(
            "SELECT time < TIMESTAMP '{middle}' AS early, count(*), count(load_energy_total), \
             count(DISTINCT mission_version) FROM power GROUP BY early ORDER BY early DESC"
        ),
    );
    assert_eq!(counts[1], "true,60,60,1", "{counts:?}");
    assert!(
        counts[2].starts_with("false,") && counts[2].ends_with(",0,1"),
        "{counts:?}"
    );
    succeed(&mut redecode(&pieces.mission, &[]));
    assert!(rows(&data)["power"] == expected["power"]);
    let others = |rows: &BTreeMap<String, Vec<String>>| -> BTreeMap<String, Vec<String>> {
        rows.clone()
            .into_iter()
            .filter(|(table, _)| table != "power")
            .collect()
    };
    assert!(others(&rows(&data)) == others(&before));
    let files = parquet_files(&data);
    let again = succeed(&mut redecode(&pieces.mission, &[]));
    assert!(again.contains("is decoded so"), "{again}");
    assert!(parquet_files(&data) == files);
    assert!(rows(&data)["power"] == expected["power"]);
    let (text, wrong) = verify(&data, &pieces.mission);
    assert!(!wrong, "{text}");
}

#[test]
fn a_changed_type_is_refused_until_the_table_is_decoded_whole() {
    let pieces = Pieces::new(2);
    let data = pieces.replayed("data");
    let changed = pieces.changed_mission(
        "changed",
        "name=\"eclipse_number\" parameterTypeRef=\"unsigned_16\"",
        "name=\"eclipse_number\" parameterTypeRef=\"voltage\"",
    );
    let before = rows(&data);
    let redecode = |more: &[&str]| {
        let mut command = lake("redecode", &data);
        command
            .args(["--table", "power", "--mission"])
            .arg(&changed)
            .args(more);
        command
    };
    let refused = run(&mut redecode(&[]));
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(
        message.contains("eclipse_number") && message.contains("--replace-type"),
        "{message}"
    );
    assert!(rows(&data) == before);
    succeed(&mut redecode(&["--replace-type"]));
    let after = rows(&data);
    assert_eq!(after["power"].len(), before["power"].len());
    assert!(after["power"] != before["power"]);
    let again = succeed(&mut redecode(&["--replace-type"]));
    assert!(again.contains("is decoded so"), "{again}");
}

#[test]
fn exports_hold_what_a_question_answers() {
    let pieces = Pieces::new(1);
    let data = pieces.replayed("data");
    let csv = pieces.folder.path().join("power.csv");
    let times = sql(&data, "SELECT time FROM power ORDER BY time");
    succeed(
        lake("export", &data)
            .args([
                "--table",
                "power",
                "--columns",
                "time,bus_voltage",
                "--format",
                "csv",
            ])
            .args(["--from", &times[10], "--to", &times[20], "--out"])
            .arg(&csv),
    );
    let expected = sql(
        &data,
        "SELECT time, bus_voltage FROM power ORDER BY time LIMIT 10 OFFSET 9",
    );
    let text = fs::read_to_string(&csv).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let unknown = run(lake("export", &data)
        .args(["--table", "pover", "--out"])
        .arg(&csv));
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("power"));
    assert_eq!(fs::read_to_string(&csv).unwrap(), text);
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let pieces = Pieces::new(1);
    let data = pieces.replayed("data");
    let message = |command: &mut Command, code: i32| {
        let output = run(command);
        assert_eq!(output.status.code(), Some(code), "{command:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = message(lake("compact", &data).args(["--table", "pover"]), 1);
    assert!(
        text.contains("pover") && text.contains("packets, power"),
        "{text}"
    );
    let text = message(
        lake("compact", &data).args(["--table", "power", "--day", "1999-01-01"]),
        1,
    );
    assert!(
        text.contains("no rows of 1999-01-01; it has 1 days"),
        "{text}"
    );
    let text = message(lake("compact", &data).args(["--day", "soon"]), 2);
    assert!(text.contains("2024-12-06"), "{text}");
    let text = message(&mut lake("verify", &pieces.folder.path().join("absent")), 1);
    assert!(text.contains("there are no tables in"), "{text}");
    let entries = log_entries(&data.join("lake/power"));
    let next = entries[0].with_file_name(format!("{:020}.json", entries.len()));
    let protocol = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}"#;
    fs::write(&next, protocol).unwrap();
    let text = message(lake("compact", &data).args(["--table", "power"]), 1);
    assert!(text.contains("another tool"), "{text}");
}

#[test]
fn a_lake_on_s3_is_maintained_like_one_in_a_folder() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let pieces = Pieces::new(2);
    // The first recording came before the mission had its newest column.
    let missions = [pieces.older_mission(), pieces.mission.clone()];
    let location = server.location("fleet");
    let on_s3 = |mut command: Command| succeed(command.envs(server.environment()));
    for (number, recording) in pieces.recordings.iter().rev().enumerate() {
        let mut command = replay(recording, &missions[number], Path::new(&location));
        command.arg("--bus").arg(pieces.folder.path().join("bus"));
        on_s3(command);
    }
    let maintain = |subcommand: &str, more: &[&str]| {
        let mut command = lake(subcommand, Path::new(&location));
        command.args(more);
        on_s3(command)
    };
    let ask = |statement: &str| {
        let mut command = passline();
        command.args([
            "sql", "--format", "csv", "--data", &location, "-c", statement,
        ]);
        on_s3(command)
    };
    let every = "SELECT * FROM packets ORDER BY time, apid, sequence_count, contact";
    let power = "SELECT count(*), count(load_energy_total) FROM power";
    let (before, counts) = (ask(every), ask(power));
    assert!(before.lines().count() > 1_000);
    let done = maintain("compact", &[]);
    assert!(done.contains("2 -> 1 files"), "{done}");
    assert_eq!(maintain("compact", &[]), "");
    assert!(ask(every) == before);
    assert_eq!(ask(power), counts);
    let mission = pieces.mission.display().to_string();
    maintain("redecode", &["--table", "power", "--mission", &mission]);
    let whole = ask(power);
    assert_ne!(whole, counts);
    let line: Vec<&str> = whole.lines().last().unwrap().split(',').collect();
    assert_eq!(line[0], line[1], "every row has the new column");
    maintain("vacuum", &["--retention", "0s", "--force"]);
    maintain("verify", &["--mission", &mission]);
    assert!(ask(every) == before);
}

#[test]
fn duckdb_never_counts_wrong_during_compaction() {
    let Some(python) = python() else {
        return;
    };
    let pieces = Pieces::new(6);
    let statement = "SELECT count(*), sum(sequence_count), sum(length) FROM packets";
    // What an undisturbed reader sees after each replay.
    let calm = pieces.folder.path().join("calm");
    let mut right = Vec::new();
    for recording in &pieces.recordings {
        succeed(&mut replay(recording, &pieces.mission, &calm));
        right.push(format!("[{}]", sql(&calm, statement)[1].replace(',', ", ")));
    }
    let data = pieces.folder.path().join("data");
    succeed(&mut replay(&pieces.recordings[0], &pieces.mission, &data));
    let stop = pieces.folder.path().join("stop");
    let reader = Command::new(python)
        .arg(workspace().join("tests/readers/watch_counts.py"))
        .arg(data.join("lake/packets"))
        .arg(&stop)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let compacting = {
        let (data, stop) = (data.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut commits = 0;
            while !stop.exists() {
                let done = succeed(lake("compact", &data).args(["--table", "packets"]));
                commits += done.lines().count();
                std::thread::sleep(Duration::from_millis(50));
            }
            commits
        })
    };
    for recording in &pieces.recordings[1..] {
        succeed(&mut replay(recording, &pieces.mission, &data));
        std::thread::sleep(Duration::from_millis(700));
    }
    fs::write(&stop, "").unwrap();
    let commits = compacting.join().unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut seen: Vec<&str> = text.lines().collect();
    let reads: u64 = seen.pop().unwrap().parse().unwrap();
    eprintln!(
        "{reads} reads, {commits} compacted days, {} counts",
        seen.len()
    );
    for count in &seen {
        assert!(
            right.iter().any(|right| right == count),
            "{count} of {seen:?}, right are {right:?}"
        );
    }
    assert_eq!(seen.last().copied(), right.last().map(String::as_str));
    assert!(commits >= 3, "only {commits} days were compacted");
    assert!(reads >= 5, "only {reads} reads");
}
