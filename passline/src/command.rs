//! `passline command`: a mission's commands, and their packets.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use schemas::command::{CommandDatabase, CommandDescription, CompiledCommand, finish_packet};
use schemas::layout::compile;
use schemas::mission::Mission;
use schemas::xtce::model::MissionDatabase;
use serde::Serialize;

use crate::command_flags::{
    CommandDecodeFlags, CommandDescribeFlags, CommandEncodeFlags, CommandListFlags,
    CommandSubcommand, DescribeFormat, EncodeFormat,
};
use crate::flight_flags::RowFormat;
use crate::{mission, report, rows};

pub(crate) fn run(subcommand: &CommandSubcommand) -> Result<ExitCode> {
    match subcommand {
        CommandSubcommand::List(flags) => list(flags),
        CommandSubcommand::Describe(flags) => describe(flags),
        CommandSubcommand::Encode(flags) => encode(flags),
        CommandSubcommand::Decode(flags) => decode(flags),
    }
}

fn load(folder: &Path) -> Result<(Mission, CommandDatabase)> {
    let mission = mission::load(folder)?;
    let database = MissionDatabase::load_files(&mission.xtce)?;
    let commands = CommandDatabase::compile(&database, &compile(&database)?);
    if commands.commands.is_empty() {
        bail!(
            "mission {} has no commands; passline mission check {} says what is in its XTCE files",
            mission.name,
            folder.display()
        );
    }
    Ok((mission, commands))
}

/// A command as a line of the list.
#[derive(Serialize)]
struct CommandRow {
    command: String,
    significance: String,
    arguments: String,
    description: String,
}

fn list(flags: &CommandListFlags) -> Result<ExitCode> {
    let (_, commands) = load(&flags.mission)?;
    let rows: Vec<CommandRow> = commands
        .commands
        .iter()
        .map(|command| {
            let description = command.describe();
            let free = description.arguments.iter().filter(|one| one.free);
            CommandRow {
                command: command.name.clone(),
                significance: description.significance,
                arguments: free
                    .map(|one| one.name.as_str())
                    .collect::<Vec<_>>()
                    .join(" "),
                description: description.description.unwrap_or_default(),
            }
        })
        .collect();
    let columns = ["command", "significance", "description"];
    rows::print(&rows, &columns.map(|key| (key, key)), flags.format)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(flags: &CommandDescribeFlags) -> Result<ExitCode> {
    let (_, commands) = load(&flags.mission)?;
    let description = commands.find(&flags.command)?.describe();
    match flags.format {
        DescribeFormat::Json => {
            let text = serde_json::to_string_pretty(&description)?;
            report::print(|out| writeln!(out, "{text}"))?;
        }
        DescribeFormat::Text => report::print(|out| write!(out, "{}", in_words(&description)))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(command: &CommandDescription) -> String {
    use std::fmt::Write;
    let mut text = format!("{}\n", command.name);
    let mut line = |head: &str, rest: &str| {
        let _ = writeln!(text, "{head:<14}{rest}");
    };
    if let Some(description) = &command.description {
        line("", description);
    }
    let reason = command
        .reason
        .as_ref()
        .map_or(String::new(), |why| format!(": {why}"));
    line("significance", &format!("{}{reason}", command.significance));
    for (condition, level) in &command.context_significances {
        line("", &format!("{level} if {condition}"));
    }
    let mut head = "arguments";
    for argument in command.arguments.iter().filter(|argument| argument.free) {
        let default = match (&argument.default, argument.required) {
            (Some(default), _) => format!(", {default} if not given"),
            (None, true) => ", required".to_owned(),
            (None, false) => String::new(),
        };
        let said = argument
            .description
            .as_ref()
            .map_or(String::new(), |said| format!(" - {said}"));
        line(
            head,
            &format!("{}: {}{default}{said}", argument.name, argument.takes),
        );
        if !argument.labels.is_empty() {
            line("", &format!("  one of {}", argument.labels.join(", ")));
        }
        head = "";
    }
    for (number, constraint) in command.constraints.iter().enumerate() {
        line(if number == 0 { "only if" } else { "" }, constraint);
    }
    if let Some(interlock) = &command.interlock {
        line("interlock", interlock);
    }
    for (number, verifier) in command.verifiers.iter().enumerate() {
        let window = verifier
            .window
            .as_ref()
            .map_or(String::new(), |window| format!(", {window}"));
        let head = if number == 0 { "verified by" } else { "" };
        line(
            head,
            &format!("{}: {}{window}", verifier.stage, verifier.looks_for),
        );
    }
    text
}

/// A field of a packet.
#[derive(Serialize)]
struct FieldRow {
    bit: usize,
    bits: usize,
    field: String,
    raw: String,
    value: String,
    units: String,
}

fn encode(flags: &CommandEncodeFlags) -> Result<ExitCode> {
    let (mission, commands) = load(&flags.mission)?;
    let command = commands.find(&flags.command)?;
    let mut given = Vec::new();
    for argument in &flags.arguments {
        let pair = argument.split_once('=');
        given.push(pair.with_context(|| format!("{argument:?} is not NAME=VALUE"))?);
    }
    let mut packet = Vec::new();
    command.encode(&command.parse(given)?, &mut packet)?;
    let error_control = mission
        .uplink
        .is_some_and(|uplink| uplink.packet_error_control);
    let length = packet.len();
    if !finish_packet(&mut packet, 0, flags.sequence_count, error_control) {
        bail!(
            "{} is no space packet, or too long for one: {length} octets",
            command.name
        );
    }
    let format = match flags.format {
        EncodeFormat::Hex => {
            let text = hex(&packet);
            report::print(|out| writeln!(out, "{text}"))?;
            return Ok(ExitCode::SUCCESS);
        }
        EncodeFormat::Table => RowFormat::Table,
        EncodeFormat::Json => RowFormat::Json,
        EncodeFormat::Csv => RowFormat::Csv,
    };
    fields(command, &packet, error_control, format)?;
    Ok(ExitCode::SUCCESS)
}

fn decode(flags: &CommandDecodeFlags) -> Result<ExitCode> {
    let (mission, commands) = load(&flags.mission)?;
    let packet = octets(&flags.packet)?;
    let error_control = mission
        .uplink
        .is_some_and(|uplink| uplink.packet_error_control);
    let body = without_error_control(&packet, error_control)?;
    let (command, _) = commands.identify(body)?;
    say!("{}", command.qualified_name);
    fields(command, &packet, error_control, flags.format)?;
    Ok(ExitCode::SUCCESS)
}

/// The packet without its last two octets, which must be its cyclic redundancy check.
fn without_error_control(packet: &[u8], error_control: bool) -> Result<&[u8]> {
    if !error_control {
        return Ok(packet);
    }
    let Some((body, check)) = packet.split_last_chunk::<2>() else {
        bail!(
            "a packet with error control has more than {} octets",
            packet.len()
        );
    };
    let (told, made) = (u16::from_be_bytes(*check), space_link::crc::crc16(body));
    if told != made {
        bail!(
            "packet error control is {told:04X}, the packet's octets give {made:04X}: it is damaged"
        );
    }
    Ok(body)
}

fn fields(
    command: &CompiledCommand,
    packet: &[u8],
    error_control: bool,
    format: RowFormat,
) -> Result<()> {
    let body = without_error_control(packet, error_control)?;
    let mut found: Vec<FieldRow> = command
        .breakdown(body)?
        .into_iter()
        .map(|field| FieldRow {
            bit: field.bit_offset,
            bits: field.bit_length,
            raw: field.raw_text(),
            field: field.name,
            value: field.value,
            units: field.units.unwrap_or_default(),
        })
        .collect();
    if error_control {
        found.push(FieldRow {
            bit: body.len() * 8,
            bits: 16,
            field: "packet error control".to_owned(),
            raw: hex(&packet[body.len()..]),
            value: String::new(),
            units: String::new(),
        });
    }
    let columns = ["bit", "bits", "field", "raw", "value", "units"];
    rows::print(&found, &columns.map(|key| (key, key)), format)?;
    if format == RowFormat::Table {
        say!("{} octets: {}", packet.len(), hex(packet));
    }
    Ok(())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

fn octets(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        bail!(
            "{} hexadecimal digits are no octets: give two for each",
            digits.len()
        );
    }
    let digit = |octet: u8| {
        let value = char::from(octet)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok());
        value.with_context(|| format!("{:?} is no hexadecimal digit", char::from(octet)))
    };
    digits
        .chunks_exact(2)
        .map(|pair| Ok(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}
