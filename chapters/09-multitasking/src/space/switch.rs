//! Which address space each thread runs in, and the switch that goes there.

#![cfg(target_os = "none")]

use super::address_space::{AddressSpace, OutOfMemory};
use common::Lock;
use common::lock::interrupts_off;
use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use paging::{Directory, Frame, KERNEL, double_fault, tss};
use threads::{Context, MOST_THREADS, PerThread, ReservedThread, Thread, ThreadId};
use x86::bits32::task::TaskStateSegment;
use x86::controlregs::cr3_write;

// ANCHOR: tables
/// The address space of each thread that has one of its own. All others run in the kernel's.
static SPACES: Lock<PerThread<Option<AddressSpace>>> = Lock::new(PerThread::new([const { None }; MOST_THREADS]));

/// The page directory in which each thread runs, by its physical address, for the switch.
static DIRECTORIES: PerThread<AtomicU32> = PerThread::new([const { AtomicU32::new(0) }; MOST_THREADS]);
// ANCHOR_END: tables

// ANCHOR: switch
global_asm!(
    include_str!("switch.s"),
    DIRECTORIES = sym DIRECTORIES,
    DOUBLE_FAULT = sym tss::DOUBLE_FAULT,
    CR3 = const offset_of!(TaskStateSegment, cr3),
);

unsafe extern "fastcall" {
    /// As chapter 8's `switch`, into the address space in which `to` runs.
    ///
    /// # Safety
    /// As for chapter 8's `switch`; and the address space maps the kernel, and the stack of `to`.
    pub fn switch_space(from: ThreadId, to: ThreadId);
}

/// Takes over from chapter 8's switch.
pub(crate) fn init() {
    let kernel = KERNEL.lock().frame().address().as_u32();
    DIRECTORIES.values().for_each(|directory| directory.store(kernel, Relaxed));
    // SAFETY: the routine does what chapter 8's does, as each directory maps the kernel and its thread's stack.
    unsafe { threads::switch_by(switch_space) };
}

/// Can threads have address spaces of their own?
pub(crate) fn is_ready() -> bool {
    DIRECTORIES[ThreadId::FIRST].load(Relaxed) != 0
}
// ANCHOR_END: switch

fn set_directory(thread: ThreadId, directory: Frame) {
    DIRECTORIES[thread].store(directory.address().as_u32(), Relaxed);
}

// ANCHOR: spaces
/// Starts `thread` in `space`. Once the thread has ended, [`take_from`] gives the space back.
///
/// # Safety
/// As for [`ReservedThread::start`], with the stack as `space` maps it.
pub unsafe fn start_in(space: AddressSpace, thread: ReservedThread, context: *mut Context) -> Thread {
    set_directory(thread.id(), space.directory().frame());
    SPACES.lock()[thread.id()] = Some(space);
    // SAFETY: the caller's.
    unsafe { thread.start(context) }
}

/// Lets the running thread go on in `space` at once, and returns the one that it had.
///
/// # Safety
/// 1. Everything that the thread uses is mapped in `space` as it was, its stack above all.
/// 2. The caller is not a handler that has interrupted [`copy_of_own`].
pub unsafe fn replace(space: AddressSpace) -> Option<AddressSpace> {
    let _off = interrupts_off();
    let me = threads::current();
    let directory = space.directory().frame();
    set_directory(me, directory);
    // SAFETY: the directory maps the kernel; for the rest, the caller's.
    unsafe {
        double_fault::set_page_directory(directory);
        cr3_write(directory.address().as_u32().into());
    }
    SPACES.lock()[me].replace(space)
}

/// Takes the address space of `thread` away; none if it has none of its own.
///
/// # Safety
/// The thread has ended and is off the CPU.
pub unsafe fn take_from(thread: ThreadId) -> Option<AddressSpace> {
    set_directory(thread, KERNEL.lock().frame());
    SPACES.lock()[thread].take()
}

/// Does `work` with the address space of `thread`, with interrupts off; none if it has none of its own.
///
/// # Panics
/// If the thread is making a copy of it.
///
/// # Safety
/// `work` puts no other space in the place of this one. (What it may map, unmap and protect there, the methods of
/// [`AddressSpace`] say.)
pub unsafe fn with_space<T>(thread: ThreadId, work: impl FnOnce(&mut AddressSpace) -> T) -> Option<T> {
    let mut spaces = SPACES.lock();
    let space = spaces[thread].as_mut()?;
    assert!(!space.is_being_copied(), "an address space is not changed while it is being copied");
    Some(work(space))
}

/// Shows the page directories of two threads, with interrupts off; none if one has no address space of its own.
pub fn with_directories<T>([first, second]: [ThreadId; 2], show: impl FnOnce([&Directory; 2]) -> T) -> Option<T> {
    let spaces = SPACES.lock();
    let [first, second] = [&spaces[first], &spaces[second]].map(|space| space.as_ref().map(AddressSpace::directory));
    Some(show([first?, second?]))
}

/// A copy of the running thread's address space; none if it has none of its own. Interrupts stay as they are.
///
/// # Errors
/// If memory is out.
pub fn copy_of_own() -> Option<Result<AddressSpace, OutOfMemory>> {
    let me = threads::current();
    let directory = SPACES.lock()[me].as_mut()?.begin_copy();
    // SAFETY: the space stays as it is: `with_space` refuses to change it now, and callers of `replace` and `take_from`
    // keep away. Should a handler end the thread, this does not go on.
    let copy = unsafe { AddressSpace::copy_of(directory) };
    SPACES.lock()[me].as_mut()?.end_copy();
    Some(copy)
}
// ANCHOR_END: spaces
