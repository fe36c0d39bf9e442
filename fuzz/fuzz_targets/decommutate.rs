//! Hostile packets against containers whose sizes, counts and conditions come from the packet: rows
//! come out or anomalies do, and memory stays in bounds.

#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use schemas::layout::compile;
use schemas::record::{NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, SpacecraftName};
use schemas::tables::Source;
use schemas::xtce::model::MissionDatabase;
use tm_decoder::decommutate::Decommutator;

thread_local! {
    static DECOMMUTATOR: RefCell<Decommutator> = RefCell::new({
        let documents = [("decommutate.xml", include_str!("../decommutate.xml"))];
        let database = MissionDatabase::from_documents(&documents).expect("a database");
        let mission = compile(&database).expect("containers");
        assert!(mission.table_named("sizes").is_some());
        Decommutator::new(Arc::new(mission))
    });
}

fuzz_target!(|packets: Vec<(u8, Vec<u8>)>| {
    let mut block = PacketBlock::new(SpacecraftName::new("fuzz"));
    for (kind, data) in &packets {
        let length = (data.len() as u16).to_be_bytes();
        block
            .data
            .extend_from_slice(&[0x00, 0x01, 0xC0, 0x00, length[0], length[1], kind % 5]);
        block.data.extend_from_slice(data);
        block.offsets.push(block.data.len() as i32);
        block.time.push(NO_TIME);
        block.received.push(NO_TIME);
        block.virtual_channel.push(NO_VIRTUAL_CHANNEL);
        block.quality.push(0);
    }
    let source = Source {
        spacecraft: "fuzz".into(),
        station: None,
        contact: None,
        mission_version: None,
    };
    DECOMMUTATOR.with_borrow_mut(|decommutator| {
        let decoded = decommutator
            .decode(&block, &source)
            .expect("the block is well formed");
        let rows: usize = decoded
            .batches
            .iter()
            .map(|(_, batch)| batch.num_rows())
            .sum();
        assert!(rows <= packets.len());
    });
});
