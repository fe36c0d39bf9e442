use super::*;
use crate::interval::SECOND;
use crate::plan::FallbackBooking;

const START: i64 = 1_772_323_200 * SECOND;

struct Odd;

impl Names for Odd {
    fn satellite(&self, number: u32) -> String {
        format!("<\"{number}\" & \u{1}>")
    }

    fn station(&self, _: u32) -> String {
        "svalbard".into()
    }
}

fn plan() -> ContactPlan {
    let contact = Contact {
        opportunity: 7,
        satellite: 3,
        station: 1,
        band: Band::Optical,
        antenna: 0,
        interval: Interval::new(START + 600 * SECOND, START + 900 * SECOND),
        hold: Interval::new(START + 540 * SECOND, START + 960 * SECOND),
        octets: 1_500_000_000,
        value: 1.5e9,
        fallback: Some(FallbackBooking {
            opportunity: 8,
            band: Band::Ka,
            antenna: 2,
            hold: Interval::new(START + 480 * SECOND, START + 960 * SECOND),
            octets: 250_000_000,
        }),
        state: ContactState::Scheduled,
    };
    ContactPlan {
        window: Interval::new(START, START + 3_600 * SECOND),
        slot: 60 * SECOND,
        contacts: vec![contact],
        value: 1.5e9,
        bound: 1.6e9,
        refused: Vec::new(),
        prices: Vec::new(),
    }
}

#[test]
fn a_timeline_shows_every_antenna_and_the_fallback() {
    let text = timeline(&plan(), &Numbers);
    assert_eq!(
        text,
        "station-1 ka 2\n  2026-03-01\n    \
         00:10:00 - 00:15:00  satellite-3                  250.0 MB  scheduled, fallback of a laser\n\
         station-1 optical 0\n  2026-03-01\n    \
         00:10:00 - 00:15:00  satellite-3                   1.50 GB  scheduled\n\
         1 contacts, 93.75 % of the best at least\n"
    );
}

#[test]
fn a_simple_schedule_is_well_formed_whatever_the_names() {
    let xml = simple_schedule(&plan(), &Odd, "us & them", START);
    let document = roxmltree::Document::parse(&xml).expect("well-formed");
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "simpleSchedule");
    assert_eq!(root.tag_name().namespace(), Some(NAMESPACE));
    let header = root.first_element_child().expect("a header");
    assert_eq!(
        header.attribute("originatingOrganization"),
        Some("us & them")
    );
    assert_eq!(header.attribute("endTime"), Some("2026-060T01:00:00.000Z"));
    let package = header.next_sibling_element().expect("a package");
    assert_eq!(package.attribute("user"), Some("<\"3\" & \u{fffd}>"));
    let activities: Vec<_> = package
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    assert_eq!(activities.len(), 2);
    assert_eq!(activities[0].attribute("activityStatus"), Some("COMMITTED"));
    assert_eq!(
        activities[0].attribute("beginningOfTrack"),
        Some("2026-060T00:10:00.000Z")
    );
    assert_eq!(
        activities[1].attribute("beginningOfActivity"),
        Some("2026-060T00:08:00.000Z")
    );
    assert_eq!(
        activities[1].attribute("apertureRef"),
        Some("svalbard-ka-2")
    );
    let service = activities[0].first_element_child().expect("a service");
    assert_eq!(service.attribute("frequencyBand"), Some("O1"));
}

#[test]
fn a_plan_comes_back_from_json() {
    let json = serde_json::to_string(&plan()).expect("serialises");
    let back: ContactPlan = serde_json::from_str(&json).expect("parses");
    assert_eq!(back, plan());
    assert!(json.contains("\"state\":\"scheduled\""));
}
