//! Exercise 4.3: system calls. A program asks the kernel for a service by its number.
//!
//! The program puts the number into EAX and the argument into ECX, and raises the interrupt [`SYSTEM_CALL`]. The result
//! comes back in EAX. So the program needs no address of the kernel, and the numbers stay the same when the kernel changes.

#![no_std]

use common::Lock;
use core::arch::asm;
use interrupts::TrapFrame;

/// The vector of system calls.
pub const SYSTEM_CALL: u8 = 0x80;

/// The service that keeps a character, which is the low byte of the argument. The result is how many are kept.
pub const KEEP: u32 = 1;
/// The service that returns the square of its argument, modulo 2^32.
pub const SQUARE: u32 = 2;
/// The service that adds its argument to the sum of all arguments so far, modulo 2^32, and returns the sum.
pub const ADD: u32 = 3;
/// The result for any other number.
pub const NO_SUCH_SERVICE: u32 = u32::MAX;

/// How many characters the kernel keeps. Further ones are dropped.
pub const MOST_CHARACTERS: usize = 64;

/// What the services remember.
pub struct State {
    /// The characters.
    pub text: [u8; MOST_CHARACTERS],
    /// How many there are.
    pub length: usize,
    /// The sum of all arguments of [`ADD`].
    pub sum: u32,
}

/// The state of this kernel.
pub static STATE: Lock<State> = Lock::new(State { text: [0; MOST_CHARACTERS], length: 0, sum: 0 });

/// Asks for a service. Returns the result, and what is in ECX afterwards.
pub fn call(service: u32, argument: u32) -> (u32, u32) {
    let (result, ecx);
    // SAFETY: the handler changes only EAX.
    unsafe { asm!("int 0x80", inout("eax") service => result, inout("ecx") argument => ecx) };
    (result, ecx)
}

/// Makes [`serve`] the handler of [`SYSTEM_CALL`].
pub fn install() {
    panic!("exercise 4.3: write `install`")
}

/// Handles a system call: does what the service in EAX says, with the argument in ECX. The caller finds the result in
/// EAX, and all its other registers as they were.
pub extern "C" fn serve(frame: &mut TrapFrame) {
    panic!("exercise 4.3: write `serve`")
}
