//! Every cell of table 6-1 against `tests/vectors/cop1.json`, and the window's edges.

use std::path::Path;

use serde_json::Value;

use super::*;

const STATES: [FarmState; 3] = [S1, S2, S3];
const BUFFERS: usize = 3;
const V_R: u8 = 250;

fn settings(window: u8) -> FarmSettings {
    FarmSettings {
        virtual_channel: Vcid::new(3).unwrap(),
        window,
        buffers: BUFFERS,
    }
}

/// A FARM-1 in the state as it gets there: Wait and Lockout after frames were refused.
fn arranged(state: FarmState, full: bool) -> Farm<u8> {
    let mut farm = Farm::new(settings(20)).unwrap();
    farm.v_r = V_R - BUFFERS as u8;
    for n_s in V_R - BUFFERS as u8..V_R {
        let event = farm.handle_frame(UplinkFrame::Ad { n_s, payload: n_s });
        assert_eq!(event, FarmEvent::E1);
    }
    let refused = UplinkFrame::Ad {
        n_s: V_R,
        payload: 0,
    };
    if state != S1 {
        assert_eq!(farm.handle_frame(refused), FarmEvent::E2);
    }
    if state == S3 {
        let far = UplinkFrame::Ad {
            n_s: V_R.wrapping_add(128),
            payload: 0,
        };
        assert_eq!(farm.handle_frame(far), FarmEvent::E5);
    }
    if !full {
        // Not by way of E10, which would leave the state.
        farm.sequenced.clear();
    }
    assert_eq!(farm.state(), state);
    farm
}

fn ad(n_s: u8) -> UplinkFrame<u8> {
    UplinkFrame::Ad { n_s, payload: n_s }
}

/// The frame that is the event for an arranged FARM-1.
fn frame(event: FarmEvent) -> Option<UplinkFrame<u8>> {
    Some(match event {
        FarmEvent::E1 | FarmEvent::E2 => ad(V_R),
        FarmEvent::E3 => ad(V_R.wrapping_add(9)),
        FarmEvent::E4 => ad(V_R.wrapping_sub(10)),
        FarmEvent::E5 => ad(V_R.wrapping_add(10)),
        FarmEvent::E6 => UplinkFrame::Bd(77),
        FarmEvent::E7 => UplinkFrame::Bc(ControlCommand::Unlock),
        FarmEvent::E8 => UplinkFrame::Bc(ControlCommand::SetVr(5)),
        FarmEvent::E9 => UplinkFrame::Invalid,
        FarmEvent::E10 | FarmEvent::E11 => return None,
    })
}

/// What the vector's words say of a cell, applied to what was before: the state and the report.
fn foretold(words: &str, before: &Farm<u8>) -> (FarmState, Clcw, usize) {
    let mut state = before.state();
    let mut clcw = before.clcw();
    let mut accepted = 0;
    // "stay S2 (retransmit already 1)": a remark, not an action.
    let words =
        words.split('(').next().map_or(
            words,
            |head| {
                if head.contains("stay") { head } else { words }
            },
        );
    for word in words.split(';').map(str::trim) {
        match word.trim_end_matches(" only") {
            "accept" => accepted = 1,
            "V(R)+1" => clcw.report_value = clcw.report_value.wrapping_add(1),
            "V(R)=V*" => clcw.report_value = 5,
            "FARM-B+1" => clcw.farm_b_counter = (clcw.farm_b_counter + 1) % 4,
            "retransmit=0" => clcw.retransmit = false,
            "retransmit=1" => clcw.retransmit = true,
            "wait=0" | "wait=0 (stay S3)" => clcw.wait = false,
            "wait=1" => clcw.wait = true,
            "lockout=0" => clcw.lockout = false,
            "lockout=1" => clcw.lockout = true,
            "-> S1" => state = S1,
            "-> S2" => state = S2,
            "-> S3" => state = S3,
            "discard" | "ignore" | "report" | "stay S1" | "stay S2" | "stay S3"
            | "V(R) unchanged" => {}
            other => panic!("the vector says {other:?}"),
        }
    }
    (state, clcw, accepted)
}

#[test]
fn every_cell_of_the_state_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/cop1.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let rows = document["farm"]["events"].as_array().unwrap();
    assert_eq!(rows.len(), TABLE.len());
    let mut walked = 0;
    for ((event, _), row) in TABLE.iter().zip(rows) {
        assert_eq!(row["event"], format!("{event:?}"));
        for state in STATES {
            let words = row[state.to_string()].as_str().unwrap();
            if words == "not applicable" {
                continue;
            }
            // E10 with buffers as they are when one is released: taken one by one below.
            let mut farm = arranged(state, *event == FarmEvent::E2);
            let before = farm.clone();
            match frame(*event) {
                Some(frame) => assert_eq!(farm.handle_frame(frame), *event, "{state}"),
                None => farm.apply(*event, &mut Cause::Nothing),
            }
            let (next, clcw, accepted) = foretold(words, &before);
            assert_eq!(farm.state(), next, "{event:?} {state}: {words}");
            assert_eq!(farm.clcw(), clcw, "{event:?} {state}: {words}");
            let held = |farm: &Farm<u8>| farm.sequenced.len() + farm.expedited.len();
            assert_eq!(held(&farm), held(&before) + accepted, "{event:?} {state}");
            walked += 1;
        }
    }
    assert_eq!(walked, 11 * 3 - 1);
}

#[test]
fn the_window_has_its_edges_at_every_width_and_number() {
    for window in (2..=254_u8).step_by(2) {
        for v_r in [0_u8, 1, 127, 128, 254, 255] {
            let mut farm = Farm::<u8>::new(settings(window)).unwrap();
            farm.v_r = v_r;
            let mut counts = [0; 5];
            for ahead in 0..=255_u8 {
                let event = farm.place(v_r.wrapping_add(ahead));
                counts[event as usize] += 1;
                let wanted = match usize::from(ahead) {
                    0 => FarmEvent::E1,
                    // Figure 6-1: V(R) to V(R) + PW - 1, V(R) - NW to V(R) - 1, 256 - W the rest.
                    ahead if ahead < usize::from(window / 2) => FarmEvent::E3,
                    ahead if ahead >= 256 - usize::from(window / 2) => FarmEvent::E4,
                    _ => FarmEvent::E5,
                };
                assert_eq!(event, wanted, "W {window} V(R) {v_r} + {ahead}");
            }
            let w = usize::from(window);
            assert_eq!(counts, [1, 0, w / 2 - 1, w / 2, 256 - w]);
        }
    }
}

#[test]
fn full_buffers_make_it_wait_and_a_release_ends_that() {
    let mut farm = arranged(S2, true);
    let clcw = farm.clcw();
    assert!(clcw.wait && clcw.retransmit && !clcw.lockout);
    assert_eq!(farm.handle_frame(ad(V_R)), FarmEvent::E2);
    assert_eq!(farm.poll_received(), Some(Received::Ad(V_R - 3)));
    assert_eq!(farm.state(), S1);
    assert!(!farm.clcw().wait && farm.clcw().retransmit);
    assert_eq!(farm.handle_frame(ad(V_R)), FarmEvent::E1);
    assert!(!farm.clcw().retransmit);
    // Unlock ends the waiting without a free buffer; the next frame begins it again.
    assert_eq!(farm.handle_frame(ad(V_R.wrapping_add(1))), FarmEvent::E2);
    farm.handle_frame(UplinkFrame::Bc(ControlCommand::Unlock));
    assert_eq!(farm.state(), S1);
    assert_eq!(farm.handle_frame(ad(V_R.wrapping_add(1))), FarmEvent::E2);
    assert_eq!(farm.state(), S2);
}

#[test]
fn expedited_data_pass_lockout_and_the_oldest_unread_is_erased() {
    let mut farm = arranged(S3, true);
    for value in 0..20 {
        assert_eq!(farm.handle_frame(UplinkFrame::Bd(value)), FarmEvent::E6);
    }
    assert_eq!(farm.erased(), 4);
    assert_eq!(farm.poll_received(), Some(Received::Bd(4)));
    // 20 commands modulo 4.
    assert_eq!(farm.clcw().farm_b_counter, 0);
    assert!(farm.clcw().lockout);
}

#[test]
fn settings_out_of_range_are_refused() {
    for got in [0, 1, 3, 253, 255] {
        let farm = Farm::<u8>::new(settings(got));
        assert_eq!(farm.err(), Some(FarmError::Window { got }));
    }
    let none = FarmSettings {
        buffers: 0,
        ..settings(20)
    };
    assert_eq!(Farm::<u8>::new(none).err(), Some(FarmError::Buffers));
}
