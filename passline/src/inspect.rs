//! `passline inspect`: what is in this recording?

use std::process::ExitCode;

use anyhow::Result;
use station::FileLink;
use tm_decoder::inspect::Inspector;

use crate::arguments::{InspectFlags, InspectFormat};
use crate::mission;
use crate::report;

pub(crate) fn run(flags: &InspectFlags) -> Result<ExitCode> {
    let mission = mission::load(&flags.mission)?;
    let level = mission::level(flags.level, &mission);
    let mut inspector = Inspector::new(&mission, level)?;
    let mut link = FileLink::open(&flags.recording)?;
    let bar = report::octets_bar(link.length(), "inspecting");
    loop {
        let chunk = link.next_chunk()?;
        if chunk.is_empty() {
            break;
        }
        inspector.handle_bytes(chunk);
        bar.set_position(link.position());
    }
    bar.finish_and_clear();
    let inspection = inspector.finish();
    let is_text = flags.format == InspectFormat::Text && !flags.keys;
    if let Some(nothing) = inspection.nothing_found().filter(|_| !is_text) {
        say!("{}: {nothing}", flags.recording.display());
    }
    let text = match (flags.keys, flags.format) {
        (true, _) => inspection.keys(),
        (false, InspectFormat::Json) => format!("{:#}\n", inspection.to_json()),
        (false, InspectFormat::Text) => inspection.to_string(),
    };
    report::print(|out| out.write_all(text.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}
