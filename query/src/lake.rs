//! The lake: where tables lie, and the engine that answers questions about them.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::{FutureExt, StreamExt};
use lake::{Location, Tables};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::catalog::{CATALOG, LakeCatalog, SCHEMA};
use crate::{QueryError, guard};

/// Memory that sorts, joins and aggregations of one process may hold; beyond it they spill to
/// the system's folder for temporary files, or fail where they cannot.
pub(crate) const MEMORY_OCTETS_MAX: usize = 256 << 20;

/// Most octets spilled.
const SPILL_OCTETS_MAX: u64 = 16 << 30;

/// Planning recurses over statements as deep as [`guard::OPERATORS_MAX`]; untouched pages of a
/// stack cost nothing.
const STACK_OCTETS: usize = 256 << 20;

/// Batches computed ahead of the one being printed; then computing waits.
const BATCHES_AHEAD: usize = 2;

/// The tables of a data folder, and the engine that answers questions about them.
pub struct Lake {
    tables: Tables,
    state: Arc<SessionState>,
    interrupt: Arc<Notify>,
    /// `None` only while dropping.
    runtime: Option<Runtime>,
}

/// The record batches that answer one statement, computed while they are read.
pub struct Answer<'a> {
    lake: &'a Lake,
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch, QueryError>>,
    computing: JoinHandle<()>,
}

/// A column as `\d TABLE` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Its type, in SQL's words.
    pub data_type: String,
    /// Its unit, or nothing.
    pub unit: String,
    /// What it means, or nothing.
    pub description: String,
}

impl Lake {
    /// Opens the lake of a data folder or another location; no table is read yet.
    ///
    /// # Errors
    /// [`QueryError::NoTables`] if it holds none, [`QueryError::Lake`] if it cannot be read.
    pub fn open(data: impl Into<Location>) -> Result<Self, QueryError> {
        let location = data.into();
        let tables = Tables::open(&location)?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(processors)
            .max_blocking_threads(processors.saturating_mul(2).max(4))
            .thread_stack_size(STACK_OCTETS)
            .thread_name("query")
            .enable_all()
            .build()
            .map_err(QueryError::Start)?;
        let state =
            session(&tables, processors).map_err(|error| QueryError::from_datafusion(&error))?;
        let lake = Self {
            tables,
            state: Arc::new(state),
            interrupt: Arc::new(Notify::new()),
            runtime: Some(runtime),
        };
        if lake.tables()?.is_empty() {
            return Err(QueryError::NoTables {
                data: location.to_string(),
            });
        }
        Ok(lake)
    }

    /// The tables there are now, sorted.
    ///
    /// # Errors
    /// [`QueryError::Lake`] if it cannot be read.
    pub fn tables(&self) -> Result<Vec<String>, QueryError> {
        let tables = self.tables.clone();
        Ok(self.wait(async move { tables.names().await })??)
    }

    /// The columns of a table, in order, with what is known about them.
    ///
    /// # Errors
    /// [`QueryError::UnknownTable`], or [`QueryError::Failed`] if the table is damaged.
    pub fn columns(&self, table: &str) -> Result<Vec<ColumnDescription>, QueryError> {
        let tables = self.tables()?;
        if !tables.iter().any(|name| name == table) {
            return Err(QueryError::unknown_table(table, tables));
        }
        let (tables, name) = (self.tables.clone(), table.to_owned());
        let schema = self.wait(async move {
            let table = tables.load(&name).await?;
            let provider = table.table_provider().await;
            let provider = provider.map_err(|error| QueryError::Failed(error.to_string()))?;
            Ok::<_, QueryError>(provider.schema())
        })??;
        Ok(schema
            .fields()
            .iter()
            .map(|field| describe(field))
            .collect())
    }

    /// Asks one statement.
    ///
    /// # Errors
    /// If it is not exactly one reading statement, or cannot be planned.
    pub fn ask(&self, sql: &str) -> Result<Answer<'_>, QueryError> {
        let mut statements = self.parse(sql)?;
        match (statements.pop(), statements.len()) {
            (Some(statement), 0) => self.answer(statement),
            (last, others) => Err(QueryError::NotOneStatement {
                found: others + usize::from(last.is_some()),
            }),
        }
    }

    /// Parses statements on a thread with a large stack, refusing those that do not only read.
    pub(crate) fn parse(&self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        let sql = sql.to_owned();
        self.wait(async move { guard::parse(&sql) })?
    }

    /// Plans a statement against the tables' latest commits and starts computing.
    pub(crate) fn answer(&self, statement: Statement) -> Result<Answer<'_>, QueryError> {
        // A Ctrl-C that came while nothing ran is not meant for this statement.
        let _ = self.interrupt.notified().now_or_never();
        let state = Arc::clone(&self.state);
        let tables = self.tables.clone();
        let mut stream = self.wait(async move { plan(&state, &tables, statement).await })??;
        let schema = stream.schema();
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let computing = self.runtime()?.spawn(async move {
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(|error| QueryError::from_datafusion(&error));
                let failed = batch.is_err();
                if sender.send(batch).await.is_err() || failed {
                    break;
                }
            }
        });
        Ok(Answer {
            lake: self,
            schema,
            batches,
            computing,
        })
    }

    /// Makes Ctrl-C interrupt what is computed instead of ending the process.
    ///
    /// On a thread of its own: the engine's may all be computing.
    pub(crate) fn interrupt_on_ctrl_c(&self) -> Result<(), QueryError> {
        let interrupt = Arc::clone(&self.interrupt);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(QueryError::Start)?;
        // Installed here and not on the thread, so that no Ctrl-C comes before it.
        let mut signals = {
            let _context = runtime.enter();
            signal(SignalKind::interrupt()).map_err(QueryError::Start)?
        };
        let listen = async move {
            while signals.recv().await.is_some() {
                interrupt.notify_one();
            }
        };
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || runtime.block_on(listen))
            .map_err(QueryError::Start)?;
        Ok(())
    }

    fn runtime(&self) -> Result<&Runtime, QueryError> {
        self.runtime.as_ref().ok_or(QueryError::Interrupted)
    }

    /// Runs work on a thread with a large stack, until it is done or interrupted.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let runtime = self.runtime()?;
        let mut task = runtime.spawn(work);
        runtime.block_on(async {
            tokio::select! {
                done = &mut task => done.map_err(|error| QueryError::Failed(error.to_string())),
                () = self.interrupt.notified() => {
                    task.abort();
                    Err(QueryError::Interrupted)
                }
            }
        })
    }
}

impl Drop for Lake {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Answer<'_> {
    /// The columns of the answer.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// Once, if computing them failed or was interrupted; then the answer has ended.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let (batches, interrupt) = (&mut self.batches, &self.lake.interrupt);
        let next = self.lake.runtime()?.block_on(async {
            tokio::select! {
                biased;
                () = interrupt.notified() => Some(Err(QueryError::Interrupted)),
                next = batches.recv() => next,
            }
        });
        if matches!(next, Some(Err(_))) {
            self.computing.abort();
            self.batches.close();
        }
        next.transpose()
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        self.computing.abort();
    }
}

fn session(
    tables: &Tables,
    processors: usize,
) -> Result<SessionState, datafusion::error::DataFusionError> {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_information_schema(true)
        .with_target_partitions(processors)
        // Joins on dictionary columns (a partition column may be one) trip over pushed-down
        // value lists; deltalake's own sessions switch them off too.
        .set_usize("datafusion.optimizer.hash_join_inlist_pushdown_max_size", 0)
        .set_usize(
            "datafusion.optimizer.hash_join_inlist_pushdown_max_distinct_values",
            0,
        );
    config.options_mut().execution.parquet.pushdown_filters = true;
    config.options_mut().execution.parquet.reorder_filters = true;
    config.options_mut().execution.time_zone = Some("+00:00".to_owned());
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(MEMORY_OCTETS_MAX)))
        .with_disk_manager_builder(
            DiskManagerBuilder::default()
                .with_mode(DiskManagerMode::OsTmpDirectory)
                .with_max_temp_directory_size(SPILL_OCTETS_MAX),
        )
        .build_arc()?;
    let context = SessionContext::new_with_config_rt(config, environment);
    context.register_catalog(CATALOG, Arc::new(LakeCatalog::new(tables)));
    Ok(context.state())
}

async fn plan(
    state: &SessionState,
    tables: &Tables,
    statement: Statement,
) -> Result<SendableRecordBatchStream, QueryError> {
    let statement = plain_show_tables(statement)?;
    check_tables(state, tables, &statement).await?;
    let failed = |error| QueryError::from_datafusion(&error);
    let logical = state.statement_to_plan(statement).await.map_err(failed)?;
    // The guard has refused all of these already; this is the second lock on the same door.
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&logical)
        .map_err(failed)?;
    let physical = state.create_physical_plan(&logical).await.map_err(failed)?;
    let physical = interruptible(physical).map_err(failed)?;
    execute_stream(physical, state.task_ctx()).map_err(failed)
}

/// DataFusion lets go of a thread where it reads; a join can go on for days without reading.
fn interruptible(
    plan: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>, datafusion::error::DataFusionError> {
    let yielding = |node: Arc<dyn ExecutionPlan>| {
        if !node.name().ends_with("JoinExec") {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(
            Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>
        ))
    };
    plan.transform_up(yielding).data()
}

/// `SHOW TABLES` lists the lake's tables and not those of `information_schema`.
fn plain_show_tables(statement: Statement) -> Result<Statement, QueryError> {
    const TABLES: &str = "SELECT table_name FROM information_schema.tables \
                          WHERE table_schema = 'public' ORDER BY table_name";
    let is_plain = matches!(&statement, Statement::Statement(sql)
        if matches!(&**sql, SqlStatement::ShowTables { .. })
            && sql.to_string().eq_ignore_ascii_case("show tables"));
    if !is_plain {
        return Ok(statement);
    }
    guard::parse(TABLES).map(|mut statements| statements.pop().unwrap_or(statement))
}

/// Unknown tables are named here, where their neighbours are known.
async fn check_tables(
    state: &SessionState,
    tables: &Tables,
    statement: &Statement,
) -> Result<(), QueryError> {
    let references = state
        .resolve_table_references(statement)
        .map_err(|error| QueryError::from_datafusion(&error))?;
    if references.is_empty() {
        return Ok(());
    }
    let tables = tables.names().await?;
    for reference in references {
        let elsewhere = reference
            .schema()
            .is_some_and(|schema| schema == "information_schema");
        let here = reference.schema().is_none_or(|schema| schema == SCHEMA)
            && reference.catalog().is_none_or(|catalog| catalog == CATALOG)
            && tables.iter().any(|table| table == reference.table());
        // Table functions share the names' place in the grammar.
        let function = state.table_functions().contains_key(reference.table());
        if !elsewhere && !here && !function {
            return Err(QueryError::unknown_table(&reference.to_string(), tables));
        }
    }
    Ok(())
}

fn describe(field: &arrow::datatypes::Field) -> ColumnDescription {
    let metadata = |key: &str| field.metadata().get(key).cloned().unwrap_or_default();
    ColumnDescription {
        name: field.name().clone(),
        data_type: sql_type(field.data_type()),
        unit: metadata("unit"),
        description: metadata("description"),
    }
}

/// A type in SQL's words.
fn sql_type(data_type: &arrow::datatypes::DataType) -> String {
    use arrow::datatypes::DataType;
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Dictionary(_, values) => sql_type(values),
        DataType::List(item) => format!("{}[]", sql_type(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), sql_type(field.data_type())))
                .collect();
            format!("struct({})", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
