//! Rewriting: sorted rows become files of a day, of sensible size, not yet in the table.

use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde_json::json;
use tokio::runtime::Handle;

use super::error::MaintainError;
use super::files::Footer;
use super::merge::{Batches, Merge, Source};
use super::order::{Key, Keys, sorted};
use super::plan::FILE_OCTETS;
use super::spill::Spill;
use super::table::{COMPACTED_TAG, NewFile, Table, TableFile};
use crate::LOG_TAG;
use crate::error::LakeError;
use crate::write::{Day, FinishedFile, RunWriter, StoredFile, file_path, make_durable, store_file};

/// Files of one day, read as one sorted table.
pub(crate) struct Reading<'a> {
    pub(crate) table: &'a Table,
    pub(crate) runtime: &'a Handle,
    pub(crate) files: Vec<Arc<TableFile>>,
    pub(crate) footers: Vec<Footer>,
    /// Columns that come out.
    pub(crate) schema: SchemaRef,
    /// Rows of a batch.
    pub(crate) rows_max: usize,
    /// Files whose rows are not in order: they are sorted first.
    unsorted: BTreeSet<String>,
}

impl<'a> Reading<'a> {
    /// Reads the footers of files.
    pub(crate) fn new(
        table: &'a Table,
        runtime: &'a Handle,
        mut files: Vec<Arc<TableFile>>,
    ) -> Result<Self, MaintainError> {
        files.sort_by(|a, b| a.add.path.cmp(&b.add.path));
        let footers = files
            .iter()
            .map(|file| runtime.block_on(table.footer(file)));
        let footers: Vec<Footer> = footers.collect::<Result<_, _>>()?;
        let widest = footers.iter().map(Footer::row_octets).max().unwrap_or(1);
        let rows_max = (BATCH_OCTETS / widest).clamp(ROWS_MIN, ROWS_MAX);
        Ok(Self {
            schema: table.columns_of(footers.iter())?,
            table,
            runtime,
            files,
            footers,
            rows_max: rows_max as usize,
            unsorted: BTreeSet::new(),
        })
    }

    /// Keeps to some columns, in the order of the table's.
    pub(crate) fn project(&mut self, columns: &[&str]) {
        let fields = self.schema.fields().iter();
        let fields = fields.filter(|field| columns.contains(&field.name().as_str()));
        let fields: Vec<_> = fields.cloned().collect();
        self.schema = Arc::new(arrow::datatypes::Schema::new(fields));
    }

    /// Rows of all files, as their footers have it.
    pub(crate) fn rows(&self) -> u64 {
        self.footers.iter().map(Footer::rows).sum()
    }

    /// Notes that a file is not in order; `false` if that was known.
    pub(crate) fn note_unsorted(&mut self, error: &MaintainError) -> bool {
        match error {
            MaintainError::Unsorted { path, .. } => self.unsorted.insert(path.clone()),
            _ => false,
        }
    }

    /// All rows in order. Where more files overlap than memory holds, some are merged into
    /// temporary files first.
    pub(crate) fn sources(&self) -> Result<Vec<Source<'_>>, MaintainError> {
        let mut sources = Vec::new();
        for place in 0..self.files.len() {
            sources.extend(self.sources_of(place)?);
        }
        if self.open_octets_max() <= OPEN_OCTETS_MAX {
            return Ok(sources);
        }
        // Neighbours first, so that the temporary files overlap little.
        let mut cost = 0;
        let mut spilled = Vec::new();
        let mut group = Vec::new();
        sources.sort_by(|a, b| a.low.cmp(&b.low));
        let each = self.costs().max().unwrap_or(1);
        for source in sources {
            cost += each;
            group.push(source);
            if cost >= OPEN_OCTETS_MAX && group.len() > 1 {
                spilled.push(self.spill(std::mem::take(&mut group))?);
                cost = 0;
            }
        }
        if !group.is_empty() {
            spilled.push(self.spill(group)?);
        }
        Ok(spilled)
    }

    /// The rows of all files, merged.
    pub(crate) fn merged(&self) -> Result<Merge<'_>, MaintainError> {
        Ok(Merge::new(&self.table.name, self.sources()?, self.rows_max))
    }

    fn sources_of(&self, place: usize) -> Result<Vec<Source<'_>>, MaintainError> {
        let file = &self.files[place];
        let open = move || {
            self.table
                .rows(self.runtime, file, &self.schema, self.rows_max)
        };
        if !self.unsorted.contains(&file.add.path) {
            return Ok(vec![Source {
                low: file.low.clone(),
                name: file.add.path.clone(),
                open: Box::new(open),
            }]);
        }
        let mut sources = Vec::new();
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut octets = 0;
        let mut rows = open()?;
        loop {
            let batch = rows.next().transpose()?;
            let ended = batch.is_none();
            octets += batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
            batches.extend(batch);
            if !batches.is_empty() && (ended || octets >= SORT_OCTETS) {
                sources.extend(self.sort(&std::mem::take(&mut batches))?);
                octets = 0;
            }
            if ended {
                return Ok(sources);
            }
        }
    }

    fn sort(&self, batches: &[RecordBatch]) -> Result<Option<Source<'_>>, MaintainError> {
        let whole = sorted(batches).map_err(|source| MaintainError::Rows {
            table: self.table.name.clone(),
            path: "a file out of order".to_owned(),
            source,
        })?;
        let Some(whole) = whole else {
            return Ok(None);
        };
        let pieces = (0..whole.num_rows())
            .step_by(self.rows_max)
            .map(move |from| {
                let rows = self.rows_max.min(whole.num_rows() - from);
                Ok(whole.slice(from, rows))
            });
        self.spilled(Spill::write(&self.table.name, &self.schema, pieces)?)
            .map(Some)
    }

    fn spill<'s>(&'s self, sources: Vec<Source<'s>>) -> Result<Source<'s>, MaintainError> {
        let merge = Merge::new(&self.table.name, sources, self.rows_max);
        self.spilled(Spill::write(&self.table.name, &self.schema, merge)?)
    }

    fn spilled(&self, spill: Spill) -> Result<Source<'_>, MaintainError> {
        Ok(Source {
            low: Key::first(),
            name: "a temporary file".to_owned(),
            open: Box::new(move || spill.rows()),
        })
    }

    /// Octets that reading a file takes: a page of each column, or the whole file.
    fn costs(&self) -> impl Iterator<Item = u64> {
        let remote = self.table.folder.is_none();
        self.files
            .iter()
            .zip(&self.footers)
            .map(move |(file, footer)| {
                let columns = footer.metadata.file_metadata().schema_descr().num_columns() as u64;
                let decoded = footer.rows().saturating_mul(footer.row_octets());
                decoded.min((columns + 2) << 20) + if remote { file.size() } else { 0 }
            })
    }

    /// The most that files open at once take.
    fn open_octets_max(&self) -> u64 {
        let mut files: Vec<(&Arc<TableFile>, u64)> = self.files.iter().zip(self.costs()).collect();
        files.sort_by(|(a, _), (b, _)| a.low.cmp(&b.low));
        let mut open: BinaryHeap<std::cmp::Reverse<(Key, u64)>> = BinaryHeap::new();
        let (mut now, mut most) = (0_u64, 0_u64);
        for (file, cost) in files {
            while let Some(std::cmp::Reverse((high, closed))) = open.peek() {
                if *high > file.low {
                    break;
                }
                now -= closed;
                open.pop();
            }
            open.push(std::cmp::Reverse((file.high.clone(), cost)));
            now += cost;
            most = most.max(now);
        }
        most
    }
}

/// Writes sorted rows of a day into files that are durable and not yet in the table.
pub(crate) struct DayWriter<'a> {
    table: &'a Table,
    runtime: &'a Handle,
    day: Day,
    first_offset: u64,
    log: Option<String>,
    schema: SchemaRef,
    run: Option<RunWriter>,
    span: Option<(Key, Key)>,
    rows: u64,
    files: Vec<NewFile>,
}

impl<'a> DayWriter<'a> {
    /// A writer of what replaces some files, all of one log.
    pub(crate) fn new(
        table: &'a Table,
        runtime: &'a Handle,
        day: Day,
        replaced: &[Arc<TableFile>],
        schema: &SchemaRef,
    ) -> Self {
        let offsets = replaced.iter().map(|file| file.first_offset());
        Self {
            table,
            runtime,
            day,
            first_offset: offsets.min().unwrap_or(0),
            log: replaced
                .first()
                .and_then(|file| file.log())
                .map(str::to_owned),
            schema: Arc::clone(schema),
            run: None,
            span: None,
            rows: 0,
            files: Vec::new(),
        }
    }

    /// Adds rows behind those before.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), MaintainError> {
        let keys = Keys::of(batch);
        let Some(last) = keys.len().checked_sub(1) else {
            return Ok(());
        };
        let begin = match &self.span {
            Some((begin, _)) => begin.clone(),
            None => keys.key(0, &Key::first()),
        };
        let end = keys.key(last, &begin);
        self.span = Some((begin, end));
        let mut run = match self.run.take() {
            Some(run) => run,
            None => RunWriter::new(&self.table.name, &self.schema)?,
        };
        run.write(batch)?;
        self.rows += batch.num_rows() as u64;
        let full = run.octets() as u64 >= FILE_OCTETS;
        self.run = Some(run);
        if full {
            self.end_file(true)?;
        }
        Ok(())
    }

    /// Ends the last file; gives all of them, and the rows that their footers say they hold.
    pub(crate) fn finish(mut self) -> Result<(Vec<NewFile>, u64), MaintainError> {
        self.end_file(false)?;
        let rows = self.files.iter().map(|new| {
            let metadata = &new.file.encoded.metadata;
            u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0)
        });
        let rows = rows.sum();
        Ok((self.files, rows))
    }

    fn end_file(&mut self, full: bool) -> Result<(), MaintainError> {
        let (Some(run), Some((begin, end))) = (self.run.take(), self.span.take()) else {
            return Ok(());
        };
        let mut encoded = run.finish()?;
        let octets = std::mem::take(&mut encoded.octets);
        // One after the other: each is held until it is stored.
        let offset = self.first_offset + self.files.len() as u64;
        let stored = self.store(offset, octets)?;
        let range = json!({
            "first": [&*begin.spacecraft, begin.time],
            "last": [&*end.spacecraft, end.time],
            "full": full,
        });
        let mut tags: HashMap<_, _> = [(COMPACTED_TAG.to_owned(), Some(range.to_string()))].into();
        if let Some(log) = &self.log {
            tags.insert(LOG_TAG.to_owned(), Some(log.clone()));
        }
        self.files.push(NewFile {
            file: FinishedFile {
                day: self.day,
                schema: Arc::clone(&self.schema),
                encoded,
            },
            stored,
            tags,
        });
        Ok(())
    }
}

impl DayWriter<'_> {
    fn store(&self, offset: u64, octets: Vec<u8>) -> Result<StoredFile, LakeError> {
        let path = file_path(self.day, offset, &octets);
        // Somebody may be reading it.
        if self.table.files.contains_key(&path) {
            return Ok(StoredFile::present(path, octets.len() as u64, ""));
        }
        let (tables, name) = (&self.table.tables, &self.table.name);
        self.runtime.block_on(async {
            let mut stored = store_file(tables, name, (self.day, offset), octets, "").await?;
            make_durable(std::iter::once(&mut stored)).await?;
            Ok(stored)
        })
    }
}

/// Rows that a filter leaves.
pub(crate) fn filtered<'a>(
    table: &'a str,
    rows: Batches<'a>,
    keep: impl Fn(&RecordBatch) -> arrow::array::BooleanArray + 'a,
) -> Batches<'a> {
    Box::new(rows.map(move |batch| {
        let batch = batch?;
        arrow::compute::filter_record_batch(&batch, &keep(&batch)).map_err(|source| {
            MaintainError::Rows {
                table: table.to_owned(),
                path: "its files".to_owned(),
                source,
            }
        })
    }))
}

/// Octets of a batch, about.
const BATCH_OCTETS: u64 = 2 << 20;
const ROWS_MIN: u64 = 16;
const ROWS_MAX: u64 = 8_192;

/// Octets of files that are open at once; beyond it they are merged in steps.
const OPEN_OCTETS_MAX: u64 = if cfg!(test) { 1 << 20 } else { 256 << 20 };

/// Octets of rows that are sorted in memory.
const SORT_OCTETS: usize = 64 << 20;
