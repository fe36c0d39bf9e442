//! Hostile definitions, and the tables of real ones.

use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;

use super::*;
use crate::tables::LEADING_COLUMNS;
use crate::xtce::model::{
    Container, Encoding, EncodingKind, Entry, EntryContent, IntegerValue, MissionDatabase,
    Parameter, ParameterId, ParameterType, Size, TypeId, TypeKind,
};

fn entry(content: EntryContent) -> Entry {
    Entry {
        content,
        location: None,
        include_condition: None,
        repeat: None,
    }
}

fn container(name: &str, entries: Vec<Entry>) -> Container {
    Container {
        name: name.to_owned(),
        qualified_name: format!("/T/{name}"),
        description: None,
        is_abstract: false,
        base: None,
        size_bits: None,
        entries,
    }
}

/// A database whose one parameter is an octet.
fn database(containers: Vec<Container>) -> MissionDatabase {
    let encoding = Encoding {
        kind: EncodingKind::Unsigned,
        size: Size::Fixed(8),
        least_significant_bit_first: false,
        least_significant_byte_first: false,
        context_calibrators: Vec::new(),
        calibrator: None,
    };
    let kind = TypeKind::Integer {
        signed: false,
        size_bits: 8,
        encoding,
    };
    MissionDatabase {
        parameters: vec![parameter("TIME", 0)],
        types: vec![parameter_type(kind)],
        containers,
        ..MissionDatabase::default()
    }
}

fn parameter(name: &str, parameter_type: u32) -> Parameter {
    Parameter {
        name: name.to_owned(),
        qualified_name: format!("/T/{name}"),
        parameter_type: TypeId(parameter_type),
        description: None,
    }
}

fn parameter_type(kind: TypeKind) -> ParameterType {
    ParameterType {
        name: "type".to_owned(),
        qualified_name: "/T/type".to_owned(),
        description: None,
        units: None,
        kind,
        alarms: Vec::new(),
    }
}

#[test]
fn containers_that_multiply_are_refused() {
    for leaf in [
        EntryContent::Parameter(ParameterId(0)),
        EntryContent::Padding(1),
    ] {
        let mut containers: Vec<Container> = (0..30)
            .map(|index| {
                let next = EntryContent::Container(ContainerId(index + 1));
                container(&format!("c{index}"), vec![entry(next); 10])
            })
            .collect();
        containers.push(container("leaf", vec![entry(leaf)]));
        let error = compile(&database(containers)).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("more than 16384 columns") || message.contains("2000000 fields"),
            "{message}"
        );
    }
}

#[test]
fn containers_that_include_themselves_are_refused() {
    let own = EntryContent::Container(ContainerId(1));
    let containers = vec![
        container("root", vec![entry(own.clone())]),
        container("own", vec![entry(own)]),
    ];
    let error = compile(&database(containers)).unwrap_err();
    assert_eq!(
        error,
        LayoutError::TooDeep {
            container: "/T/root".to_owned()
        }
    );
}

#[test]
fn types_that_contain_themselves_are_refused() {
    let mut database = database(vec![container(
        "root",
        vec![entry(EntryContent::Parameter(ParameterId(0)))],
    )]);
    let dimensions = vec![IntegerValue::Fixed(1_000_000_000); 2];
    database.types[0].kind = TypeKind::Array {
        element: TypeId(0),
        dimensions,
    };
    assert!(matches!(
        compile(&database),
        Err(LayoutError::TooDeep { .. })
    ));
}

#[test]
fn an_index_that_points_nowhere_is_named() {
    let error = compile(&database(vec![container(
        "root",
        vec![entry(EntryContent::Parameter(ParameterId(7)))],
    )]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "container /T/root refers to parameter number 7, which does not exist"
    );
}

#[test]
fn parameters_do_not_take_the_names_of_leading_columns() {
    let twice = vec![entry(EntryContent::Parameter(ParameterId(0))); 2];
    let mission = compile(&database(vec![container("Packets", twice)])).unwrap();
    let layout = &mission.tables[0];
    assert_eq!(layout.table, "t_packets");
    let fields = layout.schema.fields();
    let names: Vec<&str> = fields[LEADING_COLUMNS.len()..]
        .iter()
        .map(|f| f.name().as_str())
        .collect();
    assert_eq!(names, ["time_2", "time_3"]);
    assert_eq!(fields[LEADING_COLUMNS.len()].data_type(), &DataType::Int16);
}

#[test]
fn every_definition_at_hand_compiles() {
    let folder = std::env::var_os("PASSLINE_SHARED")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
            PathBuf::from,
        )
        .join("xtce");
    let Ok(files) = std::fs::read_dir(&folder) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} is not there",
            folder.display()
        );
        eprintln!(
            "SKIPPED: {} is not there; set PASSLINE_SHARED",
            folder.display()
        );
        return;
    };
    let mut files: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "xml"));
    files.sort();
    assert!(files.len() >= 21);
    for file in files {
        let database = MissionDatabase::load_files(std::slice::from_ref(&file)).unwrap();
        let mission = compile(&database).unwrap();
        let columns: usize = mission.tables.iter().map(|table| table.columns.len()).sum();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        eprintln!("{name}: {} tables, {columns} columns", mission.tables.len());
        for issue in &mission.issues {
            eprintln!("  {}: {}", issue.container, issue.what);
        }
        for table in &mission.tables {
            assert_eq!(
                table.schema.fields().len(),
                LEADING_COLUMNS.len() + table.columns.len()
            );
            let mut names: Vec<&String> = table.schema.fields().iter().map(|f| f.name()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(
                names.len(),
                table.schema.fields().len(),
                "{name} {}",
                table.table
            );
        }
        // The concrete containers that no packet reaches are types of records, not packets.
        assert!(
            !mission.tables.is_empty()
                || database
                    .containers
                    .iter()
                    .all(|c| c.is_abstract || c.base.is_none()),
            "{name}"
        );
    }
}
