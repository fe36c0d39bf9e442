//! Identities of rows that a table has: read from its files when they are asked for, and kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use lake::{FinishedFile, Known, RunWriter, TableFile, TableLog};
use tokio::runtime::Runtime;

use super::identity::{Identity, Kind, Texts, identities};
use crate::error::IngestError;

/// Identities by file. Bounded: beyond [`ROWS_MAX`] rows, files that were not asked for longest
/// are forgotten, and read again if need be.
#[derive(Default)]
pub(crate) struct Stored {
    files: HashMap<String, (Arc<Vec<Identity>>, u64)>,
    rows: usize,
    asked: u64,
}

impl Stored {
    /// The identities of a file's rows that `wanted` is true for, or of more.
    pub(crate) fn of(
        &mut self,
        (log, runtime): (&TableLog, &Runtime),
        file: &TableFile,
        (kind, texts, own_log): (Kind, &mut Texts, &str),
        wanted: &dyn Fn(&Identity) -> bool,
    ) -> Result<Arc<Vec<Identity>>, IngestError> {
        self.asked += 1;
        if let Some((known, asked)) = self.files.get_mut(&file.path) {
            *asked = self.asked;
            return Ok(Arc::clone(known));
        }
        let mut all = Vec::new();
        let mut complete = true;
        for batch in runtime.block_on(log.rows(&file.path))? {
            let batch = batch.map_err(|source| arrow_error(log, source))?;
            let other_log = other_log(file, own_log);
            let found = identities(&batch, kind, texts, other_log);
            let found = found.map_err(|source| arrow_error(log, source))?;
            all.extend(found.into_iter().flatten());
            if all.len() > FILE_ROWS_MAX {
                complete = false;
                all.retain(wanted);
            }
        }
        let all = Arc::new(all);
        if complete {
            self.rows += all.len();
            let entry = (Arc::clone(&all), self.asked);
            self.files.insert(file.path.clone(), entry);
            self.forget();
        }
        Ok(all)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self) {
        while self.rows > ROWS_MAX {
            let oldest = self.files.iter().min_by_key(|(_, (_, asked))| *asked);
            let Some(path) = oldest.map(|(path, _)| path.clone()) else {
                return;
            };
            if let Some((rows, _)) = self.files.remove(&path) {
                self.rows = self.rows.saturating_sub(rows.len());
            }
        }
    }
}

/// A file again, without some of its rows; `None` if none is left.
pub(crate) fn without(
    (log, runtime): (&TableLog, &Runtime),
    file: &TableFile,
    (kind, texts, own_log): (Kind, &mut Texts, &str),
    worse: &HashSet<Identity>,
) -> Result<Option<FinishedFile>, IngestError> {
    let mut writer: Option<(RunWriter, _)> = None;
    for batch in runtime.block_on(log.rows(&file.path))? {
        let batch = batch.map_err(|source| arrow_error(log, source))?;
        let found = identities(&batch, kind, texts, other_log(file, own_log));
        let found = found.map_err(|source| arrow_error(log, source))?;
        let kept = found
            .iter()
            .map(|identity| identity.is_none_or(|identity| !worse.contains(&identity)));
        let kept = filtered(&batch, kept.collect()).map_err(|source| arrow_error(log, source))?;
        if kept.num_rows() == 0 {
            continue;
        }
        let (writer, _) = match &mut writer {
            Some(writer) => writer,
            empty => {
                let schema = kept.schema();
                empty.insert((RunWriter::new(log.name(), &schema)?, schema))
            }
        };
        writer.write(&kept)?;
    }
    let Some((writer, schema)) = writer else {
        return Ok(None);
    };
    Ok(Some(FinishedFile {
        day: file.day,
        schema,
        encoded: writer.finish()?,
    }))
}

/// Rows of a batch for which `kept` is true.
pub(crate) fn filtered(
    batch: &RecordBatch,
    kept: Vec<bool>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    if kept.iter().all(|kept| *kept) {
        return Ok(batch.clone());
    }
    filter_record_batch(batch, &BooleanArray::from(kept))
}

/// The log that a file's rows came from, if it is known to be another than `own`.
pub(crate) fn other_log<'a>(file: &'a TableFile, own: &str) -> Option<&'a str> {
    match &file.log {
        Known::Is(log) if **log != *own => Some(log),
        _ => None,
    }
}

pub(crate) fn arrow_error(log: &TableLog, source: arrow::error::ArrowError) -> IngestError {
    IngestError::Arrow {
        table: log.name().to_owned(),
        source,
    }
}

/// Identities kept of one table, 64 octets each.
const ROWS_MAX: usize = 512 * 1_024;

/// Files with more rows are read each time.
const FILE_ROWS_MAX: usize = 128 * 1_024;
