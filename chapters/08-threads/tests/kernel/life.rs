//! Threads that are made step by step, and values that are found by a thread's number.

use crate::{ENDLESS, LONG, end_of_tick, interrupts_are_on, join, note, notes, run, spawn, start, start_with};
use alloc::vec::Vec;
use boot::{serial, stop};
use common::lock::{OffCount, interrupts_off};
use common::{Lock, VirtAddr};
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use core::{fmt, iter, mem};
use interrupts::TrapFrame;
use paging::{PAGE_BYTES, frame_allocator};
use threads::{
    Context, KernelStack, MOST_THREADS, PerThread, Reason, ReservedThread, SpawnError, Thread, ThreadId, current,
    sleep, yield_now,
};
use timer::irq::Irq;

fn reserve() -> ReservedThread {
    ReservedThread::new().expect("there is room")
}

pub fn a_reserved_thread_that_is_dropped_frees_its_slot_and_stack() {
    start(1000, ENDLESS);
    let before = frame_allocator::taken_count();
    for round in 0..2 * MOST_THREADS {
        let mut thread = reserve();
        if round % 2 == 0 {
            thread.allocate_stack().expect("there is memory");
            assert_eq!(frame_allocator::taken_count(), before + 3);
        }
        drop(thread);
        assert_eq!(frame_allocator::taken_count(), before);
    }
    // All slots except those of the first thread and the idle one.
    let reserved: Vec<_> = core::iter::from_fn(|| ReservedThread::new().ok()).collect();
    assert_eq!(reserved.len(), MOST_THREADS - 2);
    assert_eq!(threads::spawn(note, 0).err(), Some(SpawnError::TooManyThreads));
    drop(reserved);
    spawn(1, note).join();
    assert_eq!(notes(), [1]);
}

/// With a switch that returns without switching.
pub fn a_thread_that_runs_after_its_end_is_noticed() {
    extern "fastcall" fn stay(_: ThreadId, _: ThreadId) {}
    start_with(1000, ENDLESS, stay);
    // SAFETY: no code relies on what is on the stack.
    unsafe { threads::exit() }
}

pub fn a_second_stack_for_a_thread_is_a_bug() {
    start(1000, ENDLESS);
    let mut thread = reserve();
    thread.allocate_stack().expect("there is memory");
    let _ = thread.allocate_stack();
}

// Where a thread with a context of its own begins. Puts the reasons in EBX in force, as a return from an interrupt
// does, and passes the registers to `noted`.
global_asm!(
    ".global look_at_registers",
    "look_at_registers:",
    "mov [reasons_for_interrupts_off], ebx",
    "push ebp; push ebx; push esi; push edi",
    "push 0",
    "jmp {noted}",
    noted = sym noted,
);

extern "C" fn noted(edi: u32, esi: u32, ebx: u32, ebp: u32) -> ! {
    [edi, esi, ebx, ebp].into_iter().for_each(|register| note(register as usize));
    assert!(!interrupts_are_on(), "the switch leaves them off");
    note(usize::from(OffCount::current() != OffCount::START));
    // SAFETY: the stack holds numbers only, and no thread waits for more than the end.
    unsafe { threads::exit() }
}

/// Starts a thread with known registers, and waits until it has noted them.
fn start_with_context(reasons: OffCount) {
    unsafe extern "C" {
        safe static look_at_registers: u8;
    }
    let mut thread = reserve();
    let context = thread.allocate_stack().expect("there is memory").as_ptr::<Context>().wrapping_sub(1);
    let eip = VirtAddr::from(&raw const look_at_registers);
    // SAFETY: 1. The stack is the thread's own, and the code needs nothing above the context. 2. The stack stays until
    // the thread is joined. 3. The context is made here.
    let thread = unsafe {
        context.write(Context { esi: 2, ebp: 4, eip: eip.as_u32(), ..Context::returning(reasons) });
        thread.start(context)
    };
    assert_eq!(thread.join().of(Reason::Exit), 1);
}

pub fn a_reserved_thread_starts_with_the_context_it_is_given() {
    start(1000, ENDLESS);
    start_with_context(OffCount::START);
    let [_, esi, _, ebp, has_guards] = notes()[..] else { panic!("{:?}", notes()) };
    assert_eq!((esi, ebp, has_guards), (2, 4, 0), "no guard was ever there");
}

pub fn a_thread_may_begin_with_the_guards_of_another() {
    start(1000, ENDLESS);
    let off = [(); 3].map(|()| interrupts_off());
    let reasons = OffCount::current();
    drop(off);
    assert_eq!(OffCount::current().as_u32(), 0, "this thread has none any more");
    start_with_context(reasons);
    assert_eq!(notes().last(), Some(&1), "its guards are there");
    assert!(interrupts_are_on(), "they are not this thread's");
    // Its slot goes to a thread without a guard.
    assert_eq!(run::<1>(|_| assert!(interrupts_are_on()))[0].of(Reason::Exit), 1);
}

pub fn a_thread_before_init_is_a_bug() {
    let _ = threads::spawn(note, 0);
}

pub fn a_wait_before_init_is_a_bug() {
    sleep(1);
}

pub fn threads_without_a_timer_are_a_bug() {
    threads::init(4);
}

pub fn a_second_init_is_a_bug() {
    start(1000, 4);
    threads::init(4);
}

/// Takes all frames except this many, and starts threads.
fn start_with_frames(frames: u32) {
    let taken = iter::from_fn(|| (frame_allocator::free_count() > frames).then(frame_allocator::allocate).flatten());
    taken.for_each(mem::forget);
    start(1000, ENDLESS);
}

pub fn threads_without_memory_for_page_tables_are_rejected() {
    start_with_frames(3);
}

pub fn threads_without_memory_for_a_stack_are_rejected() {
    start_with_frames(4);
}

pub fn a_thread_that_joins_itself_is_a_bug() {
    static HANDLE: Lock<Option<Thread>> = Lock::new(None);
    start(1000, ENDLESS);
    let thread = spawn(0, |_| {
        let me = HANDLE.lock().take().expect("it was put there before this thread began");
        me.join();
    });
    *HANDLE.lock() = Some(thread);
    yield_now();
}

fn end() {
    // SAFETY: what the interrupted code has on its stack is not used by other code.
    unsafe { threads::exit() }
}

/// What the handler of the tick does instead.
static ON_TICK: [fn(); 2] = [|| sleep(1), end];
static WHICH: AtomicUsize = AtomicUsize::new(0);

extern "C" fn leave(_: &mut TrapFrame) {
    end_of_tick();
    if current() != ThreadId::FIRST {
        ON_TICK[WHICH.load(Relaxed)]();
    }
}

fn leave_in_a_tick(how: usize) {
    WHICH.store(how, Relaxed);
    start(1000, 4);
    // SAFETY: the handler changes no register, and ends the interrupt or the test.
    unsafe { interrupts::register(Irq::Timer.vector(), leave) };
    // All threads wait now, so the next tick interrupts the idle thread.
    sleep(LONG);
}

pub fn the_idle_thread_never_waits() {
    leave_in_a_tick(0);
}

pub fn the_idle_thread_never_ends() {
    leave_in_a_tick(1);
}

pub fn each_thread_has_its_own_value_in_a_table() {
    static TABLE: PerThread<AtomicU32> = PerThread::new([const { AtomicU32::new(0) }; MOST_THREADS]);
    fn add(number: usize) {
        for _ in 0..number {
            TABLE[current()].fetch_add(1, Relaxed);
            yield_now();
        }
    }
    start(1000, ENDLESS);
    let threads = [1, 2, 3, 4].map(|number| spawn(number, add));
    let ids = threads.each_ref().map(Thread::id);
    assert_eq!(ids.map(|id| TABLE[id].load(Relaxed)), [0; 4], "none has run");
    join(threads);
    assert_eq!(ids.map(|id| TABLE[id].load(Relaxed)), [1, 2, 3, 4]);
    // The next thread in a slot finds the value that the one before it has left there.
    let next = spawn(5, add);
    assert_eq!(next.id(), ids[0]);
    next.join();
    assert_eq!(ids.map(|id| TABLE[id].swap(0, Relaxed)), [6, 2, 3, 4]);
    let sum: u32 = (0..MOST_THREADS).map(|slot| TABLE[ThreadId::new(slot)].load(Relaxed)).sum();
    assert_eq!(sum, 0, "no other thread had a value");
}

pub fn a_thread_knows_itself_and_its_stack() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    fn look(_: usize) {
        let here = VirtAddr::new((&raw const SEEN).addr() as u32);
        let local = VirtAddr::new((&raw const here).addr() as u32);
        let below_top = KernelStack::top_of(current()).as_u32() - local.as_u32();
        assert!(below_top < 3 * PAGE_BYTES, "{below_top} bytes below the top");
        SEEN.store(current().slot(), Relaxed);
    }
    start(1000, ENDLESS);
    assert_eq!(current(), ThreadId::FIRST);
    for _ in 0..3 {
        let thread = spawn(0, look);
        let id = thread.id();
        thread.join();
        assert_eq!(SEEN.load(Relaxed), id.slot());
    }
}

/// Calls a function while it is being printed.
struct Said(fn());

impl fmt::Display for Said {
    fn fmt(&self, _: &mut fmt::Formatter) -> fmt::Result {
        (self.0)();
        Ok(())
    }
}

fn stop_saying(what: fn()) -> ! {
    start(1000, ENDLESS);
    let _other = spawn(0, |_| stop::end("exit", serial::write));
    panic!("a bug{}", Said(what));
}

pub fn no_thread_runs_while_a_stop_is_reported() {
    stop_saying(yield_now);
}

pub fn no_thread_waits_while_a_stop_is_reported() {
    stop_saying(|| sleep(1));
}
