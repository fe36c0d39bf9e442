//! Messages for people: logging, progress and errors, all on standard error.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::run::LogFormat;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Logs go to standard error; `PASSLINE_LOG` takes precedence over `-v`.
pub(crate) fn start_logging(verbose: u8) {
    service::log::start(level(verbose).unwrap_or("warn"), service::log::Format::Text);
}

/// The level that `-v` asks for.
pub(crate) fn level(verbose: u8) -> Option<&'static str> {
    match verbose {
        0 => None,
        1 => Some("info"),
        _ => Some("debug"),
    }
}

/// Logs of a service.
pub(crate) fn start_log(level: &str, format: LogFormat) {
    let format = match format {
        LogFormat::Text => service::log::Format::Text,
        LogFormat::Json => service::log::Format::Json,
    };
    service::log::start(level, format);
}

/// Prints an error and what caused it, each once.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let mut message = format!("passline: {error}");
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !message.contains(&text) {
            message.push_str("\n  because: ");
            message.push_str(&text);
        }
    }
    say!("{message}");
    ExitCode::FAILURE
}

/// A bar over octets; drawn on terminals only.
pub(crate) fn octets_bar(total: u64, what: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// `1.25 s`, `830 ms`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 frame`, `2 frames`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

/// Writes to standard output; a reader that went away, as `head` does, is no failure.
pub(crate) fn print(
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    write(&mut out)
        .and_then(|()| out.flush())
        .or_else(closed_pipe_is_fine)
}

/// Turns the end of a pipe's reader into success.
pub(crate) fn closed_pipe_is_fine(error: std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}
