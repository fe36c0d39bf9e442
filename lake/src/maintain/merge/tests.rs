use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::*;

/// Rows of (spacecraft, time, number).
fn batch(rows: &[(&str, Option<i64>, i64)]) -> RecordBatch {
    let spacecraft: StringArray = rows.iter().map(|row| Some(row.0)).collect();
    let time: TimestampMicrosecondArray = rows.iter().map(|row| row.1).collect();
    let number: Int64Array = rows.iter().map(|row| Some(row.2)).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("spacecraft", Arc::new(spacecraft) as ArrayRef, true),
        ("time", Arc::new(time) as ArrayRef, true),
        ("number", Arc::new(number) as ArrayRef, true),
    ])
    .unwrap()
}

fn source(name: &str, batches: Vec<RecordBatch>) -> Source<'static> {
    let low = batches
        .first()
        .map_or(Key::first(), |first| Keys::of(first).key(0, &Key::first()));
    Source {
        low,
        name: name.to_owned(),
        open: Box::new(move || Ok(Box::new(batches.into_iter().map(Ok)) as Batches<'_>)),
    }
}

fn numbers(merge: Merge<'_>) -> Vec<i64> {
    let mut numbers = Vec::new();
    for batch in merge {
        let batch = batch.unwrap();
        numbers.extend(batch.column(2).as_primitive::<Int64Type>().values().iter());
    }
    numbers
}

#[test]
fn rows_of_one_key_come_in_the_order_of_their_sources() {
    let sources = vec![
        source("a", vec![batch(&[("x", Some(1), 0), ("x", Some(5), 3)])]),
        source(
            "b",
            vec![
                batch(&[("x", Some(1), 1)]),
                batch(&[("x", Some(1), 2), ("y", None, 5)]),
            ],
        ),
        source("c", vec![batch(&[("x", Some(5), 4), ("y", Some(0), 6)])]),
        source("empty", Vec::new()),
    ];
    assert_eq!(
        numbers(Merge::new("t", sources, 100)),
        [0, 1, 2, 3, 4, 5, 6]
    );
}

#[test]
fn any_cut_into_sources_and_batches_merges_to_the_same_rows() {
    let mut state = 7_u64;
    let mut below = |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for round in 0..200 {
        let count = 1 + below(8) as usize;
        let mut rows: Vec<Vec<(&str, Option<i64>, i64)>> = vec![Vec::new(); count];
        for number in 0..below(400) {
            let time = (below(10) > 0).then(|| below(40) as i64);
            let name = ["p", "q"][below(2) as usize];
            rows[below(count as u64) as usize].push((name, time, number as i64));
        }
        let order = |row: &(&str, Option<i64>, i64)| (row.0.to_owned(), row.1.unwrap_or(i64::MIN));
        for source in &mut rows {
            source.sort_by_key(order);
        }
        let mut expected: Vec<_> = rows.concat();
        expected.sort_by_key(order);
        let sources = rows.iter().enumerate().map(|(place, rows)| {
            let mut batches = Vec::new();
            let mut rest = rows.as_slice();
            while !rest.is_empty() {
                let (cut, behind) = rest.split_at((1 + below(50) as usize).min(rest.len()));
                batches.push(batch(cut));
                rest = behind;
            }
            source(&place.to_string(), batches)
        });
        let sources: Vec<_> = sources.collect();
        let expected: Vec<i64> = expected.iter().map(|row| row.2).collect();
        assert_eq!(
            numbers(Merge::new("t", sources, 1 + below(64) as usize)),
            expected,
            "{round}"
        );
    }
}

#[test]
fn sources_that_do_not_overlap_are_open_one_at_a_time() {
    use std::cell::Cell;
    use std::rc::Rc;

    let open = Rc::new(Cell::new((0_i32, 0_i32)));
    struct Counted(Rc<Cell<(i32, i32)>>, std::vec::IntoIter<RecordBatch>);
    impl Iterator for Counted {
        type Item = Result<RecordBatch, MaintainError>;
        fn next(&mut self) -> Option<Self::Item> {
            self.1.next().map(Ok)
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            let (now, most) = self.0.get();
            self.0.set((now - 1, most));
        }
    }
    // Frames have no time: all their keys are equal.
    for time in [Some(1), None] {
        let sources = (0..50).map(|place| {
            let time = time.map(|time: i64| time + place);
            let counter = Rc::clone(&open);
            Source {
                low: Key {
                    spacecraft: "x".into(),
                    time: time.unwrap_or(i64::MIN),
                },
                name: place.to_string(),
                open: Box::new(move || {
                    let (now, most) = counter.get();
                    counter.set((now + 1, most.max(now + 1)));
                    let rows = vec![batch(&[("x", time, place)]); 3];
                    Ok(Box::new(Counted(counter, rows.into_iter())) as Batches<'_>)
                }),
            }
        });
        let expected: Vec<i64> = (0..50).flat_map(|place| [place; 3]).collect();
        assert_eq!(numbers(Merge::new("t", sources.collect(), 16)), expected);
        assert_eq!(open.get(), (0, 1), "{time:?}");
    }
}

#[test]
fn disorder_is_an_error_that_names_the_source() {
    let first = |_: &RecordBatch| ();
    for batches in [
        vec![batch(&[("x", Some(2), 0), ("x", Some(1), 1)])],
        vec![batch(&[("x", Some(2), 0)]), batch(&[("x", Some(1), 1)])],
    ] {
        let merge = Merge::new("t", vec![source("bad", batches)], 10);
        let results: Vec<_> = merge
            .map(|batch| batch.map(|batch| first(&batch)))
            .collect();
        let error = results.last().unwrap().as_ref().unwrap_err();
        assert!(matches!(error, MaintainError::Unsorted { path, .. } if path == "bad"));
    }
}

#[test]
fn times_and_names_stay_at_their_rows() {
    let rows = [("x", Some(3), 30), ("y", None, 40)];
    let others = [("x", Some(2), 20), ("y", Some(7), 70)];
    let sources = vec![
        source("a", vec![batch(&rows)]),
        source("b", vec![batch(&others)]),
    ];
    let known: HashMap<i64, _> = rows
        .iter()
        .chain(&others)
        .map(|row| (row.2, (row.0, row.1)))
        .collect();
    for batch in Merge::new("t", sources, 10) {
        let batch = batch.unwrap();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
        for (row, number) in batch
            .column(2)
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .enumerate()
        {
            let time = batch.column(1).is_valid(row).then(|| times.value(row));
            assert_eq!(
                (batch.column(0).as_string::<i32>().value(row), time),
                known[number]
            );
        }
    }
}
