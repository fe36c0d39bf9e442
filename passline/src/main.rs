//! Passline: the ground segment for orbital data centres. The binary is glue: it parses flags,
//! resolves them once, calls the services and prints what they answer.

/// Tells people something on standard error; that nobody can read it is no failure.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr().lock(),
            format_args!("{}\n", format_args!($($text)*)),
        );
    }};
}

mod arguments;
mod demo;
mod inspect;
mod memory;
mod mission;
mod replay;
mod report;
mod run;
mod sql;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Subcommand};

fn main() -> ExitCode {
    memory::return_large_buffers();
    let arguments = Arguments::parse();
    // Services start logging as their configuration says.
    if !matches!(arguments.subcommand, Subcommand::Run(_)) {
        report::start_logging(arguments.verbose);
    }
    let result = match arguments.subcommand {
        Subcommand::Demo(flags) => demo::run(&flags),
        Subcommand::Replay(flags) => replay::run(&flags),
        Subcommand::Sql(flags) => sql::run(flags),
        Subcommand::Inspect(flags) => inspect::run(&flags),
        Subcommand::Run(flags) => run::run(&flags, arguments.verbose),
        Subcommand::Mission(arguments::MissionSubcommand::Check(flags)) => mission::check(&flags),
    };
    match result {
        Ok(code) => code,
        Err(error) => report::failure(&error),
    }
}
