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
mod command;
mod command_flags;
mod demo;
mod flight;
mod flight_flags;
mod inspect;
mod lake_commands;
mod lake_flags;
mod mission;
mod orbit;
mod pass;
mod place;
mod replay;
mod report;
mod rows;
mod run;
mod sql;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Subcommand};

/// The C library's keeps what large buffers leave, or asks the system for each of them anew: a
/// replay then takes hundreds of MiB, or a third longer.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
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
        Subcommand::Lake(subcommand) => lake_commands::run(&subcommand),
        Subcommand::Run(flags) => run::run(&flags, arguments.verbose),
        Subcommand::Command(subcommand) => command::run(&subcommand),
        Subcommand::Orbit(subcommand) => orbit::run(&subcommand),
        Subcommand::Pass(subcommand) => pass::run(&subcommand),
        Subcommand::Mission(arguments::MissionSubcommand::Check(flags)) => mission::check(&flags),
    };
    match result {
        Ok(code) => code,
        Err(error) => report::failure(&error),
    }
}
