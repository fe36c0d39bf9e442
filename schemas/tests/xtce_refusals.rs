//! Bad documents: a clear error, never a panic, never without bound.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use schemas::xtce::XtceError;
use schemas::xtce::model::MissionDatabase;

const NAMESPACE: &str = "http://www.omg.org/spec/XTCE/20180204";

fn load(text: &str) -> Result<MissionDatabase, XtceError> {
    MissionDatabase::from_documents(&[("bad.xml", text)])
}

fn document(telemetry: &str) -> String {
    format!(
        "<SpaceSystem name=\"S\" xmlns=\"{NAMESPACE}\"><TelemetryMetaData>{telemetry}\
         </TelemetryMetaData></SpaceSystem>"
    )
}

fn container(name: &str, entries: &str, base: &str) -> String {
    format!(
        "<SequenceContainer name=\"{name}\"><EntryList>{entries}</EntryList>{base}</SequenceContainer>"
    )
}

#[test]
fn containers_in_a_circle_are_refused_with_their_chain() {
    let base = |name| format!("<BaseContainer containerRef=\"{name}\"/>");
    let inner = "<ContainerRefEntry containerRef=\"a\"/>";
    let set = [
        container("a", "", &base("b")),
        container("b", "", &base("c")),
        container("c", inner, ""),
    ];
    let text = document(&format!("<ContainerSet>{}</ContainerSet>", set.concat()));
    let error = load(&text).expect_err("a circle");
    let XtceError::Cycle { chain, line: 1, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(chain, &["a", "b", "c", "a"]);
    assert!(error.to_string().contains("a -> b -> c -> a"), "{error}");
}

#[test]
fn types_in_a_circle_are_refused() {
    let aggregate = "<AggregateParameterType name=\"a\"><MemberList><Member name=\"m\" typeRef=\"b\"/></MemberList></AggregateParameterType>";
    let array = "<ArrayParameterType name=\"b\" arrayTypeRef=\"a\"/>";
    let itself = "<ArrayParameterType name=\"i\" arrayTypeRef=\"i\"/>";
    let extends = "<IntegerParameterType name=\"x\" baseType=\"x\"/>";
    for types in [
        format!("{aggregate}{array}"),
        itself.to_owned(),
        extends.to_owned(),
    ] {
        let text = document(&format!("<ParameterTypeSet>{types}</ParameterTypeSet>"));
        assert!(
            matches!(load(&text), Err(XtceError::Cycle { .. })),
            "{types}"
        );
    }
}

#[test]
fn containers_that_unfold_without_bound_are_refused() {
    // Each refers twice to the next: 2^40 entries from forty lines.
    let mut set = String::new();
    for at in 0..40 {
        let entry = format!("<ContainerRefEntry containerRef=\"c{}\"/>", at + 1);
        set.push_str(&container(&format!("c{at}"), &entry.repeat(2), ""));
    }
    set.push_str(&container("c40", "", ""));
    let text = document(&format!("<ContainerSet>{set}</ContainerSet>"));
    assert!(matches!(load(&text), Err(XtceError::Unfolds { .. })));
}

#[test]
fn a_million_nested_elements_are_refused_quickly() {
    let text = format!(
        "<SpaceSystem name=\"S\">{}",
        "<SpaceSystem name=\"S\">".repeat(1_000_000)
    );
    let start = Instant::now();
    assert!(matches!(
        load(&text),
        Err(XtceError::TooDeep { limit: 128, .. })
    ));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_element_with_endless_attributes_is_refused() {
    let attributes: String = (0..100_000).map(|at| format!(" a{at}=\"=>\"")).collect();
    let text = format!("<SpaceSystem name=\"S\"{attributes}/>");
    assert!(matches!(
        load(&text),
        Err(XtceError::TooManyAttributes { limit: 256, .. })
    ));
}

#[test]
fn a_document_full_of_mistakes_is_loaded_quickly_and_its_notes_are_bounded() {
    let set: String = (0..50_000)
        .map(|at| format!("<Parameter name=\"p{at}\" parameterTypeRef=\"nowhere\"/>"))
        .collect();
    let start = Instant::now();
    let database = load(&document(&format!("<ParameterSet>{set}</ParameterSet>"))).expect("loads");
    assert!(database.parameters.is_empty());
    assert_eq!(database.mistakes.len(), 10_000);
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn entities_are_refused() {
    let mut text = String::from("<!DOCTYPE lolz [<!ENTITY lol \"lol\">");
    for at in 1..10 {
        let from = if at == 1 {
            "lol".to_owned()
        } else {
            format!("lol{}", at - 1)
        };
        text.push_str(&format!(
            "<!ENTITY lol{at} \"{}\">",
            format!("&{from};").repeat(10)
        ));
    }
    text.push_str("]><SpaceSystem name=\"&lol9;\"/>");
    assert!(matches!(
        load(&text),
        Err(XtceError::DocumentType { line: 1, .. })
    ));
    assert!(matches!(
        load("<SpaceSystem name=\"&file;\"/>"),
        Err(XtceError::Xml { .. })
    ));
}

#[test]
fn nothing_outside_the_document_is_read() {
    let include = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\"/>";
    assert!(matches!(
        load(&document(include)),
        Err(XtceError::Include { .. })
    ));
}

#[test]
fn other_documents_are_refused() {
    let other = "<SpaceSystem name=\"S\" xmlns=\"http://example.org/\"/>";
    let error = load(other).expect_err("a namespace nobody knows");
    assert!(matches!(error, XtceError::Namespace { .. }));
    assert!(
        error.to_string().contains("20250214"),
        "names those that are known: {error}"
    );
    assert!(matches!(
        load("<html/>"),
        Err(XtceError::NotSpaceSystem { .. })
    ));
    assert!(matches!(load(""), Err(XtceError::Xml { .. })));
    assert!(matches!(
        load("<SpaceSystem name=\"S\"><Tele"),
        Err(XtceError::Xml { .. })
    ));
    assert!(matches!(
        MissionDatabase::from_documents(&[]),
        Err(XtceError::NoDocument)
    ));
}

#[test]
fn files_are_bounded_and_must_be_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("huge.xml");
    let file = std::fs::File::create(&path).expect("a file");
    file.set_len((64 << 20) + 1).expect("a sparse file");
    let result = MissionDatabase::load_files(std::slice::from_ref(&path));
    assert!(matches!(
        result,
        Err(XtceError::TooLarge {
            limit: 67_108_864,
            ..
        })
    ));
    std::fs::write(&path, b"<SpaceSystem name=\"\xFF\"/>").expect("written");
    let result = MissionDatabase::load_files(std::slice::from_ref(&path));
    assert!(matches!(result, Err(XtceError::NotUtf8 { offset: 19, .. })));
    let result = MissionDatabase::load_files(&[folder.path().to_owned()]);
    assert!(
        matches!(result, Err(XtceError::Read { .. })),
        "a directory is no file"
    );
    let result = MissionDatabase::load_files(&[folder.path().join("none.xml")]);
    assert!(matches!(result, Err(XtceError::Read { .. })));
}

#[test]
fn names_given_twice_are_named_with_both_places() {
    let one = "<IntegerParameterType name=\"t\"/>\n";
    let text = document(&format!(
        "<ParameterTypeSet>\n{one}{one}</ParameterTypeSet>"
    ));
    let database = load(&text).expect("loads");
    assert_eq!(database.types.len(), 1);
    let [mistake] = database.mistakes.as_slice() else {
        panic!("{:?}", database.mistakes)
    };
    assert_eq!(mistake.line, 3);
    assert!(
        mistake.what.contains("declared twice, first in line 2"),
        "{}",
        mistake.what
    );
}

#[test]
fn documents_of_one_mission_share_a_tree() {
    let types = document("<ParameterTypeSet><IntegerParameterType name=\"t\"/></ParameterTypeSet>");
    let parameters =
        document("<ParameterSet><Parameter name=\"p\" parameterTypeRef=\"t\"/></ParameterSet>");
    let documents = [("a.xml", parameters.as_str()), ("b.xml", types.as_str())];
    let database = MissionDatabase::from_documents(&documents).expect("loads");
    assert_eq!(database.parameters.len(), 1);
    assert_eq!(database.space_systems, 1);
    assert!(database.mistakes.is_empty());
}

#[test]
fn what_is_not_known_is_named() {
    let database = load(&document(
        "<Surprise/><ParameterTypeSet><OddParameterType name=\"o\"/></ParameterTypeSet>",
    ))
    .expect("loads");
    let all: Vec<_> = database
        .unsupported
        .iter()
        .map(|note| note.what.as_str())
        .collect();
    assert!(
        all.iter()
            .any(|what| what.contains("Surprise in TelemetryMetaData")),
        "{all:?}"
    );
    assert!(
        all.iter().any(|what| what.contains("OddParameterType")),
        "{all:?}"
    );
}

fn vectors() -> [&'static str; 3] {
    [
        include_str!("../../tests/vectors/xtce/encodings.xml"),
        include_str!("../../tests/vectors/xtce/values.xml"),
        include_str!("../../tests/vectors/xtce/containers.xml"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_octets_never_panic(which in 0_usize..3, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut octets = vectors()[which].as_bytes().to_vec();
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        let _ = load(&String::from_utf8_lossy(&octets));
    }

    #[test]
    fn changed_words_never_panic(which in 0_usize..3, from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        // Swapping quoted texts keeps the XML well-formed and the definitions wrong.
        let mut words: Vec<&str> = vectors()[which].split('"').collect();
        let quoted = words.len() / 2;
        words.swap(from.index(quoted) * 2 + 1, to.index(quoted) * 2 + 1);
        let _ = load(&words.join("\""));
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,400}") {
        let _ = load(&text);
        let _ = load(&document(&text));
    }
}
