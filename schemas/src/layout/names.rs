//! Names of tables and columns.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::xtce::model::ContainerId;

/// Tables that every data folder has; no container takes their names.
const RESERVED_TABLES: [&str; 7] = [
    "packets",
    "frames",
    "events",
    "commands",
    "contacts",
    "jobs",
    "telemetry",
];

/// A name in snake_case: ASCII letters, digits and single underscores, not starting with a digit.
///
/// `UltraPHXTOFPacket` becomes `ultra_phxtof_packet`, `ILO_APP_NHK.SHCOARSE`
/// `ilo_app_nhk_shcoarse`, `ADAET1DAY` `adaet1day`.
pub fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_ascii_alphanumeric() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            continue;
        }
        let before = index.checked_sub(1).map(|before| characters[before]);
        let after = characters.get(index + 1);
        let begins_word = character.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_alphanumeric()
                        && !before.is_ascii_digit()
                        && after.is_some_and(char::is_ascii_lowercase))
            });
        if begins_word && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    while snake.ends_with('_') {
        snake.pop();
    }
    if snake.is_empty() {
        return "unnamed".to_owned();
    }
    if snake.starts_with(|first: char| first.is_ascii_digit()) {
        snake.insert(0, '_');
    }
    snake
}

/// Hands out names that do not repeat: the second `voltage` is `voltage_2`.
#[derive(Debug, Default)]
pub(super) struct UniqueNames {
    taken: HashSet<String>,
    next: HashMap<String, u32>,
}

impl UniqueNames {
    /// Names that are taken from the start.
    pub(super) fn with_taken<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            taken: names.into_iter().map(str::to_owned).collect(),
            next: HashMap::new(),
        }
    }

    /// A name no one has, and whose `_raw` no one has either.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let free = |taken: &HashSet<String>, name: &str| {
            !taken.contains(name) && !taken.contains(&format!("{name}_raw"))
        };
        let mut name = wanted.to_owned();
        if !free(&self.taken, &name) {
            let next = self.next.entry(wanted.to_owned()).or_insert(2);
            while !free(&self.taken, &name) {
                name = format!("{wanted}_{next}");
                *next += 1;
            }
        }
        self.taken.insert(name.clone());
        name
    }

    /// The raw column's name of a column just taken.
    pub(super) fn take_raw(&mut self, column: &str) -> String {
        let name = format!("{column}_raw");
        self.taken.insert(name.clone());
        name
    }
}

/// Names of the tables: the container's own name where it is the only one, with as many of its
/// space systems before it as it takes where it is not.
pub(super) fn table_names(containers: &[(ContainerId, &str)]) -> BTreeMap<ContainerId, String> {
    let mut names = BTreeMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (_, qualified) in containers {
        *counts.entry(suffix(qualified, 1)).or_default() += 1;
    }
    let mut unique = UniqueNames::with_taken(RESERVED_TABLES);
    for (id, qualified) in containers {
        let short = suffix(qualified, 1);
        let alone = counts.get(&short) == Some(&1) && !RESERVED_TABLES.contains(&short.as_str());
        let wanted = if alone { short } else { suffix(qualified, 2) };
        names.insert(*id, unique.take(&wanted));
    }
    names
}

fn suffix(qualified: &str, parts: usize) -> String {
    let all: Vec<&str> = qualified
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    snake_case(&all[all.len().saturating_sub(parts)..].join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_missions_become_snake_case() {
        for (name, expected) in [
            ("ADAET1DAY", "adaet1day"),
            ("JPSS_ATT_EPHEM", "jpss_att_ephem"),
            ("UltraPHXTOFPacket", "ultra_phxtof_packet"),
            ("ILO_APP_NHK.SHCOARSE", "ilo_app_nhk_shcoarse"),
            ("IDX__SCI0TYPE", "idx_sci0type"),
            ("SciFetchTypeNonZero", "sci_fetch_type_non_zero"),
            ("CCSDSPacket", "ccsds_packet"),
            ("batteryVoltage2", "battery_voltage2"),
            ("2nd", "_2nd"),
            ("\u{b5}", "unnamed"),
            ("", "unnamed"),
        ] {
            assert_eq!(snake_case(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_is_handed_out_once() {
        let mut names = UniqueNames::with_taken(["time"]);
        assert_eq!(names.take("time"), "time_2");
        assert_eq!(names.take("mode"), "mode");
        assert_eq!(names.take_raw("mode"), "mode_raw");
        assert_eq!(names.take("mode_raw"), "mode_raw_2");
        assert_eq!(names.take("mode"), "mode_2");
        assert_eq!(names.take("volts_raw"), "volts_raw");
        assert_eq!(names.take("volts"), "volts_2");
    }

    #[test]
    fn containers_of_two_space_systems_keep_apart() {
        let names = table_names(&[
            (ContainerId(0), "/fleet/a/Status"),
            (ContainerId(1), "/fleet/b/Status"),
            (ContainerId(2), "/fleet/b/Frames"),
            (ContainerId(3), "/fleet/b/Power"),
        ]);
        let names: Vec<&str> = names.values().map(String::as_str).collect();
        assert_eq!(names, ["a_status", "b_status", "b_frames", "power"]);
    }
}
