//! What changed from one plan to another.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::contact::{Contact, ContactPlan};

/// What changed from one plan to another; a contact's state is no part of the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanDiff {
    /// How many contacts are in both, at the same time on the same antenna.
    pub same: usize,
    /// Contacts of the old plan whose opportunity the new one does not use.
    pub removed: Vec<Contact>,
    /// Contacts whose opportunity the old plan did not use.
    pub added: Vec<Contact>,
    /// Contacts that moved: another time of the same opportunity, or another antenna.
    pub changed: Vec<(Contact, Contact)>,
}

impl PlanDiff {
    /// From the old plan to the new.
    pub fn new(old: &ContactPlan, new: &ContactPlan) -> Self {
        let mut pairs: BTreeMap<u64, (Vec<&Contact>, Vec<&Contact>)> = BTreeMap::new();
        for contact in &old.contacts {
            pairs
                .entry(contact.opportunity)
                .or_default()
                .0
                .push(contact);
        }
        for contact in &new.contacts {
            pairs
                .entry(contact.opportunity)
                .or_default()
                .1
                .push(contact);
        }
        let mut diff = Self::default();
        for (_, (mut before, mut after)) in pairs {
            before.retain(|old| match after.iter().position(|new| same(old, new)) {
                Some(place) => {
                    after.remove(place);
                    diff.same += 1;
                    false
                }
                None => true,
            });
            let mut after = after.into_iter();
            for old in before {
                match after.next() {
                    Some(new) => diff.changed.push((old.clone(), new.clone())),
                    None => diff.removed.push(old.clone()),
                }
            }
            diff.added.extend(after.cloned());
        }
        diff
    }

    /// How many contacts are not as they were.
    pub fn changes(&self) -> usize {
        self.removed.len() + self.added.len() + self.changed.len()
    }
}

/// Whether two contacts are the same but for their states.
pub(crate) fn same(x: &Contact, y: &Contact) -> bool {
    let key = |c: &Contact| (c.opportunity, c.antenna, c.interval, c.hold);
    key(x) == key(y) && x.fallback == y.fallback
}

impl fmt::Display for PlanDiff {
    /// A line a change: `-` removed, `+` added, `~` moved.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let line = |f: &mut fmt::Formatter, sign: char, contact: &Contact| {
            writeln!(
                f,
                "{sign} {} {} station {} {:?} antenna {} satellite {} opportunity {}",
                super::utc::text(contact.interval.start),
                super::utc::text(contact.interval.end),
                contact.station,
                contact.band,
                contact.antenna,
                contact.satellite,
                contact.opportunity
            )
        };
        for contact in &self.removed {
            line(f, '-', contact)?;
        }
        for contact in &self.added {
            line(f, '+', contact)?;
        }
        for (old, new) in &self.changed {
            line(f, '~', old)?;
            line(f, ' ', new)?;
        }
        writeln!(
            f,
            "{} the same, {} removed, {} added, {} moved",
            self.same,
            self.removed.len(),
            self.added.len(),
            self.changed.len()
        )
    }
}
