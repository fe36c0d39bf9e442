//! The offsets that a table has: what the `txn` actions of its log say of each writer.

use std::io::ErrorKind;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::error::MaintainError;
use super::recount::Offsets;
use super::table::Table;
use crate::LOG_FOLDER;
use crate::error::LakeError;
use crate::follow::read_entry;

impl Table {
    /// The last offset of each writer, from the newest checkpoint and the entries behind it.
    pub(crate) async fn offsets(&self) -> Result<Offsets, MaintainError> {
        let store = self.store.object_store(None);
        let failed = |source: object_store::Error| {
            let failed = self.tables.delta_error(&self.name, "reading");
            MaintainError::from(failed(source.into()))
        };
        let folder = Path::from(LOG_FOLDER);
        let mut objects: Vec<_> = store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(failed)?;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        let version_of =
            |path: &Path| -> Option<u64> { path.filename()?.split('.').next()?.parse().ok() };
        let is_checkpoint = |path: &Path| {
            let name = path.filename().unwrap_or_default();
            name.contains(".checkpoint.") && name.ends_with(".parquet")
        };
        let checkpoints = objects.iter().map(|object| &object.location);
        let checkpoints = checkpoints.filter(|path| is_checkpoint(path));
        let newest = checkpoints.filter_map(version_of).max();
        let mut offsets = Offsets::new();
        for object in objects {
            let path = &object.location;
            let Some(version) = version_of(path) else {
                continue;
            };
            let name = path.filename().unwrap_or_default();
            let of_checkpoint = is_checkpoint(path) && newest == Some(version);
            let is_entry = name.ends_with(".json") && !name.contains(".checkpoint.");
            let behind = is_entry && newest.is_none_or(|newest| version > newest);
            if !of_checkpoint && !behind {
                continue;
            }
            let octets = store.get(path).await.map_err(failed)?;
            let octets = octets.bytes().await.map_err(failed)?;
            if of_checkpoint {
                let found = checkpointed(octets);
                offsets.extend(found.map_err(|source| MaintainError::Damaged {
                    table: self.name.clone(),
                    path: path.to_string(),
                    source,
                })?);
                continue;
            }
            let entry = read_entry(&octets).map_err(|source| LakeError::Entry {
                table: self.name.clone(),
                version,
                source,
            })?;
            let transactions = entry.transactions.into_iter();
            offsets.extend(transactions.map(|txn| (txn.app_id, txn.version.cast_unsigned())));
        }
        Ok(offsets)
    }
}

/// The `txn` actions of a checkpoint.
fn checkpointed(octets: Bytes) -> Result<Offsets, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(octets)?;
    let root = builder.schema().index_of("txn");
    let root = root.map_err(|error| ParquetError::External(Box::new(error)))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), [root]);
    let mut offsets = Offsets::new();
    for batch in builder.with_projection(mask).build()? {
        let batch = batch.map_err(|error| ParquetError::External(Box::new(error)))?;
        let Some(transactions) = batch.column(0).as_struct_opt() else {
            return Err(ParquetError::External(Box::new(std::io::Error::from(
                ErrorKind::InvalidData,
            ))));
        };
        let names = transactions.column_by_name("appId");
        let names = names.and_then(|names| names.as_string_opt::<i32>());
        let versions = transactions.column_by_name("version");
        let versions = versions.and_then(|versions| versions.as_primitive_opt::<Int64Type>());
        let (Some(names), Some(versions)) = (names, versions) else {
            continue;
        };
        for row in 0..batch.num_rows() {
            if transactions.is_valid(row) && names.is_valid(row) {
                let offset = versions.value(row).cast_unsigned();
                offsets.insert(names.value(row).to_owned(), offset);
            }
        }
    }
    Ok(offsets)
}
