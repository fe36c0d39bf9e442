//! Logs on standard error, for people or for programs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A line to read.
    #[default]
    Text,
    /// A JSON object: `timestamp`, `level`, `message`, its own fields, and those of its spans
    /// (station, spacecraft, contact) in `spans`.
    Json,
}

/// Starts logging at a level, once a process; `PASSLINE_LOG` takes precedence over it.
pub fn start(level: &str, format: Format) {
    // What libraries below report comes back as an error where it matters.
    let quiet = format!(
        "{level},buoyant_kernel=off,deltalake=error,datafusion=error,fjall=warn,lsm_tree=warn"
    );
    let filter = EnvFilter::try_from_env("PASSLINE_LOG").unwrap_or_else(|_| EnvFilter::new(quiet));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        Format::Text => builder.with_ansi(colours()).init(),
        Format::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .init(),
    }
}

/// Whether standard error shows colours.
pub fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
