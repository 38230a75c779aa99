//! What the parts of memory are called: as the kernel itself calls them, in `regions::add`.
//!
//! The parts of the kernel's image come from its file. The other borders stand in the chapters' source, and
//! are repeated here; that both agree is seen when a picture is taken, for the kernel prints its own table.

use anyhow::{Result, ensure};
use memory_map::scene::Named;
use probe::program::Program;
use std::ops::Range;

/// The end of the identity window.
const WINDOW_END: u64 = 128 << 20;
const PRIVATE: Range<u64> = 0x0800_0000..PRIVATE_STACK.start;
const PRIVATE_STACK: Range<u64> = 0xC000_0000 - 4 * 4096..0xC000_0000;
const HEAP: Range<u64> = 0xC000_0000..0xD000_0000;
const KERNEL_STACKS: u64 = 0xD000_0000;
const KERNEL_STACK_BYTES: u64 = 4 * 4096;
const MOST_THREADS: u64 = 1024;

/// The parts of physical memory that are used for the same at all times. The boot information is one of
/// them.
pub fn of_image(program: &Program, boot_information: Range<u64>) -> Result<Vec<Named>> {
    let mut named = image(program)?;
    named.insert(0, name("BIOS and screen memory", 0..1 << 20));
    let frames = boot_information.start & !0xFFF..boot_information.end.next_multiple_of(4096);
    named.push(name("the boot information", frames));
    Ok(named)
}

/// The identity window: chapter 5.
pub fn of_window(program: &Program) -> Result<Vec<Named>> {
    let mut named = image(program)?;
    named.insert(0, name("BIOS and screen memory", 4096..1 << 20));
    let end = named.last().map_or(0, |last| last.range.end);
    named.push(name("memory behind the kernel", end..WINDOW_END));
    Ok(named)
}

/// What of the identity window is not mapped, so that code that goes there is told.
pub fn guards(program: &Program) -> Result<Vec<Named>> {
    let guard = |words, symbol| -> Result<Named> {
        let start = u64::from(program.symbol(symbol)?);
        Ok(name(words, start..start + 4096))
    };
    Ok(vec![
        name("page 0, which is never mapped", 0..4096),
        guard("the guard page of the stack of double faults", "fault_stack_guard")?,
        guard("the guard page of the boot stack", "stack_guard")?,
    ])
}

/// All that there is in chapter 9.
pub fn of_tasks(program: &Program) -> Result<Vec<Named>> {
    let mut named = of_window(program)?;
    named.push(name("private memory", PRIVATE));
    named.push(name("the private stack", PRIVATE_STACK));
    named.push(name("the kernel heap", HEAP));
    for thread in 0..MOST_THREADS {
        let start = KERNEL_STACKS + thread * KERNEL_STACK_BYTES;
        named.push(name(&format!("the kernel stack of thread {thread}"), start..start + KERNEL_STACK_BYTES));
    }
    Ok(named)
}

/// The parts of the kernel's image, in the order of their addresses: linker.ld.
fn image(program: &Program) -> Result<Vec<Named>> {
    let parts = [
        ("the kernel's constants", "rodata_start", "rodata_end"),
        ("the kernel's instructions", "text_start", "text_end"),
        ("the kernel's variables", "data_start", "data_end"),
        ("the stack of double faults", "fault_stack_guard", "fault_stack_top"),
        ("the boot stack", "stack_guard", "stack_top"),
    ];
    let part = |(words, start, end)| -> Result<Named> {
        Ok(name(words, u64::from(program.symbol(start)?)..u64::from(program.symbol(end)?)))
    };
    let parts = parts.into_iter().map(part).collect::<Result<Vec<Named>>>()?;
    let is_whole = parts.windows(2).all(|pair| pair[0].range.end == pair[1].range.start);
    ensure!(is_whole, "The parts of the kernel's image do not lie side by side: {parts:x?}");
    Ok(parts)
}

/// A part of memory with this name.
pub fn name(words: &str, range: Range<u64>) -> Named {
    Named { name: words.into(), range }
}
