//! How a kernel ends: well, with a message and a trace, or in the middle of a stop.
//!
//! The trace is the chain of callers. Every function of the kernel saves its caller's EBP on the stack
//! (`frame-pointer` in `i686.json`), just below its return address:
//!
//! ```text
//!     EBP ->  | EBP of the caller   | -> the caller's own pair, higher up; 0 in the outermost call
//!             | return address      |
//! ```

#![cfg(target_os = "none")]

use common::lock::{InterruptCell, interrupts_off};
use common::qemu::{self, Outcome};
use common::{VirtAddr, image};
use core::arch::asm;
use core::fmt;
use core::mem::ManuallyDrop;
use core::panic::{Location, PanicInfo};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Longer chains are cut off: of a runaway recursion, the last calls are the interesting ones.
const MOST_CALLERS: usize = 12;

/// How many stops have begun. There is more than one if reporting the first one fails.
static STOPS: AtomicU32 = AtomicU32::new(0);

/// What the first stop calls before it prints its message. Chapter 8 sets it for its threads.
static ON_STOP: InterruptCell<Option<fn()>> = InterruptCell::new(None);

/// The address that is being read for the chain of callers. A fault in that read is not a second stop.
static READING: AtomicU32 = AtomicU32::new(NOWHERE);

/// No read is going on. No word that is read begins at this address.
const NOWHERE: u32 = u32::MAX;

unsafe extern "Rust" {
    /// Defined by [`entry!`](crate::entry!).
    safe fn kernel_last_words(words: fmt::Arguments);
}

/// Where the CPU was, and the chain of its callers.
pub struct Trace {
    /// The instruction. `None` if the trace begins with the caller.
    pub eip: Option<VirtAddr>,
    /// The stack pointer.
    pub esp: VirtAddr,
    /// The address of the innermost pair of the chain.
    pub ebp: VirtAddr,
}

impl Trace {
    /// The chain of callers of the function that calls this.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        let (esp, ebp): (u32, u32);
        // SAFETY: the instructions only copy registers.
        unsafe {
            asm!("mov {}, esp", "mov {}, ebp", out(reg) esp, out(reg) ebp, options(nomem, nostack, preserves_flags))
        };
        Self { eip: None, esp: VirtAddr::new(esp), ebp: VirtAddr::new(ebp) }
    }

    /// The caller, if EIP is not in a function, for example after a call through a null pointer. No code there
    /// has saved EBP, so EBP still points to the caller's pair, and the return address is on top of the stack.
    fn caller_of_nothing(&self) -> Option<VirtAddr> {
        let is_code = |address: &VirtAddr| image::text().contains(address);
        if is_code(&self.eip?) {
            return None;
        }
        word_at(self.esp)?.checked_sub(1).map(VirtAddr::new).filter(is_code)
    }

    // ANCHOR: callers
    fn callers(&self) -> impl Iterator<Item = VirtAddr> {
        let mut ebp = self.ebp;
        core::iter::from_fn(move || {
            if ebp == VirtAddr::new(0) {
                return None;
            }
            let outer = VirtAddr::new(word_at(ebp)?);
            let return_address = word_at(ebp.wrapping_add(4))?;
            // The stack grows down, so callers are at higher addresses. Anything else is not a chain of calls.
            ebp = if outer > ebp { outer } else { VirtAddr::new(0) };
            // Report the last byte of the call, which is in the caller's line. The next byte may not be.
            // The outermost function of a thread has no caller. Its return address is 0 (chapter 8).
            return_address.checked_sub(1).map(VirtAddr::new)
        })
        .take(MOST_CALLERS)
    }
}

/// The word of the stack at `address`. `None` if no word can begin there.
fn word_at(address: VirtAddr) -> Option<u32> {
    if !address.as_u32().is_multiple_of(4) {
        return None; // compiled code keeps its stack at multiples of 4
    }
    READING.store(address.as_u32(), Relaxed);
    // SAFETY:
    // 1. ESP and EBP point to the stack in all compiled code.
    // 2. Otherwise, in assembly or after a stray write, this reads some other word, and only the trace is wrong.
    // 3. Or the CPU faults. Then `report` prints that the stack cannot be read.
    let word = unsafe { address.as_ptr::<u32>().read_volatile() };
    READING.store(NOWHERE, Relaxed);
    Some(word)
}
// ANCHOR_END: callers

/// Makes the first stop call `callback` before it prints its message, with interrupts off for good.
///
/// # Panics
/// If there is a callback already.
pub fn on_stop(callback: fn()) {
    let off = interrupts_off();
    assert!(ON_STOP.get(&off).is_none(), "a callback for stops is already set");
    ON_STOP.set(Some(callback), &off);
}

// ANCHOR: report
/// Ends the kernel badly: prints `kind`, `words` and the trace, then leaves QEMU or halts.
pub fn report(kind: &str, words: fmt::Arguments, trace: &Trace) -> ! {
    // For good: no other code may run while this prints.
    let off = ManuallyDrop::new(interrupts_off());
    let unreadable = READING.swap(NOWHERE, Relaxed);
    if unreadable != NOWHERE {
        let address = VirtAddr::new(unreadable);
        kernel_last_words(format_args!("  The stack cannot be read at {address}: the chain of callers ends here.\n"));
        qemu::exit(Outcome::Bad)
    }
    match STOPS.fetch_add(1, Relaxed) {
        0 => {
            ON_STOP.get(&off).into_iter().for_each(|callback| callback());
            kernel_last_words(format_args!("\n{kind}: {words}\n"));
        }
        1 => kernel_last_words(format_args!("\n(stopped again while reporting that: {words})\n")),
        // These words could not be printed either, but the trace still can be.
        2 => kernel_last_words(format_args!("\n(and once more)\n")),
        _ => qemu::exit(Outcome::Bad),
    }
    let say_address = |address: VirtAddr| kernel_last_words(format_args!("  EIP {address}\n"));
    // EIP first: printing it reads no memory that may be unreadable.
    trace.eip.into_iter().for_each(say_address);
    trace.caller_of_nothing().into_iter().chain(trace.callers()).for_each(say_address);
    qemu::exit(Outcome::Bad)
}

/// Ends the kernel because of a panic.
pub fn panicked(info: &PanicInfo) -> ! {
    let place = info.location().unwrap_or(Location::caller());
    report("PANIC", format_args!("{}, at {place}", info.message()), &Trace::here())
}

/// Ends the kernel because it cannot go on. [`stop!`](crate::stop!) calls this.
#[inline(never)] // the trace begins with the caller
pub fn because(words: fmt::Arguments) -> ! {
    report("STOP", words, &Trace::here())
}
// ANCHOR_END: report

/// Stops the kernel with a message, formatted as by [`format_args!`].
#[macro_export]
macro_rules! stop {
    ($($words:tt)*) => {
        $crate::stop::because(format_args!($($words)*))
    };
}
pub use stop;

// ANCHOR: end
/// Ends the kernel well: reports that through `print`, then leaves QEMU if the command line has the word `exit`.
/// Otherwise it halts the CPU.
///
/// During a stop, this is a bad end too: formatting the stop's message may run code that calls this.
pub fn end(command_line: &str, print: fn(fmt::Arguments)) -> ! {
    print(format_args!("The demonstration is over.\n"));
    let _off = interrupts_off();
    if STOPS.load(Relaxed) > 0 {
        because(format_args!("a kernel cannot end well while it stops"));
    }
    if command_line.split_ascii_whitespace().any(|word| word == "exit") {
        qemu::exit(Outcome::Good);
    }
    qemu::halt()
}
// ANCHOR_END: end
