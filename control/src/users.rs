//! Who may do what: a TOML file of users and roles.
//!
//! ```toml
//! [[user]]
//! id = "ada"                    # what every event names; lower-case
//! name = "Ada Example"
//! roles = ["operator"]
//! # person = "ada"              # where one person has several users
//!
//! [[role]]
//! name = "operator"
//! [[role.allow]]
//! spacecraft = ["node-*"]       # * any characters, ? one
//! commands = ["/OrbitalCompute/*"]
//! verbs = ["request", "arm", "release"]
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use thiserror::Error;

/// Octets of the longest pattern, and of the longest id.
const TEXT_MAX: usize = 256;

/// What a user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Asks for a command, changes its window, holds and cancels it.
    Request,
    /// Is the second person.
    Approve,
    /// Arms and disarms a dangerous one.
    Arm,
    /// Lets it leave.
    Release,
    /// Enables, blocks and disables queues; withdraws anybody's approval; cancels anything.
    Administer,
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Approve => "approve",
            Self::Arm => "arm",
            Self::Release => "release",
            Self::Administer => "administer",
        })
    }
}

/// Users and what they may do.
#[derive(Clone, Debug, Default)]
pub struct Users {
    users: BTreeMap<String, User>,
    roles: BTreeMap<String, Vec<Allow>>,
}

#[derive(Clone, Debug)]
struct User {
    person: String,
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFile {
    #[serde(default)]
    user: Vec<UserEntry>,
    #[serde(default)]
    role: Vec<RoleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    id: String,
    #[serde(default, rename = "name")]
    _name: String,
    person: Option<String>,
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleEntry {
    name: String,
    allow: Vec<Allow>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    spacecraft: Vec<String>,
    commands: Vec<String>,
    verbs: BTreeSet<Verb>,
}

/// Why a users' file is refused.
#[derive(Debug, Error)]
pub enum UsersError {
    /// Not TOML, an unknown key, or a missing one.
    #[error("the users' file cannot be read")]
    Syntax(#[source] Box<toml::de::Error>),
    /// An id with other characters: ids that differ in case or look alike would be two persons.
    #[error("{what} {got:?}: use 1 to 256 of a-z, 0-9, '.', '_' and '-', beginning with a letter")]
    Id {
        /// Which key.
        what: &'static str,
        /// Its value.
        got: String,
    },
    /// Two users of one id, or two roles of one name.
    #[error("{what} {got:?} is there twice; which one counts would be a guess")]
    Twice {
        /// Which key.
        what: &'static str,
        /// Its value.
        got: String,
    },
    /// A role that is not in the file.
    #[error("user {user:?} has the role {role:?}, which no [[role]] defines")]
    UnknownRole {
        /// Whose.
        user: String,
        /// Which.
        role: String,
    },
    /// A pattern is empty or too long.
    #[error("role {role:?} has a pattern of {got} octets; 1 to {TEXT_MAX} are allowed")]
    Pattern {
        /// Whose.
        role: String,
        /// Octets there are.
        got: usize,
    },
}

impl Users {
    /// Reads the text of a users' file.
    ///
    /// # Errors
    /// [`UsersError`]: nothing is skipped.
    pub fn parse(text: &str) -> Result<Self, UsersError> {
        let file: UsersFile =
            toml::from_str(text).map_err(|source| UsersError::Syntax(Box::new(source)))?;
        let mut roles = BTreeMap::new();
        for role in file.role {
            check_id("role.name", &role.name)?;
            for pattern in role
                .allow
                .iter()
                .flat_map(|a| a.spacecraft.iter().chain(&a.commands))
            {
                if pattern.is_empty() || pattern.len() > TEXT_MAX {
                    return Err(UsersError::Pattern {
                        role: role.name,
                        got: pattern.len(),
                    });
                }
            }
            if roles.insert(role.name.clone(), role.allow).is_some() {
                return Err(UsersError::Twice {
                    what: "role.name",
                    got: role.name,
                });
            }
        }
        let mut users = BTreeMap::new();
        for entry in file.user {
            check_id("user.id", &entry.id)?;
            let person = entry.person.unwrap_or_else(|| entry.id.clone());
            check_id("user.person", &person)?;
            if let Some(role) = entry.roles.iter().find(|role| !roles.contains_key(*role)) {
                return Err(UsersError::UnknownRole {
                    user: entry.id,
                    role: role.clone(),
                });
            }
            let user = User {
                person,
                roles: entry.roles,
            };
            if users.insert(entry.id.clone(), user).is_some() {
                return Err(UsersError::Twice {
                    what: "user.id",
                    got: entry.id,
                });
            }
        }
        Ok(Self { users, roles })
    }

    /// Whether there is a user of exactly this id.
    pub fn contains(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    /// Whether a user may do something to a command of a spacecraft.
    pub fn allows(&self, user: &str, verb: Verb, spacecraft: &str, command: &str) -> bool {
        self.matching(user, verb, spacecraft)
            .any(|allow| allow.commands.iter().any(|p| matches(p, command)))
    }

    /// Whether a user may do something to a spacecraft as a whole, whatever the commands.
    pub fn allows_spacecraft(&self, user: &str, verb: Verb, spacecraft: &str) -> bool {
        self.matching(user, verb, spacecraft).next().is_some()
    }

    /// Whether two users are one person; who is unknown is one with everybody.
    pub fn same_person(&self, a: &str, b: &str) -> bool {
        match (self.users.get(a), self.users.get(b)) {
            (Some(first), Some(second)) => {
                a == b || first.person == second.person || first.person == b || second.person == a
            }
            _ => true,
        }
    }

    fn matching<'a>(
        &'a self,
        user: &str,
        verb: Verb,
        spacecraft: &'a str,
    ) -> impl Iterator<Item = &'a Allow> {
        self.users
            .get(user)
            .into_iter()
            .flat_map(|user| &user.roles)
            .filter_map(|role| self.roles.get(role))
            .flatten()
            .filter(move |allow| {
                allow.verbs.contains(&verb)
                    && allow.spacecraft.iter().any(|p| matches(p, spacecraft))
            })
    }
}

fn check_id(what: &'static str, text: &str) -> Result<(), UsersError> {
    let fits =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    // `gate`, `spacecraft` and `station:NAME` are actors of the gate's own.
    let own = matches!(text, "gate" | "spacecraft");
    if text.len() > TEXT_MAX
        || own
        || !text.starts_with(|c: char| c.is_ascii_lowercase())
        || !text.chars().all(fits)
    {
        return Err(UsersError::Id {
            what,
            got: text.chars().take(TEXT_MAX).collect(),
        });
    }
    Ok(())
}

/// Whether a pattern with `*` and `?` covers a whole text; in time of their lengths' product.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [[user]]
        id = "ada"
        name = "Ada Example"
        roles = ["operator"]
        [[user]]
        id = "ada-2"
        person = "ada"
        roles = ["director", "operator"]
        [[user]]
        id = "bob"
        roles = ["director"]
        [[role]]
        name = "operator"
        [[role.allow]]
        spacecraft = ["node-*"]
        commands = ["/OC/*"]
        verbs = ["request"]
        [[role]]
        name = "director"
        [[role.allow]]
        spacecraft = ["node-1"]
        commands = ["*"]
        verbs = ["approve", "administer"]
    "#;

    #[test]
    fn roles_say_who_may_what_where() {
        let users = Users::parse(FILE).unwrap();
        assert!(users.allows("ada", Verb::Request, "node-7", "/OC/Cap"));
        assert!(!users.allows("ada", Verb::Request, "relay-7", "/OC/Cap"));
        assert!(!users.allows("ada", Verb::Request, "node-7", "/Other/Cap"));
        assert!(!users.allows("ada", Verb::Approve, "node-1", "/OC/Cap"));
        assert!(users.allows("bob", Verb::Approve, "node-1", "/OC/Cap"));
        assert!(!users.allows("Bob", Verb::Approve, "node-1", "/OC/Cap"));
        assert!(!users.allows("bob ", Verb::Approve, "node-1", "/OC/Cap"));
        assert!(users.allows_spacecraft("bob", Verb::Administer, "node-1"));
        assert!(!users.allows_spacecraft("bob", Verb::Administer, "node-2"));
    }

    #[test]
    fn two_users_of_one_person_are_one_person() {
        let users = Users::parse(FILE).unwrap();
        assert!(users.same_person("ada", "ada-2"));
        assert!(!users.same_person("ada", "bob"));
        assert!(users.same_person("ada", "nobody"));
    }

    #[test]
    fn a_doubtful_file_is_refused() {
        let change = |from: &str, to: &str| FILE.replacen(from, to, 1);
        for (text, why) in [
            (change("id = \"ada\"", "id = \"Ada\""), "case"),
            (
                change("id = \"ada\"", "id = \"ad\u{430}\""),
                "a Cyrillic letter",
            ),
            (change("id = \"ada\"", "id = \"bob\""), "twice"),
            (
                change("id = \"ada\"", "id = \"gate\""),
                "the gate's own name",
            ),
            (
                change("name = \"Ada Example\"", "nmae = \"x\""),
                "unknown key",
            ),
            (
                change("roles = [\"operator\"]", "roles = [\"opreator\"]"),
                "unknown role",
            ),
            (
                change("verbs = [\"request\"]", "verbs = [\"reqest\"]"),
                "unknown verb",
            ),
            (change("\"node-*\"", "\"\""), "empty pattern"),
            (change("roles = [\"operator\"]", ""), "no roles"),
        ] {
            assert!(Users::parse(&text).is_err(), "{why}");
        }
    }

    #[test]
    fn patterns_cover_whole_texts() {
        for (pattern, text, covers) in [
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("node-?", "node-1", true),
            ("node-?", "node-12", false),
            ("node", "node-1", false),
            ("**x", "yyx", true),
        ] {
            assert_eq!(matches(pattern, text), covers, "{pattern} {text}");
        }
        let long = format!("{}b", "a*".repeat(100));
        assert!(!matches(&long, &"a".repeat(10_000)));
    }
}
