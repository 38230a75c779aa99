//! Which address space each thread uses, and the context switch that changes it.

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
/// The address space of each thread that has its own. All other threads use the kernel's.
static SPACES: Lock<PerThread<Option<AddressSpace>>> = Lock::new(PerThread::new([const { None }; MOST_THREADS]));

/// The physical address of the page directory that each thread uses, for the switch.
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
    /// Like chapter 8's `switch`, and also switches to the address space of `to`.
    ///
    /// # Safety
    /// As for chapter 8's `switch`; and the address space of `to` maps the kernel and the stack of `to`.
    pub fn switch_space(from: ThreadId, to: ThreadId);
}

/// Replaces chapter 8's switch.
pub(crate) fn init() {
    let kernel = KERNEL.lock().frame().address().as_u32();
    DIRECTORIES.values().for_each(|directory| directory.store(kernel, Relaxed));
    // SAFETY: the routine does what chapter 8's does, because each directory maps the kernel and its thread's stack.
    unsafe { threads::switch_by(switch_space) };
}

/// Whether threads can have address spaces of their own.
pub(crate) fn is_ready() -> bool {
    DIRECTORIES[ThreadId::FIRST].load(Relaxed) != 0
}
// ANCHOR_END: switch

fn set_directory(thread: ThreadId, directory: Frame) {
    DIRECTORIES[thread].store(directory.address().as_u32(), Relaxed);
}

// ANCHOR: spaces
/// Starts `thread` in `space`. After the thread has ended, [`take_from`] returns the space.
///
/// # Safety
/// As for [`ReservedThread::start`], where the stack is the one that `space` maps.
pub unsafe fn start_in(space: AddressSpace, thread: ReservedThread, context: *mut Context) -> Thread {
    set_directory(thread.id(), space.directory().frame());
    SPACES.lock()[thread.id()] = Some(space);
    // SAFETY: the caller's.
    unsafe { thread.start(context) }
}

/// Moves the running thread to `space` at once, and returns the address space that it had.
///
/// # Safety
/// 1. `space` maps all that the thread uses as the old one did, its stack above all.
/// 2. The caller is not a handler that has interrupted [`copy_of_own`].
pub unsafe fn replace(space: AddressSpace) -> Option<AddressSpace> {
    let _off = interrupts_off();
    let me = threads::current();
    let directory = space.directory().frame();
    set_directory(me, directory);
    // SAFETY: the directory maps the kernel; the rest is the caller's.
    unsafe {
        double_fault::set_page_directory(directory);
        cr3_write(directory.address().as_u32().into());
    }
    SPACES.lock()[me].replace(space)
}

/// Takes the address space away from `thread` and returns it; `None` if the thread has none of its own.
///
/// # Safety
/// The thread has ended and is off the CPU.
pub unsafe fn take_from(thread: ThreadId) -> Option<AddressSpace> {
    set_directory(thread, KERNEL.lock().frame());
    SPACES.lock()[thread].take()
}

/// Does `work` with the address space of `thread`, with interrupts off; `None` if the thread has none of its own.
///
/// # Panics
/// If the thread is making a copy of its address space.
///
/// # Safety
/// `work` does not replace the space by another one. (The methods of [`AddressSpace`] say what it may map, unmap and
/// protect.)
pub unsafe fn with_space<T>(thread: ThreadId, work: impl FnOnce(&mut AddressSpace) -> T) -> Option<T> {
    let mut spaces = SPACES.lock();
    let space = spaces[thread].as_mut()?;
    assert!(!space.is_being_copied(), "an address space cannot change while it is being copied");
    Some(work(space))
}

/// Calls `show` with two threads' page directories, with interrupts off; `None` if one has no space of its own.
pub fn with_directories<T>([first, second]: [ThreadId; 2], show: impl FnOnce([&Directory; 2]) -> T) -> Option<T> {
    let spaces = SPACES.lock();
    let [first, second] = [&spaces[first], &spaces[second]].map(|space| space.as_ref().map(AddressSpace::directory));
    Some(show([first?, second?]))
}

/// A copy of the running thread's address space; `None` if it has none of its own. Interrupts stay as they are.
///
/// # Errors
/// If memory runs out.
pub fn copy_of_own() -> Option<Result<AddressSpace, OutOfMemory>> {
    let me = threads::current();
    let directory = SPACES.lock()[me].as_mut()?.begin_copy();
    // SAFETY: the space stays unchanged: `with_space` refuses to change it, and callers of `replace` and `take_from`
    // promise not to. If a handler ends the thread, this function does not continue.
    let copy = unsafe { AddressSpace::copy_of(directory) };
    SPACES.lock()[me].as_mut()?.end_copy();
    Some(copy)
}
// ANCHOR_END: spaces
