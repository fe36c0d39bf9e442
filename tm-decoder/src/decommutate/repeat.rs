//! Repeated entries and arrays: the elements of all packets become the rows of a program of their
//! own, its columns the items of lists.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, UInt32Array, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{concat, take};
use schemas::layout::{ELEMENTS_MAX, Repeat, Step};

use super::anomaly::AnomalyKind;
use super::condition::{NO_INTEGER, integers};
use super::rows::{NOWHERE, Rows};
use super::run::{Frame, Run, go};

/// The lists of a repeated entry, and the positions behind it.
pub(super) fn read(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    step: &Step,
    repeat: &Repeat,
) -> (Vec<ArrayRef>, Vec<i64>) {
    let plan = Plan::new(frame, run, step, repeat);
    let elements = match repeat.element_bits {
        Some(bits) => fixed(frame, run, repeat, plan, bits),
        None => variable(frame, run, repeat, plan),
    };
    let offsets = OffsetBuffer::from_lengths(elements.counts.iter().copied());
    let nulls = elements
        .present
        .contains(&false)
        .then(|| NullBuffer::from(elements.present));
    let lists = repeat
        .elements
        .iter()
        .zip(elements.values)
        .map(|((item, _), values)| {
            let list = ListArray::try_new(
                Arc::new(item.clone()),
                offsets.clone(),
                values,
                nulls.clone(),
            );
            match list {
                Ok(list) => Arc::new(list) as ArrayRef,
                Err(_) => {
                    let item = Arc::new(item.clone());
                    new_null_array(&arrow::datatypes::DataType::List(item), frame.rows.len())
                }
            }
        })
        .collect();
    (lists, elements.ends)
}

/// Where elements begin and how many there should be, by row.
struct Plan {
    positions: Vec<i64>,
    counts: Vec<usize>,
    gaps: Vec<i64>,
    present: Vec<bool>,
    /// What follows is unknown.
    lost: Vec<bool>,
}

impl Plan {
    fn new(frame: &Frame<'_>, run: &mut Run<'_>, step: &Step, repeat: &Repeat) -> Self {
        let rows = frame.rows;
        let counts = integers(frame, &repeat.count);
        let gaps = integers(frame, &repeat.gap_bits);
        let mask = frame.mask(step.when);
        let mut plan = Self {
            positions: frame.positions(step.at),
            counts: vec![0; rows.len()],
            gaps,
            present: vec![true; rows.len()],
            lost: vec![false; rows.len()],
        };
        for (row, &count) in counts.iter().enumerate() {
            if mask.is_some_and(|mask| !mask[row]) {
                plan.present[row] = false;
            } else if plan.positions[row] >= NOWHERE {
                (plan.present[row], plan.lost[row]) = (false, true);
            } else if count < 0
                || plan.gaps[row] == NO_INTEGER
                || plan.gaps[row].abs() > NOWHERE
                || plan.positions[row] < rows.starts()[row]
            {
                (plan.present[row], plan.lost[row]) = (false, true);
                run.report(AnomalyKind::SizeInvalid, rows, row, &repeat.name);
            } else {
                plan.counts[row] = usize::try_from(count).unwrap_or(usize::MAX);
            }
        }
        plan
    }
}

/// Elements read, in order of rows.
struct Elements {
    counts: Vec<usize>,
    present: Vec<bool>,
    values: Vec<ArrayRef>,
    ends: Vec<i64>,
}

/// Elements of one size: all at once.
fn fixed(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    repeat: &Repeat,
    mut plan: Plan,
    element_bits: u64,
) -> Elements {
    let rows = frame.rows;
    let step = i64::try_from(element_bits).unwrap_or(NOWHERE).min(NOWHERE);
    let mut ends = plan.positions.clone();
    for (row, end) in ends.iter_mut().enumerate() {
        if plan.lost[row] {
            *end = NOWHERE;
        }
        let wanted = plan.counts[row];
        if wanted == 0 {
            continue;
        }
        let gap = plan.gaps[row];
        let room = rows.ends()[row].saturating_sub(plan.positions[row]).max(0);
        // Behind the last element there need be no gap; an element of no bits holds nothing.
        let fits = if step == 0 {
            0
        } else {
            room.saturating_add(gap).max(0) / step
        };
        let fits = usize::try_from(fits)
            .unwrap_or(0)
            .min(ELEMENTS_MAX)
            .min(run.elements_left);
        if wanted > fits {
            run.report(AnomalyKind::ElementsTruncated, rows, row, &repeat.name);
            (plan.counts[row], *end) = (fits, NOWHERE);
        } else {
            let length = i64::try_from(wanted)
                .unwrap_or(NOWHERE)
                .saturating_mul(step);
            *end = go(plan.positions[row], length.saturating_sub(gap));
        }
        run.elements_left -= plan.counts[row];
    }
    let total = plan.counts.iter().sum();
    let mut starts = Vec::with_capacity(total);
    let mut parents = Vec::with_capacity(total);
    for (row, &count) in plan.counts.iter().enumerate() {
        let first = plan.positions[row];
        starts.extend((0..count).map(|index| go(first, step * index as i64)));
        parents.extend(std::iter::repeat_n(row as u32, count));
    }
    let (values, _) = elements(frame, run, repeat, starts, parents);
    Elements {
        counts: plan.counts,
        present: plan.present,
        values,
        ends,
    }
}

/// Elements whose size is known only by reading them: the first of all rows, the second, and so
/// on; then put in order of rows.
fn variable(frame: &Frame<'_>, run: &mut Run<'_>, repeat: &Repeat, mut plan: Plan) -> Elements {
    let rows = frame.rows;
    let mut waves: Vec<Vec<ArrayRef>> = Vec::new();
    let mut wave_rows: Vec<Vec<u32>> = Vec::new();
    let mut read = vec![0usize; rows.len()];
    let mut next = plan.positions.clone();
    let mut ends = plan.positions.clone();
    let mut open: Vec<u32> = (0..rows.len() as u32)
        .filter(|&row| plan.counts[row as usize] > 0)
        .collect();
    while !open.is_empty() {
        open.retain(|&row| {
            let row = row as usize;
            // An element may be empty, but none begins behind its packet.
            let room = next[row] <= rows.ends()[row] && next[row] >= rows.starts()[row];
            let stuck = read[row] > 0 && next[row] >= rows.ends()[row] && read[row] >= ELEMENTS_MAX;
            let allowed = room && !stuck && read[row] < ELEMENTS_MAX && run.elements_left > 0;
            if allowed {
                run.elements_left -= 1;
            } else {
                run.report(AnomalyKind::ElementsTruncated, rows, row, &repeat.name);
                plan.lost[row] = true;
            }
            allowed
        });
        if open.is_empty() {
            break;
        }
        let starts = open.iter().map(|&row| next[row as usize]).collect();
        let (values, behind) = elements(frame, run, repeat, starts, open.clone());
        for (&row, behind) in open.iter().zip(behind) {
            let row = row as usize;
            read[row] += 1;
            ends[row] = behind;
            next[row] = go(behind, plan.gaps[row]);
        }
        waves.push(values);
        wave_rows.push(open.clone());
        open.retain(|&row| read[row as usize] < plan.counts[row as usize]);
    }
    for (end, lost) in ends.iter_mut().zip(&plan.lost) {
        if *lost {
            *end = NOWHERE;
        }
    }
    let order = order_by_row(&read, &wave_rows);
    let values = (0..repeat.elements.len())
        .map(|element| {
            let arrays: Vec<&dyn Array> = waves.iter().map(|wave| wave[element].as_ref()).collect();
            let item = repeat.elements[element].0.data_type();
            if arrays.is_empty() {
                return arrow::array::new_empty_array(item);
            }
            concat(&arrays)
                .and_then(|all| take(&all, &order, None))
                .unwrap_or_else(|_| new_null_array(item, order.len()))
        })
        .collect();
    Elements {
        counts: read,
        present: plan.present,
        values,
        ends,
    }
}

/// Indices into the waves, end to end, that put elements in order of their rows.
fn order_by_row(counts: &[usize], wave_rows: &[Vec<u32>]) -> UInt32Array {
    let mut cursors = Vec::with_capacity(counts.len());
    let mut total = 0;
    for count in counts {
        cursors.push(total);
        total += count;
    }
    let mut order = vec![0u32; total];
    let rows = wave_rows.iter().flatten().enumerate();
    for (index, &row) in rows {
        let cursor = &mut cursors[row as usize];
        order[*cursor] = index as u32;
        *cursor += 1;
    }
    UInt32Array::from(order)
}

/// Runs the body over elements; their values and the positions behind them.
fn elements(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    repeat: &Repeat,
    starts: Vec<i64>,
    parents: Vec<u32>,
) -> (Vec<ArrayRef>, Vec<i64>) {
    let rows = frame.rows;
    let ends = parents
        .iter()
        .map(|&row| rows.ends()[row as usize])
        .collect();
    let packets = parents
        .iter()
        .map(|&row| rows.packet(row as usize) as u32)
        .collect();
    let body_rows = Rows::scattered(rows.data, starts, ends, Some(packets));
    let mut body = Frame::new(&repeat.body, &body_rows, Some((frame, &parents)));
    body.run(&repeat.body, run);
    let values = repeat
        .elements
        .iter()
        .map(|(item, output)| {
            body.output(output)
                .unwrap_or_else(|| new_null_array(item.data_type(), body_rows.len()))
        })
        .collect();
    let behind = body.positions(repeat.body.end);
    (values, behind)
}
