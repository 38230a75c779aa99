//! The kernel of chapter 4: it handles a breakpoint and continues.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use core::arch::asm;
use interrupts::exceptions::BREAKPOINT;
use interrupts::gate::{Gate, Kind};
use interrupts::{TrapFrame, idt};
use screen::println;
use segments::gdt::CODE;
use x86::Ring;

boot::entry!(kernel, screen::last_words);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    interrupts::init(); // a handler for every vector
    demonstrate();
    stop::end(information::command_line(&boot), screen::write)
}

// ANCHOR: demonstration
fn demonstrate() {
    println!("Hello from chapter 4.");
    let gate = Gate::new(Kind::Interrupt, CODE.bits(), idt::gate(BREAKPOINT).handler(), Ring::Ring3);
    // SAFETY: the new gate leads to the stub of the old one, and the stub handles interrupts from every ring.
    unsafe { idt::set_gate(BREAKPOINT, gate) };
    // SAFETY: the handler changes only EAX, which the `asm!` below expects, and a breakpoint has no cause to remove.
    let previous = unsafe { interrupts::register(BREAKPOINT, breakpoint) };
    let answer: u32;
    // SAFETY: the handler returns, and changes only EAX.
    unsafe { asm!("int3", inout("eax") 6 => answer) };
    println!("The breakpoint handler has returned. It found 6 in EAX and left {answer}.");
    // SAFETY: this handler was registered before.
    unsafe { interrupts::register(BREAKPOINT, previous) };
}

/// Prints the registers of the interrupted code, and changes one of them.
extern "C" fn breakpoint(frame: &mut TrapFrame) {
    println!("A breakpoint, just before {:#010x}. The registers there:", frame.eip);
    println!("{frame}");
    frame.eax *= 7;
}
// ANCHOR_END: demonstration
