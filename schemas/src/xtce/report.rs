//! What a mission database holds, for `passline mission check`.

use std::fmt;

use super::model::{Encoding, MissionDatabase, TypeKind, Unsupported};

/// Counts, and everything that was noticed, each with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Space systems.
    pub space_systems: usize,
    /// Containers that make a table.
    pub packets: usize,
    /// Containers that only others extend.
    pub abstract_containers: usize,
    /// Declared parameters.
    pub parameters: usize,
    /// Parameter types.
    pub types: usize,
    /// Calibrators, default and in context.
    pub calibrators: usize,
    /// Alarms, default and in context.
    pub alarms: usize,
    /// Commands that can be sent.
    pub commands: usize,
    /// Commands that only others extend.
    pub abstract_commands: usize,
    /// Commands that the documents declare and that are left out; mistakes and unsupported
    /// constructs say why.
    pub commands_left_out: usize,
    /// Argument types.
    pub argument_types: usize,
    /// See [`MissionDatabase::unsupported`].
    pub unsupported: Vec<Unsupported>,
    /// See [`MissionDatabase::mistakes`].
    pub mistakes: Vec<Unsupported>,
    /// See [`MissionDatabase::warnings`].
    pub warnings: Vec<Unsupported>,
}

impl MissionDatabase {
    /// Counts what is here and gathers what was noticed.
    pub fn report(&self) -> Report {
        let calibrators = |encoding: &Encoding| {
            encoding.context_calibrators.len() + usize::from(encoding.calibrator.is_some())
        };
        let abstract_containers = self.containers.iter().filter(|c| c.is_abstract).count();
        let abstract_commands = self.commands.iter().filter(|c| c.is_abstract).count();
        Report {
            space_systems: self.space_systems,
            packets: self.containers.len() - abstract_containers,
            abstract_containers,
            parameters: self
                .parameters
                .len()
                .saturating_sub(self.member_references.len()),
            types: self.types.len(),
            calibrators: self
                .types
                .iter()
                .filter_map(|t| t.kind.encoding())
                .map(calibrators)
                .sum(),
            alarms: self.types.iter().map(|t| t.alarms.len()).sum(),
            commands: self.commands.len() - abstract_commands,
            abstract_commands,
            commands_left_out: self.meta_commands.saturating_sub(self.commands.len()),
            argument_types: self.argument_types.len(),
            unsupported: self.unsupported.clone(),
            mistakes: self.mistakes.clone(),
            warnings: self.warnings.clone(),
        }
    }
}

impl TypeKind {
    /// How values lie in a packet; `None` for arrays and aggregates.
    pub fn encoding(&self) -> Option<&Encoding> {
        match self {
            Self::Integer { encoding, .. }
            | Self::Float { encoding, .. }
            | Self::Boolean { encoding, .. }
            | Self::Enumerated { encoding, .. }
            | Self::String { encoding }
            | Self::Binary { encoding }
            | Self::AbsoluteTime { encoding, .. }
            | Self::RelativeTime { encoding, .. } => Some(encoding),
            Self::Array { .. } | Self::Aggregate { .. } => None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = match self.commands_left_out {
            0 => String::new(),
            left_out => format!("  ({left_out} more left out)"),
        };
        writeln!(f, "space systems  {:>7}", self.space_systems)?;
        writeln!(f, "packets        {:>7}", self.packets)?;
        writeln!(f, "abstract       {:>7}", self.abstract_containers)?;
        writeln!(f, "parameters     {:>7}", self.parameters)?;
        writeln!(f, "types          {:>7}", self.types)?;
        writeln!(f, "calibrators    {:>7}", self.calibrators)?;
        writeln!(f, "alarms         {:>7}", self.alarms)?;
        writeln!(f, "commands       {:>7}{left_out}", self.commands)?;
        if self.abstract_commands > 0 {
            writeln!(f, "abstract       {:>7}", self.abstract_commands)?;
        }
        if self.argument_types > 0 {
            writeln!(f, "argument types {:>7}", self.argument_types)?;
        }
        for (title, notes) in [
            ("mistakes in the documents", &self.mistakes),
            ("not supported", &self.unsupported),
            ("warnings", &self.warnings),
        ] {
            if notes.is_empty() {
                continue;
            }
            writeln!(f, "\n{title}: {}", notes.len())?;
            for note in notes {
                writeln!(f, "  {note}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.what
        )?;
        write!(f, "    in {}", self.path)
    }
}
