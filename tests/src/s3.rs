//! A real S3 server on loopback for one test, which stops with it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{skip, succeed, workspace};

/// A running S3 server with one bucket.
pub struct S3Server {
    process: Child,
    endpoint: String,
    folder: tempfile::TempDir,
}

impl S3Server {
    /// Starts a server with the bucket [`S3Server::BUCKET`], or says that there is none:
    /// `tests/s3/setup.sh` installs it.
    ///
    /// # Panics
    /// If a server is installed and does not start, or in CI where none is.
    pub fn start() -> Option<Self> {
        let Some(program) = installed() else {
            skip("no S3 server is installed: run tests/s3/setup.sh");
            return None;
        };
        for _ in 0..5 {
            if let Some(server) = Self::start_once(&program) {
                return Some(server);
            }
        }
        panic!("{} does not start", program.display());
    }

    /// Another program may take the free port first; then this gives `None`.
    fn start_once(program: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut command = Command::new(program);
        let is_moto = program.ends_with("moto_server");
        if is_moto {
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        } else {
            fs::create_dir(folder.path().join(Self::BUCKET)).expect("a bucket");
            command
                .env("ROOT_ACCESS_KEY", Self::KEY)
                .env("ROOT_SECRET_KEY", Self::SECRET)
                .args(["--port", &format!("127.0.0.1:{port}"), "--quiet", "posix"])
                .arg(folder.path());
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut server = Self {
            process,
            endpoint: format!("http://127.0.0.1:{port}"),
            folder,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.process.try_wait().expect("a child's status");
            if ended.is_some() || Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if is_moto {
            let bucket = format!("{}/{}", server.endpoint, Self::BUCKET);
            succeed(Command::new("curl").args(["-sf", "-X", "PUT", &bucket]));
        }
        Some(server)
    }

    /// The bucket that is there.
    pub const BUCKET: &str = "lake";
    /// The key that may do everything.
    pub const KEY: &str = "operator";
    /// Its secret.
    pub const SECRET: &str = "sesame-sesame";

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A place in the bucket, for `--data`.
    pub fn location(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}", Self::BUCKET)
    }

    /// What a program needs in its environment to use the server.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ACCESS_KEY_ID", Self::KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET.to_owned()),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
        ]
    }

    /// A credentials file with the same settings, readable by its owner alone.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn credentials(&self, folder: &Path) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("credentials.toml");
        let lines = self.environment().map(|(name, value)| {
            let name = name.to_lowercase();
            format!("{name} = \"{value}\"\n")
        });
        fs::write(&path, lines.concat()).expect("a file");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("permissions");
        path
    }

    /// Ends the server, as a failure of it would.
    ///
    /// # Panics
    /// If the process cannot be ended.
    pub fn stop(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// The folder that holds the buckets, if the server keeps them in one.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server that `tests/s3/setup.sh` has installed; it is asked where, so that one place knows.
fn installed() -> Option<PathBuf> {
    let script = workspace().join("tests/s3/setup.sh");
    let output = Command::new(script)
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(path.trim()))
}
