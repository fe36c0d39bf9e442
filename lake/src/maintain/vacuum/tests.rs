use std::fs::File;

use super::super::compact::{CompactOptions, compact};
use super::super::fixture::Fixture;
use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn compacted() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.add(&[("a", 1, 0)]);
    fixture.add(&[("a", 1, 1)]);
    let mut table = fixture.open();
    let handle = fixture.runtime.handle();
    compact(&mut table, handle, &CompactOptions::default(), &mut |_| ()).unwrap();
    fixture
}

fn vacuumed(fixture: &Fixture, retention: Duration) -> Vacuumed {
    let options = VacuumOptions {
        retention,
        force: true,
        dry_run: false,
    };
    let table = fixture.open();
    fixture.runtime.block_on(vacuum(&table, &options)).unwrap()
}

/// Makes a file look as old as it would be.
fn age(path: &std::path::Path, age: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

fn age_all(fixture: &Fixture, folder: &str, by: Duration) {
    for entry in std::fs::read_dir(fixture.folder.path().join("lake/t").join(folder)).unwrap() {
        age(&entry.unwrap().path(), by);
    }
}

#[test]
fn files_taken_out_within_the_retention_stay_however_old_they_are() {
    let fixture = compacted();
    age_all(&fixture, "day=1970-01-11", 3 * HOUR);
    let found = vacuumed(&fixture, 2 * HOUR);
    assert_eq!((found.paths.len(), found.kept), (0, 2));
    age_all(&fixture, "_delta_log", 3 * HOUR);
    let found = vacuumed(&fixture, 2 * HOUR);
    assert_eq!((found.paths.len(), found.kept), (2, 0));
    assert_eq!(fixture.numbers(), [0, 1]);
    assert_eq!(vacuumed(&fixture, 2 * HOUR), Vacuumed::default());
}

#[test]
fn what_killed_writers_left_goes_once_it_is_old() {
    let fixture = compacted();
    let table = fixture.folder.path().join("lake/t");
    let orphan = table.join("day=1970-01-11/part-7.parquet");
    std::fs::write(&orphan, "half").unwrap();
    let hidden = table.join("_other/file");
    std::fs::create_dir(table.join("_other")).unwrap();
    std::fs::write(&hidden, "theirs").unwrap();
    age(&hidden, 3 * HOUR);
    assert_eq!(vacuumed(&fixture, 2 * HOUR).kept, 3);
    age(&orphan, 3 * HOUR);
    let found = vacuumed(&fixture, 2 * HOUR);
    assert_eq!(found.paths, ["day=1970-01-11/part-7.parquet"]);
    assert_eq!(found.octets, 4);
    assert!(!orphan.exists() && hidden.exists());
}

#[test]
fn a_retention_that_endangers_readers_needs_force() {
    let fixture = compacted();
    let options = VacuumOptions {
        retention: HOUR,
        ..VacuumOptions::default()
    };
    let table = fixture.open();
    let refused = fixture.runtime.block_on(vacuum(&table, &options));
    assert!(matches!(
        refused,
        Err(MaintainError::Retention { minimum: 24 })
    ));
}
