//! Our walk of the page tables, compared with QEMU's own.
//!
//! QEMU's monitor walks them too: `info tlb` prints the frame of every page, and `info mem` prints where each run of
//! pages with the same rights begins and ends. Both walks read the same tables, so they have to agree.

use crate::names;
use anyhow::{Context, Result, ensure};
use memory_map::walk::{PAGE_BYTES, Run, Space};
use probe::sitting::Sitting;
use std::collections::BTreeMap;

/// The chapter with the most to see.
pub const CHAPTER: &str = "09-multitasking";

/// Stops the kernel in the second task, walks, and asks QEMU.
pub fn check(mut sitting: Sitting) -> Result<()> {
    let space = sitting.until(names::CHILD_HAS_WRITTEN.into())?.space()?;
    compare(&space, &sitting.ask("info tlb")?, &sitting.ask("info mem")?)
}

fn compare(space: &Space, tlb: &str, mem: &str) -> Result<()> {
    let ours: BTreeMap<u32, u64> = space.runs.iter().flat_map(pages).collect();
    let theirs: BTreeMap<u32, u64> =
        tlb.lines().map(entry).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let differs = |page: &&u32| ours.get(*page) != theirs.get(*page);
    if let Some(page) = ours.keys().chain(theirs.keys()).find(differs) {
        let shown = |frame: Option<&u64>| frame.map_or("not mapped".into(), |frame| format!("{frame:#010x}"));
        anyhow::bail!(
            "The page {page:#010x} is {} to us, and {} to QEMU.",
            shown(ours.get(page)),
            shown(theirs.get(page))
        );
    }
    let ours = rights(space);
    let theirs: Vec<String> = mem.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    ensure!(ours == theirs, "The rights are\n{}\nto us, and to QEMU\n{}", ours.join("\n"), theirs.join("\n"));
    Ok(())
}

fn pages(run: &Run) -> impl Iterator<Item = (u32, u64)> {
    let (page, frame) = (run.page, u64::from(run.frame));
    (0..(run.bytes / u64::from(PAGE_BYTES)) as u32)
        .map(move |number| (page + number * PAGE_BYTES, frame + u64::from(number * PAGE_BYTES)))
}

/// A line of `info tlb`: `00001000: 0000000000001000 ---DA---W`, where a `P` is a page of 4 MiB.
fn entry(line: &str) -> Result<Vec<(u32, u64)>> {
    let parse = || {
        let (page, rest) = line.trim().split_once(": ")?;
        let (frame, flags) = rest.split_once(' ')?;
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        let (page, frame) = (number(page)? as u32, number(frame)?);
        let count = if flags.contains('P') { 1024 } else { 1 };
        Some((0..count).map(|at| (page + at * PAGE_BYTES, frame + u64::from(at * PAGE_BYTES))).collect())
    };
    parse().with_context(|| format!("This is no line of `info tlb`: {line}"))
}

/// The lines of `info mem`: `0000000000001000-0000000000100000 00000000000ff000 -rw`.
fn rights(space: &Space) -> Vec<String> {
    let mut runs: Vec<(u64, u64, Run)> = Vec::new();
    for run in &space.runs {
        match runs.last_mut().filter(|(_, end, last)| *end == u64::from(run.page) && last.rights == run.rights) {
            Some((_, end, _)) => *end = run.end(),
            None => runs.push((run.page.into(), run.end(), *run)),
        }
    }
    let line = |(start, end, run): (u64, u64, Run)| {
        let letter = |has, letter| if has { letter } else { '-' };
        let (user, write) = (letter(run.rights.user, 'u'), letter(run.rights.write, 'w'));
        format!("{start:016x}-{end:016x} {:016x} {user}r{write}", end - start)
    };
    runs.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use memory_map::walk::Rights;

    fn space() -> Space {
        let run = |page, frame, bytes, write| Run { page, frame, bytes, rights: Rights { write, user: false } };
        let runs =
            vec![run(0x1000, 0x1000, 0x1000, true), run(0x2000, 0x9000, 0x1000, true), run(4 << 20, 0, 4 << 20, false)];
        Space { directory: 0, tables: Vec::new(), runs }
    }

    const TLB: &str = "00001000: 0000000000001000 ---DA---W\r\n00002000: 0000000000009000 -----T--W\r\n\
        00400000: 0000000000000000 --P------\r\n";
    const MEM: &str = "0000000000001000-0000000000003000 0000000000002000 -rw\r\n\
        0000000000400000-0000000000800000 0000000000400000 -r-\r\n";

    #[test]
    fn the_same_walk_agrees() {
        compare(&space(), TLB, MEM).expect("they agree");
    }

    #[test]
    fn different_frames_pages_and_rights_are_reported() {
        let error = |tlb: &str, mem: &str| compare(&space(), tlb, mem).expect_err("they differ").to_string();
        let other = error(&TLB.replace("9000", "8000"), MEM);
        assert_eq!(other, "The page 0x00002000 is 0x00009000 to us, and 0x00008000 to QEMU.");
        let missing = error(&TLB.lines().take(2).collect::<Vec<_>>().join("\n"), MEM);
        assert_eq!(missing, "The page 0x00400000 is 0x00000000 to us, and not mapped to QEMU.");
        assert!(error(TLB, &MEM.replace("-r-", "-rw")).contains("-r-"));
        assert!(error("?", MEM).contains("no line"));
    }
}
