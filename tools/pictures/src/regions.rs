//! The names of the parts of memory: the same as the kernel's own, in `regions::add`.
//!
//! The parts of the kernel's image come from its file, the other borders from the chapters' libraries. Taking a picture
//! checks that the kernel agrees, because it prints its own table.

use crate::names;
use anyhow::{Result, ensure};
use common::VirtAddr;
use memory_map::scene::Named;
use multitasking::rule::{GUARD_PAGE, PRIVATE};
use paging::WINDOW_END;
use probe::program::Program;
use std::ops::Range;
use threads::{MOST_THREADS, STACK_BYTES, STACKS_START};

/// The regions that chapter 9 adds, and one of the kernel's image.
pub const PRIVATE_MEMORY: &str = "private memory";
pub const PRIVATE_STACK: &str = "the private stack";
pub const KERNEL_HEAP: &str = "the kernel heap";
pub const KERNEL_INSTRUCTIONS: &str = names::IMAGE[1].0;

/// The parts of physical memory that always have the same use. The boot information is one of
/// them.
pub fn of_image(program: &Program, boot_information: Range<u64>) -> Result<Vec<Named>> {
    let mut named = image(program)?;
    named.insert(0, name("BIOS and screen memory", 0..1 << 20));
    let frames = boot_information.start & !0xFFF..boot_information.end.next_multiple_of(4096);
    named.push(name("the boot information", frames));
    Ok(named)
}

/// The identity map (we also call it the window): chapter 5.
pub fn of_window(program: &Program) -> Result<Vec<Named>> {
    let mut named = image(program)?;
    named.insert(0, name("BIOS and screen memory", 4096..1 << 20));
    let end = named.last().map_or(0, |last| last.range.end);
    named.push(name("memory above the kernel", end..WINDOW_END.into()));
    Ok(named)
}

/// The unmapped pages in the range of the identity map. An access to one of them causes a page fault.
pub fn guards(program: &Program) -> Result<Vec<Named>> {
    let mut named = vec![name("page 0, which is never mapped", 0..4096)];
    for (words, symbol) in names::GUARDS {
        let start = u64::from(program.symbol(symbol)?);
        named.push(name(words, start..start + 4096));
    }
    Ok(named)
}

/// All regions of chapter 9.
pub fn of_tasks(program: &Program) -> Result<Vec<Named>> {
    let mut named = of_window(program)?;
    named.push(name(PRIVATE_MEMORY, wide(PRIVATE.start..GUARD_PAGE.start)));
    named.push(name(PRIVATE_STACK, wide(GUARD_PAGE.start..PRIVATE.end)));
    named.push(name(KERNEL_HEAP, wide(heap::START..heap::END)));
    for thread in 0..MOST_THREADS as u32 {
        let start = STACKS_START.wrapping_add(thread * STACK_BYTES);
        let stack = wide(start..start.wrapping_add(STACK_BYTES));
        named.push(name(&format!("the kernel stack of thread {thread}"), stack));
    }
    Ok(named)
}

/// The parts of the kernel's image, in the order of their addresses: linker.ld.
fn image(program: &Program) -> Result<Vec<Named>> {
    let part = |(words, start, end)| -> Result<Named> {
        Ok(name(words, u64::from(program.symbol(start)?)..u64::from(program.symbol(end)?)))
    };
    let parts = names::IMAGE.into_iter().map(part).collect::<Result<Vec<Named>>>()?;
    let is_whole = parts.windows(2).all(|pair| pair[0].range.end == pair[1].range.start);
    ensure!(is_whole, "The parts of the kernel's image do not lie side by side: {parts:x?}");
    Ok(parts)
}

/// A part of memory with this name.
pub fn name(words: &str, range: Range<u64>) -> Named {
    Named { name: words.into(), range }
}

fn wide(range: Range<VirtAddr>) -> Range<u64> {
    range.start.as_u32().into()..range.end.as_u32().into()
}
