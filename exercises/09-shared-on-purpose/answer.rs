//! Exercise 9.4: a copy of an address space in which some private pages are shared.
//!
//! ```text
//!                 original                  frames                  copy
//!   0x0A00_0000   | shared page   | ----> [ two shares ] <---- | shared page   |   linked
//!                 | private page  | ----> [ ]      [ ]   <---- | private page  |   copied
//! ```
//!
//! Both address spaces have page tables of their own. So each of them can be changed and dropped without the other, and
//! the frame is free when the last page that shares it is gone.

#![no_std]
#![allow(dead_code, unused_imports, unused_variables, reason = "as long as the holes are blank")]

use common::VirtAddr;
use core::mem::ManuallyDrop;
use core::ops::Range;
use multitasking::rule::{COPIED, Rule};
use multitasking::{AddressSpace, OutOfMemory};
use paging::{Entry, Frame, OwnedFrame, PAGE_BYTES, Page, Table, frame_allocator};

/// The private pages that are shared: 4 MiB.
pub const SHARED: Range<VirtAddr> = VirtAddr::new(0x0A00_0000)..VirtAddr::new(0x0A40_0000);

/// What a copy does with the private `page`.
pub fn rule(page: Page) -> Rule {
    if SHARED.contains(&page.address()) { Rule::Linked } else { Rule::Copied }
}

/// Another share of the frame of `entry`, which is an entry of a page table and keeps its own share.
///
/// # Errors
/// If the frame has too many owners.
///
/// # Safety
/// The entry owns a share of its frame, as all private pages do, and stays as it is during this call.
pub unsafe fn share_of(entry: Entry) -> Result<OwnedFrame, OutOfMemory> {
    // SAFETY: the share is the entry's. So this value must not give it back.
    let entrys_own = ManuallyDrop::new(unsafe { OwnedFrame::from_frame(entry.frame()) });
    entrys_own.share().map_err(|_| OutOfMemory)
}

/// An address space with the kernel linked, and with all private pages of `space`, each shared or copied as [`rule`]
/// says, with the same rights.
///
/// # Errors
/// If memory runs out at any point. Then all that the copy had so far has been given back.
pub fn copy(space: &AddressSpace) -> Result<AddressSpace, OutOfMemory> {
    let mut copy = AddressSpace::new()?;
    for (in_directory, table) in space.directory().present(COPIED) {
        // SAFETY: the borrow keeps the address space unchanged.
        let table = unsafe { Table::in_frame(table.frame()) };
        for (in_table, entry) in table.present(0..1024) {
            let page = Page::containing(VirtAddr::new((in_directory << 22 | in_table << 12) as u32));
            let frame = match rule(page) {
                // SAFETY: all private pages own their frames, and the borrow keeps them unchanged.
                Rule::Linked => unsafe { share_of(entry) }?,
                Rule::Copied => copy_of(entry.frame())?,
            };
            // SAFETY: the CPU does not use the new address space yet. Code that shares a page knows it.
            unsafe { copy.map_frame(page, frame, entry.flags()) }.map_err(|_| OutOfMemory)?;
        }
    }
    Ok(copy)
}

/// A new frame with the contents of `frame`, which is in use.
///
/// # Errors
/// If there is no free frame.
fn copy_of(frame: Frame) -> Result<OwnedFrame, OutOfMemory> {
    let copy = frame_allocator::allocate().ok_or(OutOfMemory)?;
    let [from, to] = [frame, copy.frame()].map(|frame| frame.in_window().address().as_ptr::<u8>());
    // SAFETY: both frames lie in the identity map, and the new one was free.
    unsafe { to.copy_from_nonoverlapping(from, PAGE_BYTES as usize) };
    Ok(copy)
}
