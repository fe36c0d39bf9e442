//! What the user typed of commands.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::flight_flags::RowFormat;

#[derive(Subcommand)]
pub(crate) enum CommandSubcommand {
    /// The commands of a mission.
    List(CommandListFlags),
    /// What a command does, what it takes, and how it is known what became of it.
    Describe(CommandDescribeFlags),
    /// A command's packet, field by field. Nothing is sent.
    Encode(CommandEncodeFlags),
    /// What a command's packet says.
    Decode(CommandDecodeFlags),
}

#[derive(Args)]
pub(crate) struct CommandListFlags {
    /// Mission folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: PathBuf,
    /// How to print them.
    #[arg(long, default_value = "table")]
    pub(crate) format: RowFormat,
}

#[derive(Args)]
pub(crate) struct CommandDescribeFlags {
    /// The command's name.
    #[arg(value_name = "COMMAND")]
    pub(crate) command: String,
    /// Mission folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: PathBuf,
    /// How to print it.
    #[arg(long, default_value = "text")]
    pub(crate) format: DescribeFormat,
}

#[derive(Args)]
pub(crate) struct CommandEncodeFlags {
    /// The command's name.
    #[arg(value_name = "COMMAND")]
    pub(crate) command: String,
    /// Its arguments, as NAME=VALUE.
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) arguments: Vec<String>,
    /// Mission folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: PathBuf,
    /// The packet's sequence count.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=16_383))]
    pub(crate) sequence_count: u16,
    /// How to print it.
    #[arg(long, default_value = "table")]
    pub(crate) format: EncodeFormat,
}

#[derive(Args)]
pub(crate) struct CommandDecodeFlags {
    /// The packet's octets in hexadecimal digits, packet error control included where the mission
    /// has it.
    #[arg(value_name = "HEX")]
    pub(crate) packet: String,
    /// Mission folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: PathBuf,
    /// How to print it.
    #[arg(long, default_value = "table")]
    pub(crate) format: RowFormat,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum DescribeFormat {
    /// To read.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum EncodeFormat {
    /// Field by field.
    Table,
    /// Field by field, one JSON array.
    Json,
    /// Field by field, comma-separated.
    Csv,
    /// The octets in hexadecimal digits.
    Hex,
}
