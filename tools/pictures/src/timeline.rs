//! Chapter 8: which thread had the CPU when, and why each turn ended.
//!
//! The machine is stopped at every context switch. The two registers with the switch's arguments identify the thread
//! that leaves and the one that comes. Memory holds the number of ticks so far, and how many turns of the leaving
//! thread ended for each reason. The count that has grown by one since its last switch shows the reason.

use crate::{Files, functions, log_file, machine_of, names};
use anyhow::{Context, Result, ensure};
use probe::program::Program;
use probe::sitting::Sitting;
use scenes::Album as _;
use scenes::timeline::{Album, Plan};
use scenes::turns::{self, Facts};
use threads::Reason;

/// What has to be known about the kernel.
pub fn plan(program: &Program) -> Result<Plan> {
    Ok(Plan {
        ticks: program.field(names::TICKS)?,
        contexts: program.field(names::CONTEXTS)?,
        entry_offset: names::ENTRY_OFFSET,
        argument_offset: names::ARGUMENT_OFFSET,
        counts: program.field(names::TURN_COUNTS)?,
        reasons: Reason::ALL.map(|reason| format!("{reason:?}").to_lowercase()).into(),
        threads: names::THREADS.map(|(function, name)| (function.into(), name.into())).into(),
        named_by_argument: names::NAMED_BY_ARGUMENT.into(),
        functions: functions(program)?,
    })
}

/// Takes the picture of the whole demonstration.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let plan = plan(&sitting.program)?;
    let reasons = plan.reasons.clone();
    let mut album = Album::new(plan);
    sitting.stop_briefly()?;
    while let Some(snapshot) = sitting.until_one_of(names::SWITCH, names::END)? {
        album.add_switch(&machine_of(&snapshot)?)?;
    }
    let snapshot = sitting.snapshot()?;
    let machine = machine_of(&snapshot)?;
    let log = sitting.finish()?;
    agree(&album.facts(&machine)?, &reasons, &log)?;
    let mut files = album.now(&machine)?;
    // If the stops changed the run, this log would differ from the one without stops.
    files.extend([log_file("08", &log)]);
    Ok(files)
}

/// Checks that the picture agrees with the kernel's own table.
fn agree(facts: &Facts, reasons: &[String], log: &str) -> Result<()> {
    let said = turns::rows(log, reasons.len());
    ensure!(!said.is_empty(), "The kernel prints no table.\n{log}");
    for (name, counts) in said {
        let thread = facts.threads.iter().find(|thread| thread.name == name);
        let thread = thread.with_context(|| format!("The kernel reports a thread {name} that never ran."))?;
        let found = turns::count(&facts.turns, thread.slot, reasons);
        ensure!(found == counts, "Of {name}, the kernel counts {counts:?}, but {found:?} were seen.\n{log}");
    }
    Ok(())
}
