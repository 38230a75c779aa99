//! A lock that an interrupt handler may take too.
//!
//! On one CPU, a lock that is taken stays taken for as long as one waits for it: whoever holds it does
//! not run. So nobody may ever have to wait. Interrupts stay off while the lock is held, which keeps
//! handlers and other threads away from it; and whoever still finds it taken has found a bug (a lock
//! taken twice on one path), which is said in a sentence instead of hanging for ever.

use core::ops::{Deref, DerefMut};
use x86::bits32::eflags::{self, EFlags};
use x86::irq;

// ANCHOR: guard
/// A value that only one piece of code at a time can reach, interrupt handlers included.
pub struct Lock<T> {
    inner: spin::Mutex<T>,
}

/// The right to use the value; given up, with the interrupt flag put back, when dropped.
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
    /// If the lock is taken already: on one CPU it would never become free.
    #[inline(always)]
    pub fn lock(&self) -> Guard<'_, T> {
        let interrupts = interrupts_off();
        let Some(inner) = self.inner.try_lock() else { deadlock() };
        Guard { inner, _interrupts: interrupts }
    }
    // ANCHOR_END: lock
}

impl<T> Lock<T> {
    // ANCHOR: while
    /// Takes the lock where interrupts are `off` already, and stay off: there is no flag to put back.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    #[inline(always)]
    pub fn lock_while<'a>(&'a self, off: &'a InterruptsOff) -> spin::MutexGuard<'a, T> {
        let _ = off;
        let Some(inner) = self.inner.try_lock() else { deadlock() };
        inner
    }
    // ANCHOR_END: while

    /// Takes the lock if it is free: for those who report what went wrong, whoever holds it.
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

// ANCHOR: off
/// Interrupts are off while this value lives; afterwards they are as they were before.
///
/// Of several, the one that was made first must be dropped last: it is the one that knows how it was.
pub struct InterruptsOff {
    were_on: bool,
}

/// Turns interrupts off until the value returned is dropped.
#[inline]
#[must_use = "interrupts come back as soon as this value is dropped"]
pub fn interrupts_off() -> InterruptsOff {
    // SAFETY: reading EFLAGS changes nothing.
    let were_on = unsafe { eflags::read() }.contains(EFlags::FLAGS_IF);
    // SAFETY: turning interrupts off takes nothing away from the code that runs now.
    unsafe { irq::disable() };
    InterruptsOff { were_on }
}

impl Drop for InterruptsOff {
    #[inline]
    fn drop(&mut self) {
        if self.were_on {
            // SAFETY: they were on when this value was made, so handlers were ready for them.
            unsafe { irq::enable() };
        }
    }
}
// ANCHOR_END: off
