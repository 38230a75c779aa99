//! The kernel of chapter 8: threads that never yield take turns, and a table says how each turn ended.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use screen::{print, println};
use threads::{Counts, Reason, input};

boot::entry!(kernel, screen::last_words);

const RATE_HZ: u32 = 100;
const TIMESLICE_TICKS: u32 = 4;

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    interrupts::init(); // a handler for every vector
    paging::init(&boot); // memory in protected pages
    heap::init(); // memory of any size
    timer::init(RATE_HZ).expect("100 Hz is within the timer's range"); // ticks at this rate
    timer::start(); // interrupts are on from here
    threads::init(TIMESLICE_TICKS); // this is the first of several threads now
    input::init(); // what is typed can be waited for
    let words = information::command_line(&boot);
    demonstrate(words.split_ascii_whitespace().any(|word| word == "exit"));
    stop::end(words, screen::write)
}

/// `alone`: there is no person who could type.
fn demonstrate(alone: bool) {
    threads::count_turns();
    println!("Hello from chapter 8. Three threads that never yield, and one that sleeps:");
    let impatient = spawn(read_within_a_second, 0);
    let reader = spawn(read, 0);
    let counters = ['A', 'B', 'C'].map(|letter| spawn(count, letter as usize));
    let sleeper = spawn(doze, 0);

    let [a, b, c] = counters.map(threads::Thread::join);
    let dozed = sleeper.join();
    println!();
    let gave_up = impatient.join();
    if alone {
        println!("No key will come, so the kernel tells the keyboard controller to send one.");
        press_a_key();
    } else {
        println!("One more thread has been waiting all along. Type a letter:");
    }
    let read = reader.join();
    println!("How many timeslices each had, and how they ended:");
    println!("  thread    all  timer  yield  sleep  input   wait   exit");
    let rows = [("A", a), ("B", b), ("C", c), ("sleeper", dozed), ("impatient", gave_up), ("reader", read)];
    rows.iter().for_each(|(name, counts)| row(name, counts));
}

fn spawn(entry: fn(usize), argument: usize) -> threads::Thread {
    threads::spawn(entry, argument).expect("there is room and memory for a thread")
}

fn row(name: &str, counts: &Counts) {
    print!("  {name:<9}{:>4}", counts.total());
    for reason in Reason::ALL {
        print!("{:>7}", counts.of(reason));
    }
    println!();
}

// ANCHOR: threads
/// Works until it has seen 20 ticks, and never yields. Prints a letter for each tick.
fn count(letter: usize) {
    for _ in 0..20 {
        let now = timer::ticks();
        while timer::ticks() == now {
            core::hint::spin_loop();
        }
        print!("{}", letter as u8 as char);
    }
}

/// Sleeps most of the time. Prints a dot each time it wakes.
fn doze(_: usize) {
    for _ in 0..5 {
        threads::sleep(10);
        print!(".");
    }
}

/// Waits for a key, for a second at most.
fn read_within_a_second(_: usize) {
    let key = input::read_byte_before(timer::ticks() + u64::from(RATE_HZ));
    tell(key, "a key within a second");
}

/// Waits for a key.
fn read(_: usize) {
    tell(Some(input::read_byte()), "a key");
}

fn tell(key: Option<u8>, what: &str) {
    let me = threads::current();
    match key {
        Some(key) => println!("Thread {me} has waited for {what}, and got {:?}.", char::from(key)),
        None => println!("Thread {me} has waited for {what}, and got none."),
    }
}
// ANCHOR_END: threads

/// Makes the keyboard's controller behave as if the key `a` were pressed.
fn press_a_key() {
    const PRETEND_THAT_THE_KEYBOARD_SENT: u8 = 0xD2;
    const CONTROLLER_IS_BUSY: u8 = 0x02;
    const NO_CONTROLLER: u8 = 0xFF;
    const KEY_A_IN_SCAN_CODE_SET_1: u8 = 0x1E;
    // SAFETY: reading the status changes nothing.
    if unsafe { x86::io::inb(0x64) } == NO_CONTROLLER {
        stop!("this demonstration needs a keyboard controller (8042) that sends a key, and finds none");
    }
    for (port, byte) in [(0x64, PRETEND_THAT_THE_KEYBOARD_SENT), (0x60, KEY_A_IN_SCAN_CODE_SET_1)] {
        // SAFETY: the controller reaches no memory, and its interrupt has a handler.
        unsafe {
            while x86::io::inb(0x64) & CONTROLLER_IS_BUSY != 0 {}
            x86::io::outb(port, byte);
        }
    }
}
