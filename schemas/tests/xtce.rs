//! What is loaded of hand-written documents, one feature at a time; the expected values are read
//! off the documents in `tests/vectors/xtce` by hand.

use schemas::xtce::model::{
    AlarmTrigger, Calibrator, Charset, ComparisonOperator, Condition, EncodingKind, EntryContent,
    Epoch, IntegerValue, LocationReference, MathToken, MemberStep, MissionDatabase, Operand,
    ParameterType, Severity, Size, StringEnd, TypeKind,
};

const ENCODINGS: &str = include_str!("../../tests/vectors/xtce/encodings.xml");
const VALUES: &str = include_str!("../../tests/vectors/xtce/values.xml");
const CONTAINERS: &str = include_str!("../../tests/vectors/xtce/containers.xml");

fn load(text: &str) -> MissionDatabase {
    MissionDatabase::from_documents(&[("test.xml", text)]).expect("the document loads")
}

fn named<'d>(database: &'d MissionDatabase, name: &str) -> &'d ParameterType {
    database
        .types
        .iter()
        .find(|built| built.name == name)
        .expect(name)
}

/// Name, what the bits mean, how many, bit order, octet order.
fn encoding(database: &MissionDatabase, name: &str) -> (EncodingKind, u32, bool, bool) {
    let encoding = named(database, name)
        .kind
        .encoding()
        .expect("has an encoding");
    let Size::Fixed(bits) = encoding.size else {
        panic!("{name} has no fixed size")
    };
    let bit_first = encoding.least_significant_bit_first;
    (
        encoding.kind.clone(),
        bits,
        bit_first,
        encoding.least_significant_byte_first,
    )
}

#[test]
fn number_encodings_are_what_the_document_says() {
    let database = load(ENCODINGS);
    let of = |name| encoding(&database, name);
    assert_eq!(of("bcd"), (EncodingKind::Bcd, 16, false, false));
    assert_eq!(of("packed"), (EncodingKind::PackedBcd, 12, false, false));
    assert_eq!(of("ones"), (EncodingKind::OnesComplement, 8, false, false));
    assert_eq!(
        of("magnitude"),
        (EncodingKind::SignMagnitude, 8, false, false)
    );
    assert_eq!(of("little"), (EncodingKind::Unsigned, 32, true, true));
    assert_eq!(of("listed"), (EncodingKind::Unsigned, 16, false, true));
    assert_eq!(of("half"), (EncodingKind::Ieee754, 16, false, false));
    assert_eq!(
        of("military"),
        (EncodingKind::MilStd1750A, 48, false, false)
    );
    assert_eq!(of("plain"), (EncodingKind::Ieee754, 32, false, false));
    // Not supported, but their bits are kept.
    assert_eq!(of("shuffled"), (EncodingKind::Binary, 32, false, false));
    assert_eq!(of("quad"), (EncodingKind::Binary, 128, false, false));
    assert_eq!(of("utf32"), (EncodingKind::Binary, 128, false, false));
    let lines: Vec<_> = database.unsupported.iter().map(|note| note.line).collect();
    assert_eq!(lines, [12, 18, 23], "{:#?}", database.unsupported);
    assert!(database.mistakes.is_empty(), "{:#?}", database.mistakes);
}

#[test]
fn engineering_integers_hold_every_raw_value() {
    let database = load(ENCODINGS);
    for name in ["wide", "child"] {
        let TypeKind::Integer {
            signed, size_bits, ..
        } = named(&database, name).kind
        else {
            panic!("{name} is an integer")
        };
        // 40 unsigned bits in a signed type need one more.
        assert_eq!((signed, size_bits), (true, 41));
    }
    assert_eq!(
        named(&database, "child").description.as_deref(),
        Some("extends")
    );
}

#[test]
fn strings_end_as_the_document_says() {
    let database = load(ENCODINGS);
    let string = |name: &str| {
        let encoding = named(&database, name)
            .kind
            .encoding()
            .expect("has an encoding");
        let EncodingKind::String(string) = &encoding.kind else {
            panic!("{name} is a string")
        };
        (string.charset, string.end.clone(), encoding.size.clone())
    };
    let (charset, end, size) = string("fixed");
    assert_eq!((charset, end), (Charset::Latin1, StringEnd::Whole));
    assert!(matches!(size, Size::Fixed(64)));
    let (charset, end, size) = string("terminated");
    assert_eq!(
        (charset, end),
        (Charset::Utf8, StringEnd::Terminated(vec![0x0A]))
    );
    assert!(matches!(size, Size::SelfDelimited { max_bits: 0 }));
    let (charset, end, size) = string("prefixed");
    assert_eq!(
        (charset, end),
        (Charset::Utf16Le, StringEnd::LeadingSize(8))
    );
    assert!(matches!(size, Size::SelfDelimited { max_bits: 808 }));
    let (charset, end, size) = string("boxed");
    assert_eq!(
        (charset, end),
        (Charset::Ascii, StringEnd::Terminated(vec![0]))
    );
    let Size::Dynamic(IntegerValue::Parameter {
        calibrated,
        slope,
        intercept,
        ..
    }) = size
    else {
        panic!("boxed has a dynamic size")
    };
    assert_eq!((calibrated, slope, intercept), (false, 8.0, -16.0));
    let lookup = named(&database, "looked_up")
        .kind
        .encoding()
        .map(|e| e.size.clone());
    let Some(Size::Dynamic(IntegerValue::Lookup(rows))) = lookup else {
        panic!("a lookup")
    };
    assert_eq!(
        rows.iter().map(|(_, bits)| *bits).collect::<Vec<_>>(),
        [8, 16]
    );
    assert!(matches!(&rows[1].0, Condition::All(list) if list.len() == 2));
}

#[test]
fn calibrators_and_their_contexts() {
    let database = load(VALUES);
    let calibrated = named(&database, "calibrated");
    assert_eq!(calibrated.units.as_deref(), Some("m s^-2"));
    assert_eq!(calibrated.description.as_deref(), Some("First line"));
    let encoding = calibrated.kind.encoding().expect("has an encoding");
    let Some(Calibrator::Math(tokens)) = &encoding.calibrator else {
        panic!("a math operation")
    };
    assert_eq!(tokens.len(), 5);
    assert!(matches!(
        tokens[3],
        MathToken::Parameter {
            calibrated: false,
            ..
        }
    ));
    let [
        (
            condition,
            Calibrator::Spline {
                order: 0,
                extrapolate: true,
                points,
            },
        ),
    ] = encoding.context_calibrators.as_slice()
    else {
        panic!("one spline in context")
    };
    assert_eq!(
        points.as_slice(),
        [(-1.0, f64::NEG_INFINITY), (10.0, 1.0)],
        "sorted by raw value"
    );
    let Condition::Any(any) = condition else {
        panic!("an OR")
    };
    let [Condition::Comparison(less), Condition::All(all)] = any.as_slice() else {
        panic!("two")
    };
    assert_eq!(
        (less.operator, less.calibrated),
        (ComparisonOperator::Less, true)
    );
    assert!(matches!(
        less.value,
        Operand::Parameter {
            calibrated: false,
            ..
        }
    ));
    let [Condition::Comparison(equal)] = all.as_slice() else {
        panic!("one")
    };
    assert!(matches!(&equal.value, Operand::Literal(text) if text == "0x07"));
    let bad = named(&database, "bad_calibrator")
        .kind
        .encoding()
        .expect("has an encoding");
    assert!(bad.calibrator.is_none());
    assert!(
        database
            .unsupported
            .iter()
            .any(|note| note.what.contains("`div`"))
    );
}

#[test]
fn alarms_come_worst_first_and_a_broken_one_is_named() {
    let database = load(VALUES);
    let alarms = &named(&database, "calibrated").alarms;
    assert_eq!(
        alarms.len(),
        1,
        "the one in a context that names nothing is left out"
    );
    let severities: Vec<_> = alarms[0]
        .levels
        .iter()
        .map(|level| level.severity)
        .collect();
    let expected = [
        Severity::Severe,
        Severity::Critical,
        Severity::Distress,
        Severity::Watch,
    ];
    assert_eq!(severities, expected);
    let AlarmTrigger::Inside(severe) = &alarms[0].levels[0].trigger else {
        panic!("inside")
    };
    assert_eq!(
        (severe.minimum, severe.minimum_exclusive),
        (Some(5.0), false)
    );
    assert_eq!(
        (severe.maximum, severe.maximum_exclusive),
        (Some(6.5), true)
    );
    assert!(
        matches!(&alarms[0].levels[1].trigger, AlarmTrigger::Outside(r) if r.minimum.is_none())
    );
    assert!(matches!(
        &alarms[0].levels[2].trigger,
        AlarmTrigger::When(_)
    ));
    let state = &named(&database, "state").alarms[0].levels;
    assert!(matches!(&state[0].trigger, AlarmTrigger::Label(label) if label == "OFF"));
    assert!(matches!(state[1].trigger, AlarmTrigger::OtherLabels));
    assert_eq!(state[1].severity, Severity::Watch);
    let [mistake] = database.mistakes.as_slice() else {
        panic!("{:#?}", database.mistakes)
    };
    assert!(
        mistake
            .what
            .contains("parameterRef=\"nowhere\" names nothing")
    );
    assert!(
        mistake
            .path
            .starts_with("SpaceSystem[Values]/TelemetryMetaData/ParameterTypeSet/")
    );
}

#[test]
fn times_have_epochs_and_units() {
    let database = load(VALUES);
    let TypeKind::AbsoluteTime {
        epoch,
        scale,
        offset,
        unit_seconds,
        ..
    } = &named(&database, "since").kind
    else {
        panic!("a time")
    };
    // `date -u -d 2000-03-01T11:30:15.5Z +%s` says 951910215.
    assert_eq!(*epoch, Epoch::Date(951_910_215_500_000));
    assert_eq!((*scale, *offset, *unit_seconds), (0.5, -1.0, 86_400.0));
    let epoch = |name: &str| match &named(&database, name).kind {
        TypeKind::AbsoluteTime { epoch, .. } => epoch.clone(),
        _ => panic!("{name} is a time"),
    };
    assert_eq!(epoch("gps"), Epoch::Gps, "its own, not its base type's");
    assert!(matches!(epoch("after"), Epoch::OffsetFrom(start)
        if database.parameters[start.0 as usize].name == "start"));
    assert!(matches!(
        named(&database, "years").kind,
        TypeKind::Integer { .. }
    ));
    assert!(
        database
            .unsupported
            .iter()
            .any(|note| note.what.contains("time in years"))
    );
}

#[test]
fn arrays_count_from_their_first_to_their_last_index() {
    let database = load(VALUES);
    let TypeKind::Array {
        dimensions,
        element,
    } = &named(&database, "matrix").kind
    else {
        panic!("an array")
    };
    assert_eq!(database.types[element.0 as usize].name, "state");
    assert!(matches!(dimensions[0], IntegerValue::Fixed(4)));
    assert!(
        matches!(dimensions[1], IntegerValue::Parameter { slope, intercept, .. }
        if (slope, intercept) == (2.0, 0.0))
    );
}

#[test]
fn names_are_found_from_the_nearest_space_system() {
    let database = load(CONTAINERS);
    let container = database
        .containers
        .iter()
        .find(|c| c.name == "all_entries")
        .expect("is there");
    assert_eq!(container.qualified_name, "/Root/Bus/all_entries");
    let parameter = |at: usize| match &container.entries[at].content {
        EntryContent::Parameter(id) | EntryContent::Array { parameter: id, .. } => {
            database.parameters[id.0 as usize].qualified_name.as_str()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(parameter(0), "/Root/Bus/octet");
    assert_eq!(parameter(1), "/Root/octet");
    assert_eq!(parameter(2), "/Root/dotted.name");
    assert_eq!(parameter(6), "/Root/Bus/octet");
}

#[test]
fn entries_keep_place_condition_and_repetition() {
    let database = load(CONTAINERS);
    let container = database
        .containers
        .iter()
        .find(|c| c.name == "all_entries")
        .expect("is there");
    assert!(matches!(
        container.size_bits,
        Some(IntegerValue::Fixed(256))
    ));
    let place = |at: usize| {
        let location = container.entries[at]
            .location
            .as_ref()
            .expect("has a place");
        let IntegerValue::Fixed(bits) = location.offset_bits else {
            panic!("fixed")
        };
        (location.reference, bits)
    };
    assert_eq!(place(0), (LocationReference::ContainerStart, 64));
    assert_eq!(place(1), (LocationReference::PreviousEntry, 4));
    assert_eq!(place(6), (LocationReference::ContainerEnd, 16));
    assert!(container.entries[2].include_condition.is_some());
    assert!(
        matches!(&container.entries[3].content, EntryContent::Array { dimensions, .. }
        if matches!(dimensions.as_slice(), [IntegerValue::Fixed(8)]))
    );
    let repeat = container.entries[4].repeat.as_ref().expect("repeats");
    assert!(matches!(
        repeat.count,
        IntegerValue::Parameter {
            calibrated: true,
            ..
        }
    ));
    assert!(matches!(repeat.offset_bits, IntegerValue::Fixed(3)));
    assert!(matches!(
        container.entries[5].content,
        EntryContent::Padding(5)
    ));
}

#[test]
fn parts_of_aggregates_are_parameters_of_their_own() {
    let database = load(CONTAINERS);
    let parts: Vec<_> = database
        .member_references
        .iter()
        .map(|reference| {
            let part = &database.parameters[reference.part.0 as usize];
            let whole = &database.parameters[reference.whole.0 as usize];
            (
                part.qualified_name.as_str(),
                whole.name.as_str(),
                reference.path.clone(),
            )
        })
        .collect();
    // Three references; `head.apid` and `head/apid` are one part written in two ways.
    assert_eq!(parts.len(), 2);
    let apid = || vec![MemberStep::Member(1)];
    assert!(
        parts.contains(&("/Root/head.apid", "head", apid())),
        "{parts:?}"
    );
    assert!(parts.contains(&("/Root/head.version", "head", vec![MemberStep::Member(0)])));
    let container = database
        .containers
        .iter()
        .find(|c| c.name == "all_entries")
        .expect("is there");
    let (_, Condition::All(conditions)) = container.base.as_ref().expect("a base") else {
        panic!("a list")
    };
    assert_eq!(conditions.len(), 2);
    assert_eq!(database.report().parameters, 6);
}

#[test]
fn what_cannot_be_placed_is_left_out_and_named() {
    let database = load(CONTAINERS);
    let names: Vec<_> = database
        .containers
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(names, ["packet", "all_entries", "inner"]);
    let said = |list: &[schemas::xtce::model::Unsupported], what: &str| {
        list.iter().any(|note| note.what.contains(what))
    };
    assert!(
        said(&database.mistakes, "entry `/Root/note` says no size"),
        "{:#?}",
        database.mistakes
    );
    assert!(said(
        &database.mistakes,
        "it depends on `with_note`, which is left out"
    ));
    assert!(said(
        &database.mistakes,
        "\"octett\" names nothing, the nearest is `/Root/octet`"
    ));
    assert_eq!(
        (database.mistakes.len(), database.unsupported.len()),
        (3, 3)
    );
    assert!(said(&database.unsupported, "IndirectParameterRefEntry"));
    assert!(said(&database.unsupported, "NextContainer"));
    assert!(said(
        &database.unsupported,
        "ParameterSegmentRefEntry: its 5 bits are skipped"
    ));
}

#[test]
fn a_report_names_file_line_and_column() {
    let report = load(CONTAINERS).report().to_string();
    assert!(
        report.starts_with("space systems        2\npackets              2\n"),
        "{report}"
    );
    assert!(report.contains("  test.xml:48:55: "), "{report}");
    assert!(report.contains("    in SpaceSystem[Root]/SpaceSystem[Bus]/TelemetryMetaData/"));
}
