//! Against a reference decoder that reads bit by bit, and against hostile packets.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use proptest::prelude::*;
use schemas::layout;
use schemas::record::{NO_TIME, NO_VIRTUAL_CHANNEL, Quality, SpacecraftName};
use schemas::tables::LEADING_COLUMNS;
use schemas::xtce::model::{
    Comparison, ComparisonOperator, Condition, Container, Encoding, EncodingKind, Entry,
    EntryContent, IntegerValue, MissionDatabase, Operand, Parameter, ParameterId, ParameterType,
    Size, TypeId, TypeKind,
};

use super::*;

mod features;

fn block_of(packets: &[Vec<u8>]) -> PacketBlock {
    let mut block = PacketBlock::new(SpacecraftName::new("test"));
    for packet in packets {
        block.data.extend_from_slice(packet);
        block.offsets.push(block.data.len() as i32);
        block.time.push(NO_TIME);
        block.received.push(block.received.len() as i64);
        block.virtual_channel.push(NO_VIRTUAL_CHANNEL);
        block.quality.push(Quality::Good as u8);
    }
    block
}

fn decode(mission: CompiledMission, packets: &[Vec<u8>]) -> (Vec<RecordBatch>, Vec<Anomaly>) {
    let mut decommutator = Decommutator::new(Arc::new(mission));
    let decoded = decommutator
        .decode(&block_of(packets), &Source::default())
        .unwrap();
    (
        decoded
            .batches
            .into_iter()
            .map(|(_, batch)| batch)
            .collect(),
        decoded.anomalies,
    )
}

/// A value in neither's own form.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Integer(i128),
    /// Bits of a 64-bit float: equal NaNs are equal.
    Float(u64),
    Octets(Vec<u8>),
    Text(String),
    List(Vec<Value>),
    Struct(Vec<(String, Value)>),
}

fn value_at(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    macro_rules! integer {
        ($primitive:ty) => {
            Value::Integer(array.as_primitive::<$primitive>().value(row).into())
        };
    }
    match array.data_type() {
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::Decimal128(..) => integer!(Decimal128Type),
        DataType::Timestamp(..) => integer!(TimestampMicrosecondType),
        DataType::Boolean => Value::Integer(array.as_boolean().value(row).into()),
        DataType::Float32 => {
            Value::Float(f64::from(array.as_primitive::<Float32Type>().value(row)).to_bits())
        }
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Binary => Value::Octets(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::List(
                (0..items.len())
                    .map(|item| value_at(&items, item))
                    .collect(),
            )
        }
        DataType::Struct(fields) => {
            let members = array.as_struct().columns();
            let named = fields.iter().zip(members);
            Value::Struct(
                named
                    .map(|(field, member)| (field.name().clone(), value_at(member, row)))
                    .collect(),
            )
        }
        other => panic!("{other} is no column type"),
    }
}

/// A field of a random container.
#[derive(Clone, Debug)]
enum Spec {
    Number {
        kind: EncodingKind,
        bits: u32,
        octets_reversed: bool,
        bits_reversed: bool,
    },
    /// Octets as many as an earlier one-octet count says.
    Octets { count_of: prop::sample::Index },
    /// Unsigned integers of so many bits, as many as an earlier count says.
    Array {
        count_of: prop::sample::Index,
        bits: u32,
    },
    /// There only if an earlier count is below the limit.
    Optional {
        bits: u32,
        count_of: prop::sample::Index,
        below: u8,
    },
    /// Eight bits, unsigned, for others to refer to.
    Count,
}

fn number() -> impl Strategy<Value = Spec> {
    let kinds = prop_oneof![
        3 => (Just(EncodingKind::Unsigned), 1u32..=64),
        3 => (Just(EncodingKind::Unsigned), prop::sample::select(vec![8u32, 16, 24, 32, 64])),
        3 => (Just(EncodingKind::TwosComplement), 1u32..=64),
        1 => (Just(EncodingKind::OnesComplement), 1u32..=64),
        1 => (Just(EncodingKind::SignMagnitude), 1u32..=64),
        2 => (Just(EncodingKind::Ieee754), prop::sample::select(vec![32u32, 64])),
    ];
    (kinds, any::<(bool, bool)>()).prop_map(|((kind, bits), (octets, reversed))| Spec::Number {
        octets_reversed: octets && bits % 8 == 0,
        bits_reversed: reversed && bits % 3 == 0,
        kind,
        bits,
    })
}

fn specs(dynamic: bool) -> impl Strategy<Value = Vec<Spec>> {
    let index = any::<prop::sample::Index>;
    let one = if dynamic {
        prop_oneof![
            6 => number(),
            2 => Just(Spec::Count),
            1 => index().prop_map(|count_of| Spec::Octets { count_of }),
            1 => (index(), 1u32..=40).prop_map(|(count_of, bits)| Spec::Array { count_of, bits }),
            2 => (index(), 1u32..=33, any::<u8>())
                .prop_map(|(count_of, bits, below)| Spec::Optional { bits, count_of, below }),
        ]
        .boxed()
    } else {
        number().boxed()
    };
    prop::collection::vec(one, 1..24).prop_map(|mut specs| {
        specs.insert(0, Spec::Count);
        specs
    })
}

/// Packets of one length, or of any.
fn packets() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let octet = prop_oneof![3 => 0u8..6, 5 => any::<u8>()];
    let any_length = prop::collection::vec(prop::collection::vec(octet, 0..200), 1..12);
    prop_oneof![
        any_length,
        (1usize..200, 1usize..12, any::<u64>()).prop_map(|(length, count, seed)| {
            let mut state = seed | 1;
            let mut next = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            };
            (0..count)
                .map(|_| (0..length).map(|_| next()).collect())
                .collect()
        }),
    ]
}

fn encoding(kind: EncodingKind, bits: u32) -> Encoding {
    Encoding {
        kind,
        size: Size::Fixed(bits),
        least_significant_bit_first: false,
        least_significant_byte_first: false,
        context_calibrators: Vec::new(),
        calibrator: None,
    }
}

fn integer_type(encoding: Encoding) -> TypeKind {
    TypeKind::Integer {
        signed: false,
        size_bits: 64,
        encoding,
    }
}

/// The specs as a mission database of one container.
fn database(specs: &[Spec]) -> MissionDatabase {
    let mut database = MissionDatabase::default();
    let mut counts: Vec<ParameterId> = Vec::new();
    let mut entries = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let mut add_type = |kind: TypeKind| {
            database.types.push(ParameterType {
                name: format!("t{index}"),
                qualified_name: format!("/T/t{index}"),
                description: None,
                units: None,
                kind,
                alarms: Vec::new(),
            });
            TypeId(database.types.len() as u32 - 1)
        };
        let parameter = ParameterId(index as u32);
        let counted = |of: &prop::sample::Index| IntegerValue::Parameter {
            parameter: counts[of.index(counts.len())],
            calibrated: false,
            slope: 1.0,
            intercept: 0.0,
        };
        let mut content = EntryContent::Parameter(parameter);
        let mut include_condition = None;
        let parameter_type = match spec {
            Spec::Count => add_type(integer_type(encoding(EncodingKind::Unsigned, 8))),
            Spec::Number {
                kind,
                bits,
                octets_reversed,
                bits_reversed,
            } => {
                let mut encoding = encoding(kind.clone(), *bits);
                encoding.least_significant_byte_first = *octets_reversed;
                encoding.least_significant_bit_first = *bits_reversed;
                add_type(if *kind == EncodingKind::Ieee754 {
                    TypeKind::Float {
                        size_bits: *bits,
                        encoding,
                    }
                } else {
                    integer_type(encoding)
                })
            }
            Spec::Octets { count_of } => {
                let mut encoding = encoding(EncodingKind::Binary, 0);
                let mut size = counted(count_of);
                if let IntegerValue::Parameter { slope, .. } = &mut size {
                    *slope = 8.0;
                }
                encoding.size = Size::Dynamic(size);
                add_type(TypeKind::Binary { encoding })
            }
            Spec::Array { count_of, bits } => {
                let dimensions = vec![counted(count_of)];
                let element = add_type(integer_type(encoding(EncodingKind::Unsigned, *bits)));
                content = EntryContent::Array {
                    parameter,
                    dimensions: dimensions.clone(),
                };
                add_type(TypeKind::Array {
                    element,
                    dimensions,
                })
            }
            Spec::Optional {
                bits,
                count_of,
                below,
            } => {
                include_condition = Some(Condition::Comparison(Comparison {
                    parameter: counts[count_of.index(counts.len())],
                    calibrated: true,
                    operator: ComparisonOperator::Less,
                    value: Operand::Literal(below.to_string()),
                }));
                add_type(integer_type(encoding(EncodingKind::Unsigned, *bits)))
            }
        };
        if matches!(spec, Spec::Count) {
            counts.push(parameter);
        }
        database.parameters.push(Parameter {
            name: format!("p{index}"),
            qualified_name: format!("/T/p{index}"),
            parameter_type,
            description: None,
        });
        entries.push(Entry {
            content,
            location: None,
            include_condition,
            repeat: None,
        });
    }
    database.containers.push(Container {
        name: "packet".to_owned(),
        qualified_name: "/T/packet".to_owned(),
        description: None,
        is_abstract: false,
        base: None,
        size_bits: None,
        entries,
    });
    database
}

/// Reads a packet bit by bit, as slowly as it is plain.
fn reference(specs: &[Spec], packet: &[u8]) -> Vec<Value> {
    let bits: Vec<bool> = packet
        .iter()
        .flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0))
        .collect();
    let mut cursor = Some(0usize);
    let mut counts: Vec<Option<usize>> = Vec::new();
    let mut values = Vec::new();
    for spec in specs {
        let take = |cursor: &mut Option<usize>, width: usize| -> Option<Vec<bool>> {
            let at = (*cursor)?;
            *cursor = Some(at + width);
            bits.get(at..at + width).map(<[bool]>::to_vec)
        };
        values.push(match spec {
            Spec::Count => {
                let read = take(&mut cursor, 8).map(|bits| unsigned(&bits) as usize);
                counts.push(read);
                read.map_or(Value::Null, |count| Value::Integer(count as i128))
            }
            Spec::Number {
                kind,
                bits: width,
                octets_reversed,
                bits_reversed,
            } => match take(&mut cursor, *width as usize) {
                None => Value::Null,
                Some(mut field) => {
                    if *octets_reversed {
                        field = field.chunks(8).rev().flatten().copied().collect();
                    }
                    if *bits_reversed {
                        field.reverse();
                    }
                    number_of(kind, &field)
                }
            },
            Spec::Octets { count_of } => match counts[count_of.index(counts.len())] {
                None => {
                    cursor = None;
                    Value::Null
                }
                Some(count) => match take(&mut cursor, count * 8) {
                    Some(field) => {
                        Value::Octets(field.chunks(8).map(|octet| unsigned(octet) as u8).collect())
                    }
                    None => {
                        cursor = None;
                        Value::Null
                    }
                },
            },
            Spec::Array {
                count_of,
                bits: width,
            } => match (cursor, counts[count_of.index(counts.len())]) {
                (Some(at), Some(count)) => {
                    let fits = bits.len().saturating_sub(at) / *width as usize;
                    let items = (0..count.min(fits)).map(|_| {
                        let item = take(&mut cursor, *width as usize).unwrap();
                        Value::Integer(unsigned(&item).into())
                    });
                    let items = items.collect();
                    if count > fits {
                        cursor = None;
                    }
                    Value::List(items)
                }
                _ => {
                    cursor = None;
                    Value::Null
                }
            },
            Spec::Optional {
                bits: width,
                count_of,
                below,
            } => match counts[count_of.index(counts.len())] {
                Some(count) if count < usize::from(*below) => take(&mut cursor, *width as usize)
                    .map_or(Value::Null, |field| Value::Integer(unsigned(&field).into())),
                _ => Value::Null,
            },
        });
    }
    values
}

fn unsigned(bits: &[bool]) -> u64 {
    bits.iter()
        .fold(0, |value, &bit| value * 2 + u64::from(bit))
}

fn number_of(kind: &EncodingKind, bits: &[bool]) -> Value {
    let word = i128::from(unsigned(bits));
    let half = 1i128 << (bits.len() - 1);
    Value::Integer(match kind {
        EncodingKind::TwosComplement if bits[0] => word - 2 * half,
        EncodingKind::OnesComplement if bits[0] => word - (2 * half - 1),
        EncodingKind::SignMagnitude if bits[0] => half - word,
        EncodingKind::Ieee754 if bits.len() == 32 => {
            return Value::Float(f64::from(f32::from_bits(word as u32)).to_bits());
        }
        EncodingKind::Ieee754 => return Value::Float(word as u64),
        _ => word,
    })
}

fn check_against_reference(specs: &[Spec], packets: &[Vec<u8>]) {
    let mission = layout::compile(&database(specs)).unwrap();
    assert_eq!(mission.issues, []);
    let (batches, _) = decode(mission, packets);
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].num_rows(), packets.len());
    let columns = &batches[0].columns()[LEADING_COLUMNS.len()..];
    assert_eq!(columns.len(), specs.len());
    for (row, packet) in packets.iter().enumerate() {
        let expected = reference(specs, packet);
        let read: Vec<Value> = columns.iter().map(|column| value_at(column, row)).collect();
        assert_eq!(read, expected, "row {row} of {specs:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn static_containers_read_as_bit_by_bit(specs in specs(false), packets in packets()) {
        check_against_reference(&specs, &packets);
    }

    #[test]
    fn dynamic_containers_read_as_bit_by_bit(specs in specs(true), packets in packets()) {
        check_against_reference(&specs, &packets);
    }
}

#[test]
fn a_packet_shorter_than_its_container_has_nulls_and_is_counted_once() {
    let specs: Vec<Spec> = (0..8).map(|_| Spec::Count).collect();
    let mission = layout::compile(&database(&specs)).unwrap();
    let packets = vec![vec![1; 8], vec![2; 3], vec![3; 9]];
    let (batches, anomalies) = decode(mission, &packets);
    let columns = &batches[0].columns()[LEADING_COLUMNS.len()..];
    let nulls: Vec<usize> = columns
        .iter()
        .map(arrow::array::Array::null_count)
        .collect();
    assert_eq!(nulls, [0, 0, 0, 1, 1, 1, 1, 1]);
    let counted: Vec<(AnomalyKind, u64, usize, &str)> = anomalies
        .iter()
        .map(|anomaly| {
            (
                anomaly.kind,
                anomaly.count,
                anomaly.first_packet,
                &*anomaly.field,
            )
        })
        .collect();
    assert_eq!(
        counted,
        [
            (AnomalyKind::PacketShort, 1, 1, "p3"),
            (AnomalyKind::PacketSurplus, 1, 2, "/T/packet"),
        ]
    );
}

#[test]
fn a_block_that_contradicts_itself_is_refused() {
    let mission = Arc::new(layout::compile(&database(&[Spec::Count])).unwrap());
    let good = block_of(&[vec![0; 7], vec![0; 7]]);
    let mut decommutator = Decommutator::new(mission);
    assert!(decommutator.decode(&good, &Source::default()).is_ok());
    for offsets in [vec![0, 9, 7], vec![0, 7, 15], vec![0, 7], vec![-1, 7, 14]] {
        let block = PacketBlock {
            offsets,
            ..good.clone()
        };
        assert!(decommutator.decode(&block, &Source::default()).is_err());
    }
    let block = PacketBlock {
        quality: vec![0],
        ..good
    };
    assert!(decommutator.decode(&block, &Source::default()).is_err());
}

#[test]
fn interleaved_containers_keep_their_order() {
    let packets: Vec<Vec<u8>> = (0..10_000u32).map(|i| i.to_be_bytes().to_vec()).collect();
    let specs = [Spec::Count, Spec::Count, Spec::Count, Spec::Count];
    let (batches, anomalies) = decode(layout::compile(&database(&specs)).unwrap(), &packets);
    assert_eq!(anomalies, []);
    assert_eq!(
        batches
            .iter()
            .map(RecordBatch::num_rows)
            .collect::<Vec<_>>(),
        [4096, 4096, 1808]
    );
    let received: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            batch
                .column(2)
                .as_primitive::<TimestampMicrosecondType>()
                .values()
                .to_vec()
        })
        .collect();
    assert!(received.iter().copied().eq(0..10_000));
}
