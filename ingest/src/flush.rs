//! Flushing: what is buffered becomes files, the files commits, and the bus lets go of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use bus::Offset;
use futures::stream::{self, StreamExt, TryStreamExt};
use lake::{
    Change, Committed, FinishedFile, LakeError, StoredFile, TableFile, TableLog, make_durable,
};

use crate::batch::TableBatch;
use crate::consume::{Table, Worker};
use crate::count;
use crate::duplicates::Resolved;
use crate::error::IngestError;
use crate::service::Step;

/// A table's files of one flush, not yet committed.
#[derive(Default)]
struct Written {
    name: String,
    files: Vec<(FinishedFile, StoredFile)>,
    /// The first so many hold this flush's rows; those behind them are files again, without rows
    /// that turned out to be worse copies.
    fresh: usize,
    removed: Vec<Arc<TableFile>>,
    rows: u64,
    duplicates: u64,
}

impl Worker {
    /// Writes and commits all tables up to an offset, then releases it.
    pub(crate) fn flush(&mut self, end: Offset) -> Result<(), IngestError> {
        if end <= self.first {
            return Ok(());
        }
        let started = Instant::now();
        let mut tables = std::mem::take(&mut self.tables);
        let flushed = self.flush_tables(&mut tables, end, started);
        self.tables = tables;
        flushed?;
        self.first = end;
        self.octets = 0;
        self.records = 0;
        self.since = None;
        Ok(())
    }

    fn flush_tables(
        &mut self,
        tables: &mut BTreeMap<String, Table>,
        end: Offset,
        started: Instant,
    ) -> Result<(), IngestError> {
        let mut written: Vec<Written> = Vec::new();
        for (name, table) in tables.iter_mut() {
            let batch = std::mem::replace(&mut table.batch, TableBatch::new(name));
            if batch.rows == 0 && !table.duplicates.is_holding() {
                continue;
            }
            let resolved = self.again_if_gone(table, |table| {
                table.duplicates.resolve_held(&table.log, &self.runtime)
            })?;
            written.push(self.write(&table.log, batch, resolved)?);
        }
        let files = written.iter_mut().flat_map(|table| &mut table.files);
        self.runtime
            .block_on(make_durable(files.map(|(_, stored)| stored)))?;
        self.step(Step::FilesDurable);
        let encoded = started.elapsed();
        self.bus.sync()?;
        self.step(Step::BusSynced);
        let synced = started.elapsed();
        let tried = self.commit_all(tables, &written, end)?;
        for (written, tried) in written.into_iter().zip(tried) {
            if let Some(table) = tables.get_mut(&written.name) {
                self.finish_commit(table, written, tried, end)?;
            }
        }
        for table in tables.values_mut() {
            table.duplicates.flushed();
        }
        let committed = started.elapsed();
        self.send_letters()?;
        self.subscription.commit(end)?;
        self.step(Step::Released);
        count::flushed(self.topic, started.elapsed());
        tracing::debug!(
            topic = %self.topic, partition = self.partition, from = self.first, to = end,
            ?encoded, ?synced, ?committed, released = ?started.elapsed(), "flushed"
        );
        Ok(())
    }

    /// Encodes and stores a table's rows, and its files that lose some.
    fn write(
        &self,
        log: &TableLog,
        mut batch: TableBatch,
        resolved: Resolved,
    ) -> Result<Written, IngestError> {
        for (spacecraft, rows) in &resolved.rows {
            batch.add(spacecraft, rows)?;
        }
        let rows = batch.rows;
        let mut files = Vec::new();
        let own = batch.finish()?.into_iter();
        let own: Vec<_> = own.map(|file| (file, self.config.log.clone())).collect();
        let fresh = own.len();
        for (mut file, log_of) in own.into_iter().chain(resolved.rewritten) {
            let octets = std::mem::take(&mut file.encoded.octets);
            let stored = log.store(file.day, self.first, octets, &log_of);
            let stored = self.runtime.block_on(stored)?;
            self.step(Step::FileWritten);
            files.push((file, stored));
        }
        Ok(Written {
            name: log.name().to_owned(),
            files,
            fresh,
            removed: resolved.removed,
            rows,
            duplicates: resolved.duplicates,
        })
    }

    /// Tries to commit every table once: in a folder one after the other, in an object store, which
    /// takes its time, several at once.
    fn commit_all(
        &self,
        tables: &mut BTreeMap<String, Table>,
        written: &[Written],
        end: Offset,
    ) -> Result<Vec<Committed>, IngestError> {
        let at_once = match self.lake.location().as_folder() {
            Some(_) => 1,
            None => COMMITS_AT_ONCE,
        };
        // Both are sorted by name.
        let mut written = written.iter().peekable();
        let pairs = tables.iter_mut().filter_map(|(name, table)| {
            let written = written.next_if(|written| written.name == *name)?;
            Some(self.commit_once(table, written, end))
        });
        let commits = stream::iter(pairs).buffered(at_once).try_collect();
        self.runtime.block_on(commits)
    }

    async fn commit_once(
        &self,
        table: &mut Table,
        written: &Written,
        end: Offset,
    ) -> Result<Committed, IngestError> {
        if written.files.is_empty() && written.removed.is_empty() {
            return Ok(Committed::Done);
        }
        let change = Change {
            added: &written.files,
            removed: &written.removed,
            last_offset: end - 1,
        };
        let duplicates = &table.duplicates;
        let concerns = |file: &TableFile| duplicates.concerns(file);
        let committed = table.log.commit(&change, &concerns).await?;
        if committed == Committed::Done {
            self.step(Step::Committed);
        }
        Ok(committed)
    }

    /// Commits a table whose first try was stale, and counts what it got.
    fn finish_commit(
        &mut self,
        table: &mut Table,
        mut written: Written,
        mut tried: Committed,
        end: Offset,
    ) -> Result<(), IngestError> {
        let mut attempts = 1;
        while tried == Committed::Stale {
            if attempts == STALE_MAX {
                let table = written.name;
                return Err(LakeError::Contended { table, attempts }.into());
            }
            attempts += 1;
            tracing::debug!(
                table = written.name,
                "another writer's rows came in between"
            );
            written = self.write_again(table, written)?;
            let runtime = Arc::clone(&self.runtime);
            tried = runtime.block_on(self.commit_once(table, &written, end))?;
        }
        let octets = written
            .files
            .iter()
            .map(|(_, stored)| stored.size)
            .sum::<u64>();
        count::committed(&written.name, written.rows, octets);
        count::duplicates(&written.name, written.duplicates);
        let summary = self.summary.tables.entry(written.name).or_default();
        summary.rows += written.rows;
        summary.files += written.files.len() as u64;
        summary.octets += octets;
        summary.duplicates += written.duplicates;
        Ok(())
    }

    /// Compares a flush's rows with what other writers brought meanwhile.
    fn write_again(&self, table: &mut Table, written: Written) -> Result<Written, IngestError> {
        let mut rows: Vec<RecordBatch> = Vec::new();
        for (_, stored) in written.files.iter().take(written.fresh) {
            for batch in self.runtime.block_on(table.log.rows(&stored.path))? {
                let arrow_error = |source| IngestError::Arrow {
                    table: written.name.clone(),
                    source,
                };
                rows.push(batch.map_err(arrow_error)?);
            }
        }
        let resolved = self.again_if_gone(table, |table| {
            let (log, rows) = (&table.log, rows.clone());
            table.duplicates.resolve(log, &self.runtime, rows)
        })?;
        let before = written.duplicates;
        let batch = TableBatch::new(&written.name);
        let mut written = self.write(&table.log, batch, resolved)?;
        written.duplicates += before;
        let files = written.files.iter_mut().map(|(_, stored)| stored);
        self.runtime.block_on(make_durable(files))?;
        Ok(written)
    }

    /// Does something with a table's files, again from its newest version if one has been deleted.
    fn again_if_gone<T>(
        &self,
        table: &mut Table,
        mut doing: impl FnMut(&mut Table) -> Result<T, IngestError>,
    ) -> Result<T, IngestError> {
        let done = doing(table);
        if !matches!(done, Err(IngestError::Lake(LakeError::Gone { .. }))) {
            return done;
        }
        self.runtime.block_on(table.log.refresh())?;
        doing(table)
    }
}

/// How often other writers may come in between with rows that concern a flush.
const STALE_MAX: u32 = 20;

/// Tables of an object store that are committed at once.
const COMMITS_AT_ONCE: usize = 8;
