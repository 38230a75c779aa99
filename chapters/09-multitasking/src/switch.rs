//! From task to task: chapter 8's switch, and CR3 beside it where the address space changes.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use paging::{Frame, KERNEL, double_fault};
use threads::switch::switch;
use threads::thread_id::MOST_THREADS;
use threads::{ThreadId, scheduler};

global_asm!(include_str!("switch.s"), DIRECTORIES = sym DIRECTORIES);

unsafe extern "C" {
    /// As chapter 8's `switch`, into the address space of `to`, where `load` is valid.
    fn switch_space(save: *mut u32, load: u32, from: ThreadId, to: ThreadId);
}

// ANCHOR: directories
/// The page directory that each thread runs with, by its physical address.
static DIRECTORIES: [AtomicU32; MOST_THREADS] = [const { AtomicU32::new(0) }; MOST_THREADS];
// ANCHOR_END: directories

/// Lets every thread run with the kernel's directory, and takes over from chapter 8's switch.
pub(crate) fn init() {
    let kernel = KERNEL.lock().frame();
    (0..MOST_THREADS).for_each(|place| run_in(ThreadId::new(place), kernel));
    scheduler::switch_by(between_spaces);
}

/// Lets `thread` run with `directory` from its next turn on.
pub(crate) fn run_in(thread: ThreadId, directory: Frame) {
    DIRECTORIES[thread.place()].store(directory.address().as_u32(), Relaxed);
}

/// Lets `thread` run with the kernel's directory from its next turn on.
pub(crate) fn run_in_kernel(thread: ThreadId) {
    run_in(thread, KERNEL.lock().frame());
}

// ANCHOR: between
/// Goes from one thread to another, and into the other's address space.
///
/// CR3 is not loaded where it would not change: to load it makes the CPU forget all translations.
///
/// # Safety
/// As for chapter 8's `switch`; the directory of `to` maps the kernel, and its stack at `load`.
pub unsafe extern "C" fn between_spaces(save: *mut u32, load: u32, from: ThreadId, to: ThreadId) {
    let directory = DIRECTORIES[to.place()].load(Relaxed);
    let switch = if directory == DIRECTORIES[from.place()].load(Relaxed) {
        switch
    } else {
        // SAFETY: every directory here maps the kernel, and this one is in use until the next switch.
        unsafe { double_fault::set_page_directory(Frame::containing(common::PhysAddr::new(directory))) };
        switch_space
    };
    // SAFETY: the caller's; the kernel is at the same place in every address space.
    unsafe { switch(save, load, from, to) };
}
// ANCHOR_END: between
