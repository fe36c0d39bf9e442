//! Names to tables: what the planner asks when a statement names a table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::TableType;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use url::Url;

/// The catalog's name in `information_schema`.
pub(crate) const CATALOG: &str = "passline";

/// The schema's name in `information_schema`.
pub(crate) const SCHEMA: &str = "public";

/// Names of the Delta tables under a folder, sorted.
pub(crate) fn table_names(lake: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(lake)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && is_table(&entry.path())
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn is_table(folder: &Path) -> bool {
    folder.join("_delta_log").is_dir()
}

/// A table as of its latest commit.
pub(crate) async fn load(lake: &Path, name: &str) -> Result<DeltaTable, DeltaTableError> {
    let folder = std::path::absolute(lake.join(name))?;
    let url = Url::from_directory_path(&folder)
        .map_err(|()| DeltaTableError::InvalidTableLocation(folder.display().to_string()))?;
    DeltaTableBuilder::from_url(url)?.load().await
}

/// The one catalog: one schema, the lake.
#[derive(Debug)]
pub(crate) struct LakeCatalog {
    schema: Arc<LakeSchema>,
}

impl LakeCatalog {
    pub(crate) fn new(lake: &Path) -> Self {
        Self {
            schema: Arc::new(LakeSchema {
                lake: lake.to_owned(),
            }),
        }
    }
}

impl CatalogProvider for LakeCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        (name == SCHEMA).then(|| Arc::clone(&self.schema) as Arc<dyn SchemaProvider>)
    }
}

#[derive(Debug)]
struct LakeSchema {
    lake: PathBuf,
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        table_names(&self.lake).unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if !self.table_exist(name) {
            return Ok(None);
        }
        let table = load(&self.lake, name)
            .await
            .map_err(|error| DataFusionError::External(Box::new(error)).context(name))?;
        Ok(Some(table.table_provider().await?))
    }

    // `SHOW TABLES` must not load every table.
    async fn table_type(&self, name: &str) -> Result<Option<TableType>, DataFusionError> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    // Among the listed names, so that `"../elsewhere"` is no table.
    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|table| table == name)
    }
}
