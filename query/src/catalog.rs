//! Names to tables: what the planner asks when a statement names a table.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::TableType;
use lake::Tables;

/// The catalog's name in `information_schema`.
pub(crate) const CATALOG: &str = "passline";

/// The schema's name in `information_schema`.
pub(crate) const SCHEMA: &str = "public";

/// The one catalog: one schema, the lake.
#[derive(Debug)]
pub(crate) struct LakeCatalog {
    schema: Arc<LakeSchema>,
}

impl LakeCatalog {
    pub(crate) fn new(tables: &Tables) -> Self {
        Self {
            schema: Arc::new(LakeSchema {
                tables: tables.clone(),
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
    tables: Tables,
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        self.tables.names_at_hand()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if !self.table_exist(name) {
            return Ok(None);
        }
        let table = self
            .tables
            .load(name)
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
