//! Judges exercise 8.2: random registers go into a switch, and come back.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use common::Lock;
use common::lock::{OffCount, interrupts_off};
use core::arch::global_asm;
use core::array;
use core::iter;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::Relaxed};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use threads::{Context, MOST_THREADS, ReservedThread, Thread, ThreadId};
use x86::io;

// Interrupts stay off: whatever a switch does, no tick may come in between.
harness::boot!(TESTS, up to heap, then {
    timer::init(100).expect("within the timer's range");
    // SAFETY: this masks all lines of the master, so that no tick comes even if a wrong answer turns interrupts on.
    unsafe { io::outb(0x21, 0xFF) };
    threads::init(1);
});

const TESTS: &[Test] = &[
    test!(registers_after_a_switch),
    test!(contexts_in_memory),
    test!(the_start_of_a_thread),
    test!(flags_after_a_switch),
];

static RANDOM: Lock<Option<Random>> = Lock::new(None);

/// What goes into a switch, and what comes out of it. The assembly below knows the order.
#[repr(C)]
#[derive(Default)]
struct Trip {
    /// EBX, ESI, EDI, EBP.
    given: [u32; 4],
    found: [u32; 4],
    esp_before: u32,
    esp_after: u32,
    eflags: u32,
}

global_asm!(
    // Fills the four registers, switches, and stores them: extern "C" fn take_trip(from, to, trip: *mut Trip).
    // The compiled code around it finds its own registers, whatever the switch does.
    ".global take_trip, is_back",
    "take_trip:",
    "push ebp; push ebx; push esi; push edi",
    "mov ecx, [esp + 20]; mov edx, [esp + 24]; mov eax, [esp + 28]",
    "mov ebx, [eax]; mov esi, [eax + 4]; mov edi, [eax + 8]; mov ebp, [eax + 12]",
    "mov [eax + 32], esp",
    "call {switch}",
    "is_back:",
    "pushfd",
    "cli; cld",
    "mov eax, [esp + 32]",
    "pop dword ptr [eax + 40]",
    "mov [eax + 16], ebx; mov [eax + 20], esi; mov [eax + 24], edi; mov [eax + 28], ebp",
    "mov [eax + 36], esp",
    "pop edi; pop esi; pop ebx; pop ebp",
    "ret",
    // A thread's first function: extern "C" fn(entry: fn(usize), argument: usize) -> !. Stores what it finds.
    ".global begins",
    "begins:",
    "mov eax, [esp]; mov [{found}], eax",
    "mov [{found} + 4], ebp",
    "mov eax, [reasons_for_interrupts_off]; mov [{found} + 8], eax",
    "jmp {has_begun}",
    switch = sym threads::switch,
    found = sym FOUND,
    has_begun = sym has_begun,
);

unsafe extern "C" {
    fn take_trip(from: ThreadId, to: ThreadId, trip: *mut Trip);
    safe static is_back: u8;
    /// In context.rs: where each thread that is not running has its context.
    safe static thread_contexts: [AtomicU32; MOST_THREADS];
}

/// The last trip, and the thread that makes it.
static LAST: AtomicPtr<Trip> = AtomicPtr::new(ptr::null_mut());
static LAST_SLOT: AtomicUsize = AtomicUsize::new(0);

/// Switches with random registers.
///
/// # Safety
/// As for `threads::switch`.
unsafe fn take(from: ThreadId, to: ThreadId) -> Trip {
    let mut random = RANDOM.lock();
    let random_word = |_| random.as_mut().expect("set at the start of the test").word();
    let mut trip = Trip { given: array::from_fn(random_word), ..Trip::default() };
    drop(random);
    LAST.store(&raw mut trip, Relaxed);
    LAST_SLOT.store(from.slot(), Relaxed);
    // SAFETY: the caller's.
    unsafe { take_trip(from, to, &raw mut trip) };
    trip
}

unsafe extern "fastcall" fn showing_registers(from: ThreadId, to: ThreadId) {
    // SAFETY: the caller's.
    let trip = unsafe { take(from, to) };
    show("the thread that comes back from a switch", from.slot() as u32);
    show("EBX after a switch", trip.found[0]);
    show("ESI after a switch", trip.found[1]);
    show("EDI after a switch", trip.found[2]);
    show("EBP after a switch", trip.found[3]);
    show("how many bytes ESP has moved during a switch", trip.esp_after.wrapping_sub(trip.esp_before));
}

unsafe extern "fastcall" fn showing_flags(from: ThreadId, to: ThreadId) {
    const INTERRUPTS_AND_DIRECTION: u32 = 0x600;
    // SAFETY: the caller's.
    let trip = unsafe { take(from, to) };
    show("the thread that comes back from a switch", from.slot() as u32);
    show("IF (0x200) and DF (0x400) after a switch", trip.eflags & INTERRUPTS_AND_DIRECTION);
}

unsafe extern "fastcall" fn showing_contexts(from: ThreadId, to: ThreadId) {
    // SAFETY: the caller's.
    unsafe { take(from, to) };
    show("the thread that comes back from a switch", from.slot() as u32);
    show_context();
}

/// Shows what the thread that has just left the CPU has in memory.
fn show_context() {
    const MOST_LOOKS: u32 = 12;
    static LOOKS: AtomicU32 = AtomicU32::new(0);
    let context = thread_contexts[LAST_SLOT.load(Relaxed)].load(Relaxed);
    // SAFETY: the thread is in `take`, on whose stack the trip lies.
    let esp = unsafe { (*LAST.load(Relaxed)).esp_before };
    let distance = esp.wrapping_sub(context);
    show("how many bytes the old thread's Context lies below its stack pointer at the call", distance);
    if distance as usize != size_of::<Context>() {
        return;
    }
    let context = context as *const Context;
    if LOOKS.fetch_add(1, Relaxed) < MOST_LOOKS {
        look("EDI, ESI, EBX and EBP in the old thread's Context", Sight::Bytes(context.cast(), 16));
    }
    // SAFETY: it lies on the stack of a thread that does not run.
    let context = unsafe { context.read_volatile() };
    show("EBX in the old thread's Context", context.ebx);
    show("EBP in the old thread's Context", context.ebp);
    let is_right = context.eip == (&raw const is_back).addr() as u32;
    show("whether EIP in the old thread's Context is the return address", is_right.into());
}

/// Starts a thread that runs `work(argument)`. It does without `thread_start`, and keeps interrupts off.
fn start(work: extern "C" fn(u32) -> !, argument: u32) -> Thread {
    let mut thread = ReservedThread::new().expect("a free slot");
    let top = thread.allocate_stack().expect("memory for a stack").as_ptr::<u32>();
    let context = Context { eip: work as *const () as u32, ..Context::default() };
    // The context, the return address of `work`, and its argument.
    let stack = top.wrapping_sub(7);
    // SAFETY: the stack is new, and stays until the thread is joined.
    unsafe {
        stack.cast::<Context>().write(context);
        stack.add(5).write(0);
        stack.add(6).write(argument);
        thread.start(stack.cast())
    }
}

/// Lets a few threads take turns by this switch, each for a random number of turns.
fn take_turns(switch: threads::Switch, work: extern "C" fn(u32) -> !) {
    let mut random = Random::new();
    let turns: Vec<u32> = (0..random.within(3..6)).map(|_| random.within(10..20)).collect();
    *RANDOM.lock() = Some(random);
    // SAFETY: the routines of this file switch by `threads::switch`.
    unsafe { threads::switch_by(switch) };
    let threads: Vec<Thread> = turns.into_iter().map(|turns| start(work, turns)).collect();
    (0..10).for_each(|_| threads::yield_now());
    threads.into_iter().for_each(join);
}

fn join(thread: Thread) {
    thread.join();
}

extern "C" fn work(turns: u32) -> ! {
    // SAFETY: interrupts are off, and this is a new thread's count.
    unsafe { OffCount::START.restore() };
    (0..turns).for_each(|_| threads::yield_now());
    // SAFETY: nothing is left on the stack.
    unsafe { threads::exit() }
}

extern "C" fn look_and_work(turns: u32) -> ! {
    show_context();
    work(turns)
}

fn registers_after_a_switch() {
    take_turns(showing_registers, work);
}

fn contexts_in_memory() {
    take_turns(showing_contexts, look_and_work);
}

fn flags_after_a_switch() {
    take_turns(showing_flags, work);
}

/// What `begins` has found: its return address, EBP, the count of reasons.
static FOUND: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];

#[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
extern "C" fn has_begun(entry: fn(usize), argument: usize) -> ! {
    let [return_address, ebp, reasons] = FOUND.each_ref().map(|word| word.load(Relaxed));
    show("the return address of a thread's first function", return_address);
    show("EBP at the start of a thread", ebp);
    show("the count of reasons for interrupts to be off at the start of a thread", reasons);
    show("whether the first argument is the entry", ptr::fn_addr_eq(entry, never as fn(usize)).into());
    show("the second argument of a thread's first function", argument as u32);
    // SAFETY: nothing is left on the stack. Interrupts are off, whatever the count was.
    unsafe {
        OffCount::START.restore();
        threads::exit()
    }
}

fn never(_: usize) {
    show("an entry that must not be called", 1);
}

fn work_of_a_thread(argument: usize) {
    show("the argument of an entry", argument as u32);
    show("the count of reasons for interrupts to be off in an entry", OffCount::current().as_u32());
}

fn the_start_of_a_thread() {
    #[expect(improper_ctypes, reason = "caller and callee are compiled by the same rustc")]
    unsafe extern "C" {
        safe fn begins(entry: fn(usize), argument: usize) -> !;
    }
    let mut random = Random::new();
    *RANDOM.lock() = Some(Random::new());
    // SAFETY: the routine switches by `threads::switch`. With it, this thread comes back as it was.
    unsafe { threads::switch_by(protected) };
    for _ in 0..20 {
        // So that the thread before the new one has another count.
        let guards: Vec<_> = iter::repeat_with(interrupts_off).take(random.within(1..5) as usize).collect();
        let argument = random.word() as usize;
        let mut thread = ReservedThread::new().expect("a free slot");
        let context = thread.allocate_stack().expect("memory for a stack").as_ptr::<Context>().wrapping_sub(1);
        // SAFETY: the stack is new, and stays until the thread is joined. `begins` needs nothing above its context.
        let thread = unsafe {
            context.write(Context::new(begins, never, argument));
            thread.start(context)
        };
        thread.join();
        drop(guards);
    }
    for _ in 0..5 {
        let thread = threads::spawn(work_of_a_thread, random.word() as usize);
        thread.expect("memory for a stack").join();
    }
}

unsafe extern "fastcall" fn protected(from: ThreadId, to: ThreadId) {
    // SAFETY: the caller's.
    unsafe { take(from, to) };
}
