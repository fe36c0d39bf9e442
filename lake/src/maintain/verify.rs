//! Verifying: every file that the log names is there, says what the log says of it and is sorted;
//! every row is there once.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltalake::kernel::Add;
use futures::TryStreamExt;
use object_store::ObjectStore;
use tokio::runtime::Handle;

use super::error::MaintainError;
use super::recount::{Contact, RowCheck, contact_of};
use super::rewrite::Reading;
use super::table::{Table, TableFile};
use crate::error::LakeError;
use crate::follow::percent_decoded;
use crate::stats::stats_text;
use crate::tables::Root;
use crate::write::{Day, date};

/// What was found in the tables.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// What each table holds.
    pub tables: Vec<TableCount>,
    /// What is wrong, and what could not be checked.
    pub findings: Vec<Finding>,
}

impl Verified {
    /// Whether something is wrong.
    pub fn is_wrong(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.kind != FindingKind::Unchecked)
    }
}

/// What a table holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableCount {
    /// Its name.
    pub table: String,
    /// Days with rows.
    pub days: u64,
    /// Files.
    pub files: u64,
    /// Their octets.
    pub octets: u64,
    /// Rows that were read.
    pub rows: u64,
}

/// Something that is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which table.
    pub table: String,
    /// What kind of trouble.
    pub kind: FindingKind,
    /// Which file, day or contact.
    pub place: String,
    /// In words, with numbers.
    pub what: String,
}

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A file of the log is not there.
    FileMissing,
    /// A file cannot be read, or has another size than the log says.
    FileDamaged,
    /// The log says of a file's rows what its footer does not.
    StatisticsWrong,
    /// A file is not sorted by spacecraft and time.
    Unsorted,
    /// Rows lie in the partition of another day.
    DayWrong,
    /// A row is there twice.
    Duplicates,
    /// There are fewer rows than there should be.
    RowsMissing,
    /// There are more rows than there should be.
    RowsSurplus,
    /// Something could not be checked; nothing is known to be wrong.
    Unchecked,
}

impl FindingKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileMissing => "file missing",
            Self::FileDamaged => "file damaged",
            Self::StatisticsWrong => "statistics wrong",
            Self::Unsorted => "unsorted",
            Self::DayWrong => "wrong day",
            Self::Duplicates => "duplicates",
            Self::RowsMissing => "rows missing",
            Self::RowsSurplus => "rows surplus",
            Self::Unchecked => "unchecked",
        }
    }
}

/// What one table was found to hold.
pub(crate) struct TableRows {
    pub(crate) count: TableCount,
    /// Rows by contact.
    pub(crate) contacts: BTreeMap<Contact, u64>,
}

/// Verifies the files and rows of a table.
pub(crate) fn verify_table(
    table: &Table,
    runtime: &Handle,
    findings: &mut Vec<Finding>,
) -> Result<TableRows, MaintainError> {
    let sizes = runtime.block_on(sizes(table))?;
    let mut rows = TableRows {
        count: TableCount {
            table: table.name.clone(),
            files: table.files.len() as u64,
            octets: table.files.values().map(|file| file.size()).sum(),
            ..TableCount::default()
        },
        contacts: BTreeMap::new(),
    };
    for day in table.days() {
        rows.count.days += 1;
        let mut readable = Vec::new();
        for file in table.files_of(day) {
            match verify_file(table, runtime, &file, &sizes)? {
                Ok(()) => readable.push(file),
                Err(trouble) => {
                    // Wrong statistics do not hide the rows.
                    let kept = trouble.kind == FindingKind::StatisticsWrong;
                    findings.push(trouble);
                    if kept {
                        readable.push(unbounded(&file));
                    }
                }
            }
        }
        verify_day(table, runtime, day, readable, &mut rows, findings)?;
    }
    Ok(rows)
}

/// The same file, of whose rows the log says nothing.
fn unbounded(file: &TableFile) -> Arc<TableFile> {
    Arc::new(TableFile::new(Add {
        stats: None,
        tags: None,
        ..file.add.clone()
    }))
}

fn verify_file(
    table: &Table,
    runtime: &Handle,
    file: &TableFile,
    sizes: &BTreeMap<String, u64>,
) -> Result<Result<(), Finding>, MaintainError> {
    let path = &file.add.path;
    let finding = |kind, what| {
        Ok(Err(Finding {
            table: table.name.clone(),
            kind,
            place: path.clone(),
            what,
        }))
    };
    match sizes.get(path) {
        None => {
            let rows = file
                .rows
                .map_or_else(String::new, |rows| format!(", with {rows} rows"));
            return finding(
                FindingKind::FileMissing,
                format!("it is in the log{rows}, and not in the folder"),
            );
        }
        Some(size) if *size != file.size() => {
            return finding(
                FindingKind::FileDamaged,
                format!("it has {size} octets, the log says {}", file.size()),
            );
        }
        Some(_) => {}
    }
    let footer = match runtime.block_on(table.footer(file)) {
        Ok(footer) => footer,
        Err(MaintainError::Damaged { source, .. }) => {
            return finding(FindingKind::FileDamaged, source.to_string());
        }
        Err(error) => return Err(error),
    };
    if let Some(rows) = file.rows
        && rows != footer.rows()
    {
        return finding(
            FindingKind::StatisticsWrong,
            format!("it has {} rows, the log says {rows}", footer.rows()),
        );
    }
    let own = TableFile::new(Add {
        stats: Some(stats_text(&footer.metadata)),
        tags: None,
        ..file.add.clone()
    });
    let noted = TableFile::new(Add {
        tags: None,
        ..file.add.clone()
    });
    if noted.low > own.low || noted.high < own.high {
        return finding(
            FindingKind::StatisticsWrong,
            format!(
                "its rows are of {} to {}, the log says {} to {}",
                own.low, own.high, noted.low, noted.high
            ),
        );
    }
    Ok(Ok(()))
}

/// Reads the rows of a day in order.
fn verify_day(
    table: &Table,
    runtime: &Handle,
    day: Day,
    files: Vec<Arc<TableFile>>,
    rows: &mut TableRows,
    findings: &mut Vec<Finding>,
) -> Result<(), MaintainError> {
    let mut reading = Reading::new(table, runtime, files)?;
    loop {
        let mut check = RowCheck::new(day);
        let mut contacts: BTreeMap<Contact, u64> = BTreeMap::new();
        let trouble = reading.merged().and_then(|merge| {
            for batch in merge {
                let batch = batch?;
                check.take(&batch).map_err(|source| MaintainError::Rows {
                    table: table.name.clone(),
                    path: "its files".to_owned(),
                    source,
                })?;
                contact_of(&batch, &mut contacts);
            }
            Ok(())
        });
        let finding = |kind, place: String, what| Finding {
            table: table.name.clone(),
            kind,
            place,
            what,
        };
        match trouble {
            Ok(()) => {}
            Err(MaintainError::Unsorted { path, table }) => {
                findings.push(finding(
                    FindingKind::Unsorted,
                    path.clone(),
                    "its rows are not in the order of spacecraft and time; \
                     passline lake compact --all sorts them"
                        .to_owned(),
                ));
                if reading.note_unsorted(&MaintainError::Unsorted { table, path }) {
                    continue;
                }
                return Ok(());
            }
            Err(MaintainError::Rows { path, source, .. }) => {
                findings.push(finding(FindingKind::FileDamaged, path, source.to_string()));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let name = day.map_or_else(|| "no day".to_owned(), date);
        if check.elsewhere > 0 {
            let what = format!("{} rows are of other days", check.elsewhere);
            findings.push(finding(FindingKind::DayWrong, name.clone(), what));
        }
        if check.duplicates > 0 {
            let what = format!("{} rows are there already", check.duplicates);
            findings.push(finding(FindingKind::Duplicates, name, what));
        }
        rows.count.rows += check.rows;
        for (contact, number) in contacts {
            *rows.contacts.entry(contact).or_default() += number;
        }
        return Ok(());
    }
}

/// Octets of every file in the table's folder.
async fn sizes(table: &Table) -> Result<BTreeMap<String, u64>, MaintainError> {
    let store = table.store.object_store(None);
    let failed = |source: object_store::Error| match table.tables.root() {
        Root::Remote(remote) => MaintainError::from(remote.refusal("listing", Box::new(source))),
        Root::Folder(_) => LakeError::Unreadable {
            path: table.folder.clone().unwrap_or_default(),
            source: std::io::Error::other(source),
        }
        .into(),
    };
    let objects: Vec<_> = store.list(None).try_collect().await.map_err(failed)?;
    let mut sizes = BTreeMap::new();
    for object in objects {
        let path = object.location.as_ref();
        sizes.insert(percent_decoded(path), object.size);
        sizes.insert(path.to_owned(), object.size);
    }
    Ok(sizes)
}
