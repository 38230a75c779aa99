//! Interrupts off, and a lock that an interrupt handler may take too.
//!
//! On one CPU, spinning on a held lock never ends: the holder cannot run while you spin. So the lock
//! keeps interrupts off while it is held, and no handler and no other thread can run meanwhile. If code
//! still finds the lock held, one path has taken it twice. That is a bug (a deadlock), and the lock panics
//! instead of hanging.

#![cfg(target_os = "none")]

use core::cell::Cell;
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use x86::irq;

// ANCHOR: off
/// Counts the reasons why interrupts are off. They are on exactly when this is 0.
///
/// Each guard and each running handler is a reason, and adds [`EACH`]. The lowest bit is one more reason: the kernel
/// and every thread start with it, and have it until they let interrupts in. The count belongs to the running thread.
/// The stubs of chapter 4 count the handlers, and use this name for it.
#[unsafe(export_name = "reasons_for_interrupts_off")]
static REASONS: InterruptCell<u32> = InterruptCell::new(START);

const START: u32 = 1;
const EACH: u32 = 2;
/// Half of what the number can hold, because the stubs add without a check.
const MOST: u32 = 1 << 31;

/// Interrupts are off while this value lives.
///
/// Guards are counted, so they may be dropped in any order. Interrupts come back on when the last reason for
/// keeping them off is gone. A guard cannot move to another thread.
pub struct InterruptsOff {
    not_send: PhantomData<*const ()>,
}

/// Turns interrupts off until the value returned is dropped.
#[inline(always)]
#[must_use = "interrupts are turned on again as soon as this value is dropped"]
pub fn interrupts_off() -> InterruptsOff {
    // SAFETY: turning interrupts off cannot break the code that runs now.
    unsafe { irq::disable() };
    let off = InterruptsOff { not_send: PhantomData };
    let reasons = REASONS.get(&off).wrapping_add(EACH);
    REASONS.set(reasons, &off);
    if reasons >= MOST {
        too_many_guards();
    }
    off
}

#[cold]
fn too_many_guards() -> ! {
    REASONS.0.set(START); // so that the stop can take guards
    panic!("a billion guards keep interrupts off: they were leaked");
}

impl Drop for InterruptsOff {
    #[inline(always)]
    fn drop(&mut self) {
        let left = REASONS.get(self).wrapping_sub(EACH);
        REASONS.set(left, self);
        if left == 0 {
            // SAFETY: they were on before, so every vector that can occur has a handler.
            unsafe { irq::enable() };
        }
    }
}

impl InterruptsOff {
    /// The proof, for a handler, that interrupts are off. The stub has counted the handler, so this adds no reason.
    ///
    /// # Safety
    /// The caller is an interrupt handler, or is called by one. It does not call [`with_interrupts_in`] while it has
    /// the reference.
    #[inline(always)]
    pub const unsafe fn in_handler<'a>() -> &'a Self {
        // SAFETY: the type has no bytes.
        unsafe { NonNull::dangling().as_ref() }
    }

    /// Drops the guard and halts the CPU until an interrupt comes. No interrupt can come between the two steps, so
    /// the halt cannot miss the one that it waits for (a lost wakeup).
    ///
    /// # Panics
    /// If interrupts stay off without this guard, because the halt would never end.
    #[inline(always)] // so that the report of a kernel that hangs here names the caller
    pub fn halt_until_interrupt(self) {
        assert!(REASONS.get(&self) == EACH, "interrupts are off, so the halt would never end");
        REASONS.set(0, &self);
        mem::forget(self);
        // SAFETY: interrupts were on before, so every vector that can occur has a handler. `sti` turns them on only
        // after the instruction that follows it (Intel SDM volume 2, "STI").
        unsafe { core::arch::asm!("sti", "hlt", options(nostack)) };
    }
}
// ANCHOR_END: off

// ANCHOR: start
/// Turns interrupts on, by giving up the reason with which the kernel or a thread starts. Does nothing if they are on.
///
/// # Panics
/// If a guard or a handler also keeps them off.
///
/// # Safety
/// Every vector that can occur has a handler.
pub unsafe fn let_interrupts_in() {
    let off = interrupts_off();
    assert!(REASONS.get(&off) <= START + EACH, "cannot turn interrupts on: a guard or a handler keeps them off");
    REASONS.set(EACH, &off); // this function's guard, which turns interrupts on when it is dropped
}

/// Runs `work` with interrupts on, inside the handler of an exception or a system call, because `work` takes long.
///
/// # Panics
/// If a guard keeps interrupts off, in the handler or in the code that it has interrupted.
///
/// # Safety
/// 1. The caller is such a handler, and the code that it has interrupted had interrupts on.
/// 2. The caller allows other threads to run meanwhile, and other handlers on the same stack.
pub unsafe fn with_interrupts_in<T>(work: impl FnOnce() -> T) -> T {
    let off = interrupts_off();
    assert!(REASONS.get(&off) == 2 * EACH, "cannot turn interrupts on: a guard keeps them off");
    REASONS.set(EACH, &off);
    drop(off);
    let result = work();
    mem::forget(interrupts_off()); // the handler is a reason again
    result
}

/// A thread's count of reasons for interrupts to be off. While the thread does not run, the count is on its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffCount(u32);

impl OffCount {
    /// The count of a thread that has just started.
    pub const START: Self = Self(START);
    /// The count of code that has interrupts on.
    pub const NONE: Self = Self(0);

    /// The count of the running thread. (It needs no guard, because an interrupt restores the count before it returns.)
    #[inline(always)]
    pub fn current() -> Self {
        Self(REASONS.0.get())
    }

    /// The count of the code that the running handler has interrupted. The handler must have no guard.
    pub fn interrupted() -> Self {
        Self(REASONS.0.get().wrapping_sub(EACH))
    }

    /// The count as a number, for assembly.
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// Makes this the current count.
    ///
    /// # Safety
    /// Interrupts are off, and this is the count of the thread that runs.
    #[inline(always)]
    pub unsafe fn restore(self) {
        REASONS.0.set(self.0);
    }
}
// ANCHOR_END: start

// ANCHOR: cell
/// A variable that is read and written only while interrupts are off. The caller proves that with a guard.
///
/// On one CPU, no handler and no other thread can run in between, so the variable needs no lock.
#[repr(transparent)]
pub struct InterruptCell<T>(Cell<T>);

// SAFETY: each method demands a guard, so interrupts are off while it runs, and there is one CPU.
unsafe impl<T: Send> Sync for InterruptCell<T> {}

impl<T> InterruptCell<T> {
    /// A variable with this initial value.
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    /// Sets the variable.
    #[inline(always)]
    pub fn set(&self, value: T, _: &InterruptsOff) {
        self.0.set(value);
    }

    /// Sets the variable and returns its old value.
    #[inline(always)]
    pub fn replace(&self, value: T, _: &InterruptsOff) -> T {
        self.0.replace(value)
    }
}

impl<T: Copy> InterruptCell<T> {
    /// The value.
    #[inline(always)]
    pub fn get(&self, _: &InterruptsOff) -> T {
        self.0.get()
    }
}
// ANCHOR_END: cell

// ANCHOR: guard
/// A value that only one piece of code at a time can use, interrupt handlers included.
pub struct Lock<T> {
    inner: spin::Mutex<T>,
}

/// The right to use the value, until it is dropped. Interrupts are off while it lives.
pub struct Guard<'a, T> {
    // Declared first, so dropped first: the lock is free before interrupts come back.
    inner: spin::MutexGuard<'a, T>,
    _interrupts: InterruptsOff,
}
// ANCHOR_END: guard

impl<T> Lock<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        Self { inner: spin::Mutex::new(value) }
    }

    // ANCHOR: lock
    /// Takes the lock and keeps interrupts off until the guard is dropped.
    ///
    /// # Panics
    /// If the lock is already held: on one CPU it would never become free.
    #[inline(always)]
    pub fn lock(&self) -> Guard<'_, T> {
        let interrupts = interrupts_off();
        let Some(inner) = self.inner.try_lock() else { deadlock() };
        Guard { inner, _interrupts: interrupts }
    }
    // ANCHOR_END: lock

    /// Takes the lock if it is free. For code that reports a failure, and must not panic if other code holds the lock.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        let interrupts = interrupts_off();
        self.inner.try_lock().map(|inner| Guard { inner, _interrupts: interrupts })
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

#[cold]
fn deadlock() -> ! {
    panic!("deadlock: this lock is already held, and its holder cannot run");
}
