//! How a kernel ends: well, with a sentence and a trace, or in the middle of a stop.
//!
//! The trace is the chain of callers. Every function of the kernel keeps its caller's EBP on the stack
//! (`frame-pointer` in `i686.json`), just below the address that it returns to:
//!
//! ```text
//!     EBP ->  | EBP of the caller   | -> the caller's own pair, higher up; 0 in the outermost call
//!             | address to return to|
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

/// Longer chains are cut off: the interesting end of a runaway recursion is its last calls.
const MOST_CALLERS: usize = 12;

/// How many stops have begun: more than one if something goes wrong while the first is being said.
static STOPS: AtomicU32 = AtomicU32::new(0);

/// What the first stop calls before it says a word: nothing, until there are threads (chapter 8).
static ON_STOP: InterruptCell<Option<fn()>> = InterruptCell::new(None);

/// Where the stack is being read for the chain of callers: a fault in that is no second stop.
static READING: AtomicU32 = AtomicU32::new(NOWHERE);

/// No word that is read begins here.
const NOWHERE: u32 = u32::MAX;

unsafe extern "Rust" {
    /// Defined by [`entry!`](crate::entry!).
    safe fn kernel_last_words(words: fmt::Arguments);
}

/// Where the CPU was, and the chain of its callers.
pub struct Trace {
    /// The instruction; none if the trace begins with the caller.
    pub eip: Option<VirtAddr>,
    /// The stack pointer.
    pub esp: VirtAddr,
    /// The address of the innermost pair of the chain.
    pub ebp: VirtAddr,
}

impl Trace {
    /// The chain of callers of the function in which this stands.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        let (esp, ebp): (u32, u32);
        // SAFETY: copies registers.
        unsafe {
            asm!("mov {}, esp", "mov {}, ebp", out(reg) esp, out(reg) ebp, options(nomem, nostack, preserves_flags))
        };
        Self { eip: None, esp: VirtAddr::new(esp), ebp: VirtAddr::new(ebp) }
    }

    /// The caller, if EIP is at no function: it has followed a null pointer, perhaps. Nothing there has saved EBP,
    /// so the caller's pair is the innermost one, and the address to return to lies on top of the stack.
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
            // The stack grows down, so callers lie higher; anything else is not a chain of calls.
            ebp = if outer > ebp { outer } else { VirtAddr::new(0) };
            // The last byte of the call: its line is the caller's, which need not hold for the next byte.
            // The outermost function of a thread has no caller: 0 is its return address (chapter 8).
            return_address.checked_sub(1).map(VirtAddr::new)
        })
        .take(MOST_CALLERS)
    }
}

/// The word of the stack at `address`, if one can begin there.
fn word_at(address: VirtAddr) -> Option<u32> {
    if !address.as_u32().is_multiple_of(4) {
        return None; // no compiled code keeps its stack there
    }
    READING.store(address.as_u32(), Relaxed);
    // SAFETY: ESP and EBP point to the stack in all compiled code. Where they do not, in assembly or after a stray
    // write, some other word is read, and the kernel ends without a use for it. Or the CPU faults: `report` says so.
    let word = unsafe { address.as_ptr::<u32>().read_volatile() };
    READING.store(NOWHERE, Relaxed);
    Some(word)
}
// ANCHOR_END: callers

/// Lets the first stop call `callback` before it says a word, with interrupts off for good.
///
/// # Panics
/// If there is a callback already.
pub fn on_stop(callback: fn()) {
    let off = interrupts_off();
    assert!(ON_STOP.get(&off).is_none(), "the stop has a callback already");
    ON_STOP.set(Some(callback), &off);
}

// ANCHOR: report
/// Ends the kernel badly: says `kind` and `words`, where it was, and leaves QEMU or halts.
pub fn report(kind: &str, words: fmt::Arguments, trace: &Trace) -> ! {
    // For good: no other code shall run while this is being said.
    let off = ManuallyDrop::new(interrupts_off());
    let unreadable = READING.swap(NOWHERE, Relaxed);
    if unreadable != NOWHERE {
        let address = VirtAddr::new(unreadable);
        kernel_last_words(format_args!(
            "  The stack cannot be read at {address}: that is all that is known of callers.\n"
        ));
        qemu::exit(Outcome::Bad)
    }
    match STOPS.fetch_add(1, Relaxed) {
        0 => {
            ON_STOP.get(&off).into_iter().for_each(|callback| callback());
            kernel_last_words(format_args!("\n{kind}: {words}\n"));
        }
        1 => kernel_last_words(format_args!("\n(stopped again while saying so: {words})\n")),
        // These words could not be said either, but where that was still can.
        2 => kernel_last_words(format_args!("\n(and once more)\n")),
        _ => qemu::exit(Outcome::Bad),
    }
    let say_address = |address: VirtAddr| kernel_last_words(format_args!("  EIP {address}\n"));
    // The first needs no memory that may be unreadable.
    trace.eip.into_iter().for_each(say_address);
    trace.caller_of_nothing().into_iter().chain(trace.callers()).for_each(say_address);
    qemu::exit(Outcome::Bad)
}

/// Ends the kernel because of a panic.
pub fn panicked(info: &PanicInfo) -> ! {
    let place = info.location().unwrap_or(Location::caller());
    report("PANIC", format_args!("{}, at {place}", info.message()), &Trace::here())
}

/// Ends the kernel because it cannot go on: what [`stop!`](crate::stop!) calls.
#[inline(never)] // the trace begins with the caller
pub fn because(words: fmt::Arguments) -> ! {
    report("STOP", words, &Trace::here())
}
// ANCHOR_END: report

/// Stops the kernel with a sentence, formatted as by [`format_args!`].
#[macro_export]
macro_rules! stop {
    ($($words:tt)*) => {
        $crate::stop::because(format_args!($($words)*))
    };
}
pub use stop;

// ANCHOR: end
/// Ends the kernel well: says so through `print`, then leaves QEMU if the command line has the word `exit`, and
/// idles otherwise.
///
/// A stop stays a bad end: what it says may call code that comes here.
pub fn end(command_line: &str, print: fn(fmt::Arguments)) -> ! {
    print(format_args!("The demonstration is over.\n"));
    let _off = interrupts_off();
    if STOPS.load(Relaxed) > 0 {
        because(format_args!("a kernel that is being stopped cannot end well"));
    }
    if command_line.split_ascii_whitespace().any(|word| word == "exit") {
        qemu::exit(Outcome::Good);
    }
    qemu::halt()
}
// ANCHOR_END: end
