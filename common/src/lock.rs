//! Interrupts off, and a lock that an interrupt handler may take too.
//!
//! On one CPU, spinning on a held lock never ends: the holder cannot run while you spin. So the lock
//! keeps interrupts off while it is held, which keeps handlers and other threads away from it. Code that
//! still finds it held has found a bug, a lock taken twice on one path, and stops with a sentence instead
//! of hanging.

#![cfg(target_os = "none")]

use core::cell::Cell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use x86::bits32::eflags::{self, EFlags};
use x86::irq;

// ANCHOR: off
/// Interrupts are off while this value lives.
///
/// Guards are counted, so they may be dropped in any order: interrupts come back with the last one, if they
/// were on before the first. The count belongs to the running thread, so a guard stays in its thread.
pub struct InterruptsOff {
    not_send: PhantomData<*const ()>,
}

/// How many guards the running thread holds, and whether interrupts were on before the first of them.
///
/// The scheduler (chapter 8) keeps the count of a thread that does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct OffCount(u32);

/// The count of the running thread; the highest bit says that interrupts were on before the first guard.
static COUNT: AtomicU32 = AtomicU32::new(0);
const WERE_ON: u32 = 1 << 31;

/// Turns interrupts off until the value returned is dropped.
#[inline(always)]
#[must_use = "interrupts come back as soon as this value is dropped"]
pub fn interrupts_off() -> InterruptsOff {
    // SAFETY: reading EFLAGS changes nothing.
    let are_on = unsafe { eflags::read() }.contains(EFlags::FLAGS_IF);
    // SAFETY: turning interrupts off takes nothing away from the code that runs now.
    unsafe { irq::disable() };
    COUNT.store(COUNT.load(Relaxed) + 1, Relaxed);
    if are_on {
        COUNT.store(COUNT.load(Relaxed) | WERE_ON, Relaxed);
    }
    InterruptsOff { not_send: PhantomData }
}

impl InterruptsOff {
    /// Gives up the guard and halts the CPU until an interrupt comes. None can come between the two.
    ///
    /// # Panics
    /// If interrupts stay off without this guard: the halt would never end.
    pub fn halt_until_interrupt(self) {
        assert!(COUNT.load(Relaxed) == WERE_ON | 1, "interrupts would stay off, and the halt would never end");
        COUNT.store(0, Relaxed);
        core::mem::forget(self);
        // SAFETY: interrupts were on before, so every vector that can come has a handler. `sti` lets them in only
        // after the instruction that follows it (Intel SDM volume 2, "STI").
        unsafe { core::arch::asm!("sti", "hlt", options(nostack)) };
    }
}

impl Drop for InterruptsOff {
    #[inline(always)]
    fn drop(&mut self) {
        COUNT.store(COUNT.load(Relaxed).wrapping_sub(1), Relaxed);
        if COUNT.load(Relaxed) == WERE_ON {
            COUNT.store(0, Relaxed);
            // SAFETY: they were on before the first guard was made, so every vector that can come has a handler.
            unsafe { irq::enable() };
        }
    }
}

impl OffCount {
    /// The count of a thread that holds no guard.
    pub const NONE: Self = Self(0);

    /// The count of the running thread.
    #[inline(always)]
    pub fn current() -> Self {
        Self(COUNT.load(Relaxed))
    }

    /// Makes this the count in force.
    ///
    /// # Safety
    /// Interrupts are off, and the code that runs next belongs to the thread that had this count.
    #[inline(always)]
    pub unsafe fn restore(self) {
        COUNT.store(self.0, Relaxed);
    }
}
// ANCHOR_END: off

// ANCHOR: cell
/// A variable that is read and written only while interrupts are off, which the caller shows by its guard.
///
/// On one CPU, no handler and no other thread can come between, so there is nothing to lock.
#[repr(transparent)]
pub struct InterruptCell<T>(Cell<T>);

// SAFETY: each method asks for a guard, so interrupts are off while it runs, and there is one CPU.
unsafe impl<T: Send> Sync for InterruptCell<T> {}

impl<T> InterruptCell<T> {
    /// A variable with this value.
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    /// Sets the variable.
    #[inline(always)]
    pub fn set(&self, value: T, _: &InterruptsOff) {
        self.0.set(value);
    }

    /// Where the value is, for assembly. To use the pointer is `unsafe`, as with every pointer.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Sets the variable and returns what it was.
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
/// A value that only one piece of code at a time can reach, interrupt handlers included.
pub struct Lock<T> {
    inner: spin::Mutex<T>,
}

/// The right to use the value, given up when dropped. Interrupts are off while it lives.
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
    /// If the lock is held already: on one CPU it would never become free.
    #[inline(always)]
    pub fn lock(&self) -> Guard<'_, T> {
        let interrupts = interrupts_off();
        let Some(inner) = self.inner.try_lock() else { deadlock() };
        Guard { inner, _interrupts: interrupts }
    }
    // ANCHOR_END: lock

    /// Takes the lock if it is free: for code that reports what went wrong, whichever code holds the lock.
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
    panic!("deadlock: this lock is held already, here or by a thread that waits");
}
