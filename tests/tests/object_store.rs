//! The lake on an object store: a real S3 server, and every way it can say no.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tests::lake::{replay, rows, simulated_pass};
use tests::s3::S3Server;
use tests::{passline, run, succeed};

/// Whoever waits learns in this time that a store cannot be used.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Answers as sorted CSV lines.
fn ask(server: &S3Server, location: &str, sql: &str) -> Vec<String> {
    let mut command = passline();
    command.args(["sql", "--format", "csv", "--data", location, "-c", sql]);
    let text = succeed(command.envs(server.environment()));
    let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    lines.sort();
    lines
}

fn replay_remote(
    server: &S3Server,
    recording: &Path,
    mission: &Path,
    location: &str,
    bus: &Path,
) -> Command {
    let mut command = replay(recording, mission, Path::new(location));
    command.arg("--bus").arg(bus).envs(server.environment());
    command
}

#[test]
fn a_lake_on_s3_holds_the_same_rows_as_one_in_a_folder() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let local = folder.path().join("local");
    succeed(&mut replay(&recording, &mission, &local));
    let location = server.location("fleet/one");
    let bus = folder.path().join("bus");
    let mut remote = replay_remote(&server, &recording, &mission, &location, &bus);
    succeed(&mut remote);
    let local = rows(&local);
    assert!(local.len() >= 10, "{:?}", local.keys());
    for (table, rows) in &local {
        let remote = ask(&server, &location, &format!("SELECT * FROM \"{table}\""));
        let mut rows: Vec<_> = rows.clone();
        rows.retain(|row| !row.starts_with("time,"));
        assert_eq!(remote.len(), rows.len(), "{table}");
        assert_eq!(remote, rows, "{table}");
    }
    // Again: the log knows the contact, and nothing is added.
    succeed(&mut remote);
    let count = "SELECT count(*) FROM packets";
    let packets = local["packets"]
        .iter()
        .filter(|row| !row.starts_with("time,"));
    assert_eq!(
        ask(&server, &location, count),
        [packets.count().to_string()]
    );
    // With a file instead of the environment.
    let credentials = server.credentials(folder.path());
    let mut sql = passline();
    sql.args(["sql", "--format", "csv", "--data", &location, "-c", count])
        .arg("--credentials")
        .arg(&credentials);
    assert_eq!(succeed(&mut sql).lines().count(), 2);
    let mut named = passline();
    named
        .args(["sql", "--data", &location, "-c", "SHOW TABLES"])
        .env("PASSLINE_CREDENTIALS", &credentials);
    assert!(succeed(&mut named).contains("packets"));
}

/// A command that must fail, soon, and say so.
fn refused(command: &mut Command, expected: &[&str]) {
    let started = Instant::now();
    let output: Output = run(command);
    let took = started.elapsed();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {text}");
    for words in expected {
        assert!(text.contains(words), "{words:?} in: {text}");
    }
    assert!(took < ANSWER_WITHIN, "{took:?}: {text}");
    assert!(!text.contains(S3Server::SECRET), "{text}");
}

#[test]
fn a_store_that_says_no_is_named_with_what_to_do() {
    let Some(mut server) = S3Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let location = server.location("fleet");
    let sql = |location: &str, server: &S3Server| {
        let mut command = passline();
        command
            .args(["sql", "-c", "SELECT 1", "--data", location])
            .envs(server.environment());
        command
    };
    refused(
        &mut sql(&location, &server),
        &["there are no tables in s3://lake/fleet"],
    );
    refused(
        sql(&location, &server).env("AWS_SECRET_ACCESS_KEY", "wrong"),
        &[
            "s3://lake/fleet",
            "key was refused",
            "AWS_SECRET_ACCESS_KEY",
        ],
    );
    refused(
        sql(&location, &server).env("AWS_ACCESS_KEY_ID", "nobody"),
        &["s3://lake/fleet", "key was refused"],
    );
    let mut keyless = sql(&location, &server);
    keyless
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    refused(&mut keyless, &["no key is set", "--credentials"]);
    refused(
        &mut sql("s3://nowhere/fleet", &server),
        &["there is no bucket s3://nowhere", "create it"],
    );
    let bus = folder.path().join("bus");
    let mut replay = replay_remote(&server, &recording, &mission, "s3://nowhere/fleet", &bus);
    refused(&mut replay, &["there is no bucket s3://nowhere"]);
    refused(
        replay_remote(&server, &recording, &mission, &location, &bus)
            .env("AWS_SECRET_ACCESS_KEY", "wrong"),
        &["key was refused"],
    );
    server.stop();
    refused(
        &mut sql(&location, &server),
        &["s3://lake/fleet", "does not answer", "AWS_ENDPOINT_URL"],
    );
    refused(
        &mut replay_remote(&server, &recording, &mission, &location, &bus),
        &["does not answer"],
    );
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", silent.local_addr().expect("its address"));
    let mut command = passline();
    command
        .args(["sql", "-c", "SELECT 1", "--data", "s3://lake/fleet"])
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b")
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ENDPOINT_URL", endpoint);
    refused(&mut command, &["does not answer"]);
}

#[test]
fn kills_on_s3_neither_lose_nor_repeat() {
    const ROUNDS: u64 = 3;
    const KILLS_PER_ROUND: u64 = 5;
    let Some(server) = S3Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let undisturbed = folder.path().join("undisturbed");
    succeed(&mut replay(&recording, &mission, &undisturbed));
    let expected = rows(&undisturbed);
    let seed = std::env::var("PASSLINE_SEED").map_or_else(
        |_| u64::from(std::process::id()),
        |seed| seed.parse().expect("a number"),
    );
    let mut state = seed;
    let mut killed = 0;
    for round in 0..ROUNDS {
        let location = server.location(&format!("killed/{round}"));
        let bus = folder.path().join(format!("bus-{round}"));
        let mut again = replay_remote(&server, &recording, &mission, &location, &bus);
        again
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        for _ in 0..KILLS_PER_ROUND {
            let mut child = again.spawn().unwrap();
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            std::thread::sleep(Duration::from_millis((state >> 33) % 900));
            child.kill().unwrap();
            killed += u64::from(!child.wait().unwrap().success());
        }
        succeed(&mut replay_remote(
            &server, &recording, &mission, &location, &bus,
        ));
        for (table, lines) in &expected {
            let mut lines = lines.clone();
            lines.retain(|line| !line.starts_with("time,"));
            let found = ask(&server, &location, &format!("SELECT * FROM \"{table}\""));
            assert!(
                found == lines,
                "seed {seed}: {table} has {} rows, not {}",
                found.len(),
                lines.len()
            );
        }
    }
    eprintln!("killed {killed} replays into S3 while they ran, seed {seed}");
    assert!(killed >= ROUNDS, "only {killed} were killed in time");
}

/// A folder that nobody can write, root neither.
struct ReadOnly(std::path::PathBuf);

impl ReadOnly {
    /// `None`, said aloud, where nothing may be mounted.
    fn over(folder: &Path) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let mut command = Command::new("mount");
            let output = command.args(arguments).arg(folder).output();
            output.is_ok_and(|output| output.status.success())
        };
        let text = folder.to_string_lossy().into_owned();
        if !mount(&["--bind", &text]) {
            tests::skip("no folder can be mounted read-only: this needs root");
            return None;
        }
        let mounted = Self(folder.to_owned());
        assert!(mount(&["-o", "remount,bind,ro"]), "remounted");
        Some(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_read_only_lake_answers_and_says_that_it_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 20);
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let bus = folder.path().join("bus");
    let store = || {
        let mut command = replay(&recording, &mission, &data);
        command.arg("--bus").arg(&bus);
        command
    };
    {
        let Some(_read_only) = ReadOnly::over(&data) else {
            return;
        };
        let lake = data.join("lake");
        refused(
            &mut store(),
            &[
                "read-only",
                &lake.to_string_lossy(),
                "Read-only file system",
            ],
        );
    }
    succeed(&mut store());
    let before = rows(&data);
    let Some(_read_only) = ReadOnly::over(&data) else {
        return;
    };
    assert_eq!(rows(&data), before);
    let other = folder.path().join("other-bus");
    let mut again = replay(&recording, &mission, &data);
    refused(again.arg("--bus").arg(&other), &["read-only"]);
}
