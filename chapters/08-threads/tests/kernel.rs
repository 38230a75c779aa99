//! What the kernel of chapter 8 must survive.
//!
//! A busy host may deliver two ticks at once to a virtual machine, or lose some. So no test measures how long
//! something takes. The tests check in which order things happen, and in which tick by the kernel's own count.
//! Where the timer must not be what ends a turn, the timeslice is endless.

#![no_std]
#![no_main]

extern crate alloc;

#[path = "kernel/guards.rs"]
mod guards;
#[path = "kernel/hooks.rs"]
mod hooks;
#[path = "kernel/life.rs"]
mod life;
#[path = "kernel/wait_queue.rs"]
mod wait_queue;

use alloc::vec;
use alloc::vec::Vec;
use boot::{log, serial, stop};
use common::Lock;
use common::lock::interrupts_off;
use core::arch::{asm, global_asm};
use core::hint::{black_box, spin_loop};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use harness::{End, Test, test};
use interrupts::TrapFrame;
use paging::{PAGE_BYTES, frame_allocator};
use screen::println;
use threads::{
    Counts, MOST_THREADS, Reason, SpawnError, Switch, Thread, ThreadId, WaitQueue, input, sleep, switch, switch_by,
    yield_now,
};
use timer::irq::Irq;
use timer::pic;
use x86::bits32::eflags::{self, EFlags};
use x86::io::{inb, outb};

harness::boot!(TESTS, up to heap);

const TESTS: &[Test] = &[
    // Turns
    test!(threads_that_never_yield_interleave),
    test!(a_timeslice_has_as_many_ticks_as_asked_for),
    test!(a_thread_that_yields_early_leaves_a_whole_timeslice_to_the_next),
    test!(the_threads_take_turns_in_order),
    test!(the_longest_timeslice_is_never_over),
    test!(a_timeslice_of_no_ticks_is_a_bug).ends(End::Stop("PANIC: a timeslice must last at least one tick")),
    test!(a_thread_that_becomes_ready_late_has_a_turn_at_the_next_tick),
    test!(yield_lets_the_others_run_first),
    test!(yield_with_no_other_thread_returns_at_once),
    test!(ticks_do_not_nest_when_they_switch),
    // Spawn, exit, join
    test!(the_argument_arrives),
    test!(a_thread_may_end_in_the_middle),
    test!(the_first_thread_may_end),
    test!(join_waits_for_the_end),
    test!(a_thread_that_has_ended_can_be_joined_later),
    test!(the_end_of_a_thread_wakes_its_joiner_only),
    test!(join_frees_the_stack_and_the_slot),
    test!(a_slot_is_not_reused_before_its_stack_is_freed),
    test!(without_memory_for_a_stack_spawn_fails_and_loses_nothing),
    test!(too_many_threads_are_rejected_until_others_are_joined),
    // A thread's life, step by step
    test!(life::a_reserved_thread_that_is_dropped_frees_its_slot_and_stack),
    test!(life::a_thread_that_runs_after_its_end_is_noticed)
        .ends(End::Stop("PANIC: a thread that has ended is running again")),
    test!(life::a_second_stack_for_a_thread_is_a_bug).ends(End::Stop("PANIC: the thread already has a stack")),
    test!(life::a_reserved_thread_starts_with_the_context_it_is_given),
    test!(life::a_thread_may_begin_with_the_guards_of_another),
    test!(life::a_thread_before_init_is_a_bug).ends(End::Stop("PANIC: call `threads::init` before starting a thread")),
    test!(life::a_wait_before_init_is_a_bug).ends(End::Stop("PANIC: no other thread could run")),
    test!(life::threads_without_a_timer_are_a_bug)
        .ends(End::Stop("PANIC: the timer has no rate: call `timer::init` first")),
    test!(life::a_second_init_is_a_bug).ends(End::Stop("PANIC: the scheduler has already been started")),
    test!(life::no_thread_runs_while_a_stop_is_reported).ends(End::Stop(
        "PANIC: a bug\n(stopped again while reporting that: a kernel that stops lets no other thread run, at",
    )),
    test!(life::no_thread_waits_while_a_stop_is_reported).ends(End::Stop(
        "PANIC: a bug\n(stopped again while reporting that: a kernel that stops lets no other thread run, at",
    )),
    test!(life::a_thread_that_joins_itself_is_a_bug).ends(End::Stop("PANIC: a thread cannot wait for its own end")),
    test!(life::threads_without_memory_for_page_tables_are_rejected)
        .ends(End::Stop("PANIC: kernel stacks need memory for their page tables: OutOfMemory, at")),
    test!(life::threads_without_memory_for_a_stack_are_rejected)
        .ends(End::Stop("PANIC: the idle thread needs memory for its stack: OutOfMemory, at")),
    test!(life::the_idle_thread_never_waits)
        .ends(End::Stop("PANIC: no other thread could run: this is the idle thread")),
    test!(life::the_idle_thread_never_ends)
        .ends(End::Stop("PANIC: no other thread could run: this is the idle thread")),
    test!(life::each_thread_has_its_own_value_in_a_table),
    test!(life::a_thread_knows_itself_and_its_stack),
    // Before every switch
    test!(hooks::the_hook_sees_each_switch_and_its_reason),
    test!(hooks::a_hook_that_waits_is_noticed).ends(End::Stop("PANIC: thread 0 is Waiting and not Ready")),
    test!(hooks::the_hook_sees_every_switch_by_the_timer),
    test!(hooks::hooks_are_called_in_the_order_in_which_they_came),
    test!(hooks::turns_are_not_counted_until_a_kernel_asks),
    test!(hooks::a_hook_is_called_once).ends(End::Stop("PANIC: the hook is already in use")),
    // Wait queues
    test!(wait_queue::the_thread_that_has_waited_longest_is_woken),
    test!(wait_queue::a_wake_is_not_kept_for_a_thread_that_comes_later),
    test!(wait_queue::a_newcomer_does_not_take_what_a_woken_thread_will_take),
    test!(wait_queue::a_newcomer_is_not_forgotten),
    test!(wait_queue::each_thread_looks_at_its_own_condition),
    test!(wait_queue::a_thread_that_looked_in_vain_keeps_its_place),
    test!(wait_queue::threads_that_looked_in_vain_stand_before_a_newcomer),
    test!(wait_queue::a_wait_with_a_deadline_ends_in_its_tick),
    test!(wait_queue::a_token_that_is_there_at_the_deadline_is_found),
    test!(wait_queue::a_thread_whose_deadline_has_passed_does_not_take_what_a_woken_thread_will_take),
    test!(wait_queue::newcomers_look_one_after_another),
    test!(wait_queue::a_deadline_takes_a_thread_out_of_the_queue),
    test!(wait_queue::a_wake_before_the_deadline_leaves_no_trace),
    test!(wait_queue::a_deadline_that_has_passed_ends_the_wait_after_one_look),
    test!(wait_queue::a_condition_may_use_what_lies_on_the_stack_of_its_thread),
    test!(wait_queue::a_condition_that_waits_is_a_bug)
        .ends(End::Stop("PANIC: the condition of a wait must not wait, yield or end its thread")),
    test!(wait_queue::a_condition_that_ends_its_thread_is_a_bug)
        .ends(End::Stop("PANIC: the condition of a wait must not wait, yield or end its thread")),
    test!(wait_queue::a_condition_that_yields_is_a_bug)
        .ends(End::Stop("PANIC: the condition of a wait must not wait, yield or end its thread")),
    test!(wait_queue::random_waits_end_as_those_of_a_list),
    // Sleep and input
    test!(sleep_lasts_as_many_ticks_as_asked_for),
    test!(a_sleeper_wakes_in_its_tick_though_another_thread_runs),
    test!(sleepers_wake_in_the_order_of_their_ticks),
    test!(sleeping_for_no_ticks_is_yielding),
    test!(a_sleeper_is_woken_by_its_tick_alone),
    test!(a_sleeper_takes_no_turns),
    test!(a_reader_takes_no_turns),
    test!(waiting_for_input_ends_the_timeslice_at_once),
    test!(a_byte_from_the_keyboard_arrives),
    test!(bytes_from_the_serial_port_arrive).types("xyz"),
    test!(readers_are_served_in_the_order_they_came),
    test!(a_newcomer_does_not_take_what_another_waits_for),
    test!(two_bytes_at_once_wake_two_readers),
    test!(a_newcomer_reads_the_second_byte),
    test!(a_read_ends_with_a_byte_or_at_its_deadline),
    test!(a_key_pressed_before_init_is_not_lost_and_blocks_nothing),
    test!(a_read_before_init_is_rejected).ends(End::Stop("PANIC: call `input::init` before the first read")),
    test!(a_mouse_and_a_keyboard_are_set_up_from_any_state),
    test!(a_pc_without_a_keyboard_controller_has_the_serial_port).flags("-machine q35,i8042=off").types("xyz"),
    test!(bytes_received_before_init_are_not_lost).types("xyz"),
    test!(with_no_thread_to_run_the_cpu_halts),
    // Guards against interrupts
    test!(guards::guards_may_be_dropped_in_any_order),
    test!(guards::guards_of_a_handler_leave_interrupts_off),
    test!(guards::guards_dropped_in_any_order_lose_no_wake),
    test!(guards::a_guard_may_be_held_across_every_way_to_leave),
    test!(guards::other_threads_are_preempted_while_a_guard_is_held_across_a_wait),
    test!(guards::each_thread_has_its_own_count_of_guards),
    test!(guards::a_halt_ends_with_the_next_interrupt),
    test!(guards::a_halt_with_another_guard_is_a_bug)
        .ends(End::Stop("PANIC: interrupts are off, so the halt would never end")),
    // What survives a switch
    test!(general_registers_survive_preemption),
    test!(flags_survive_preemption),
    test!(a_switch_keeps_what_a_call_keeps),
    test!(interrupts_are_on_after_every_switch),
    test!(interrupts_that_were_off_stay_off_across_a_switch),
    test!(every_thread_has_a_stack_of_its_own),
    test!(printing_takes_less_than_a_page_of_stack),
    test!(a_panic_is_printed_in_full_before_another_thread_runs).ends(End::Stop("PANIC: begun, and finished")),
    test!(a_stack_overflow_is_reported)
        .ends(End::Stop("EXCEPTION: stack overflow: the kernel stack of thread 3 ran into its guard page at"))
        .told(&["in `kernel::a_stack_overflow_is_reported::forever`"]),
    test!(a_stack_overflow_in_an_interrupt_handler_is_reported)
        .ends(End::Stop("EXCEPTION: stack overflow: the kernel stack of thread 2 ran into its guard page at"))
        .told(&["in `kernel::a_stack_overflow_in_an_interrupt_handler_is_reported::too_much`"]),
    // Hangs that must be reported
    test!(interrupts_that_stay_off_are_reported).ends(End::Hang).told(&[
        "Interrupts were off, so nothing could take the CPU from it",
        "`kernel::interrupts_that_stay_off_are_reported::never_let_go`",
    ]),
    test!(a_wait_that_never_ends_is_reported)
        .ends(End::Hang)
        .told(&["The CPU was waiting for an interrupt", "`threads::choice::scheduler::idle`"]),
    // Locks
    test!(a_lock_keeps_preemption_away),
    test!(the_heap_survives_preemption),
    test!(printed_lines_are_not_torn),
    test!(a_lock_held_by_a_sleeper_is_a_deadlock).ends(End::Stop("PANIC: deadlock: this lock is already held")),
    test!(the_serial_port_signals_that_it_is_ready_and_interrupts),
];

/// A timeslice in ticks that is longer than any test.
const ENDLESS: u32 = 1_000_000;
const FAST_HZ: u32 = 8000;
/// A sleep in ticks that is long enough not to be over at once, however busy the host is.
const LONG: u32 = 100;

fn start_with(rate_hz: u32, timeslice_ticks: u32, switch: Switch) {
    timer::init(rate_hz).expect("a possible rate");
    timer::start();
    threads::init(timeslice_ticks);
    threads::count_turns();
    // SAFETY: every `switch` in these tests does what the chapter's own one does.
    unsafe { switch_by(switch) };
}

fn start(rate_hz: u32, timeslice_ticks: u32) {
    start_with(rate_hz, timeslice_ticks, switch);
}

fn spawn(argument: usize, entry: fn(usize)) -> Thread {
    threads::spawn(entry, argument).expect("there is room and memory for a thread")
}

/// Runs `N` threads at once, with their numbers as arguments, and waits for all of them.
fn run<const N: usize>(entry: fn(usize)) -> [Counts; N] {
    core::array::from_fn(|number| spawn(number, entry)).map(Thread::join)
}

fn join(threads: impl IntoIterator<Item = Thread>) {
    threads.into_iter().for_each(|thread| _ = thread.join());
}

static NOTES: Lock<Vec<usize>> = Lock::new(Vec::new());

fn note(what: usize) {
    NOTES.lock().push(what);
}

fn notes() -> Vec<usize> {
    NOTES.lock().clone()
}

fn interrupts_are_on() -> bool {
    // SAFETY: reading EFLAGS changes nothing.
    unsafe { eflags::read() }.contains(EFlags::FLAGS_IF)
}

fn spin_for(ticks: u64) {
    let start = timer::ticks();
    while timer::ticks() < start + ticks {
        spin_loop();
    }
}

fn threads_that_never_yield_interleave() {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    fn take_turns(me: usize) {
        for round in 0..10 {
            while TURN.load(Relaxed) != 3 * round + me {
                spin_loop();
            }
            TURN.fetch_add(1, Relaxed);
        }
    }
    start(1000, 1);
    for counts in run::<3>(take_turns) {
        assert!(counts.of(Reason::Timer) >= 9, "{counts:?}");
        assert_eq!((counts.of(Reason::Yield), counts.of(Reason::Exit)), (0, 1));
    }
}

/// The thread that was seen to run in each tick after `FIRST_TICK`: its number plus one.
static SEEN: [AtomicUsize; 200] = [const { AtomicUsize::new(0) }; 200];
static FIRST_TICK: AtomicUsize = AtomicUsize::new(0);

/// Runs and is seen, for as many ticks as there are in `SEEN`.
fn be_seen(me: usize) {
    loop {
        let _off = interrupts_off();
        let tick = timer::ticks() as usize - FIRST_TICK.load(Relaxed);
        let Some(seen) = SEEN.get(tick) else { return };
        seen.store(me + 1, Relaxed);
    }
}

/// Sets the first tick. The caller has interrupts off, and gives way to the first of the threads that are seen.
fn be_seen_from_now_on() {
    FIRST_TICK.store(timer::ticks() as usize, Relaxed);
}

/// Checks the turns that were seen. If two ticks came at once, no thread was seen in one of them.
fn assert_turns(threads: usize, timeslice_ticks: usize) {
    let seen = SEEN.each_ref().map(|seen| seen.load(Relaxed));
    assert!(seen.iter().filter(|seen| **seen != 0).count() > seen.len() / 4, "{seen:?}");
    let due = |tick| tick / timeslice_ticks % threads + 1;
    assert!(seen.iter().enumerate().all(|(tick, seen)| *seen == 0 || *seen == due(tick)), "{seen:?}");
}

fn a_timeslice_has_as_many_ticks_as_asked_for() {
    start(1000, 7);
    let _off = interrupts_off();
    let threads = [0, 1].map(|me| spawn(me, be_seen));
    be_seen_from_now_on();
    join(threads);
    assert_turns(2, 7);
}

fn a_thread_that_yields_early_leaves_a_whole_timeslice_to_the_next() {
    start(1000, 7);
    spin_for(3);
    let _off = interrupts_off();
    let threads = [0, 1].map(|me| spawn(me, be_seen));
    be_seen_from_now_on();
    join(threads);
    assert_turns(2, 7);
}

fn the_threads_take_turns_in_order() {
    start(1000, 1);
    let _off = interrupts_off();
    let threads = [0, 1, 2, 3, 4].map(|me| spawn(me, be_seen));
    be_seen_from_now_on();
    join(threads);
    assert_turns(5, 1);
}

fn the_longest_timeslice_is_never_over() {
    start(1000, u32::MAX);
    let sleeper = spawn(0, |_| sleep(5));
    let [counts] = run(|_| spin_for(20));
    assert_eq!((counts.of(Reason::Timer), counts.total()), (0, 1));
    sleeper.join();
}

fn a_timeslice_of_no_ticks_is_a_bug() {
    start(1000, 0);
}

fn a_thread_that_becomes_ready_late_has_a_turn_at_the_next_tick() {
    fn run_alone_and_press_a_key(_: usize) {
        spin_for(20);
        let off = interrupts_off();
        note(timer::ticks() as usize);
        send_from_keyboard(KEY_A);
        drop(off);
        spin_for(100);
    }
    start(1000, 5);
    input::init();
    let other = spawn(0, run_alone_and_press_a_key);
    let _off = interrupts_off();
    input::read_byte();
    note(timer::ticks() as usize);
    other.join();
    let [pressed, read] = notes()[..] else { panic!("{:?}", notes()) };
    // The second, if a tick was pending already.
    assert!((1..=2).contains(&(read - pressed)), "the key was pressed in tick {pressed} and read in tick {read}");
}

fn yield_lets_the_others_run_first() {
    fn give_way(me: usize) {
        for _ in 0..3 {
            note(me);
            yield_now();
        }
    }
    start(1000, ENDLESS);
    let counts: [Counts; 3] = run(give_way);
    assert_eq!(notes(), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    assert!(counts.iter().all(|counts| counts.of(Reason::Yield) == 3), "{counts:?}");
}

fn yield_with_no_other_thread_returns_at_once() {
    start(1000, ENDLESS);
    let [counts] = run(|_| (0..1000).for_each(|_| yield_now()));
    assert_eq!((counts.of(Reason::Yield), counts.total()), (0, 1));
}

fn ticks_do_not_nest_when_they_switch() {
    static SWITCHES: AtomicU32 = AtomicU32::new(0);
    /// Takes until the next tick is pending, which must not come in.
    unsafe extern "fastcall" fn slow_switch(from: ThreadId, to: ThreadId) {
        let ticks = timer::ticks();
        while !a_tick_is_requested() {
            assert!(!interrupts_are_on());
        }
        assert_eq!(timer::ticks(), ticks, "a tick came while another one was handled");
        SWITCHES.fetch_add(1, Relaxed);
        // SAFETY: the caller's.
        unsafe { switch(from, to) };
    }
    start_with(1000, 2, slow_switch);
    run::<2>(|_| {
        while SWITCHES.load(Relaxed) < 30 {
            spin_loop();
        }
    });
}

fn a_tick_is_requested() -> bool {
    const SHOW_REQUESTED: u8 = 0x0A;
    // SAFETY: reading the master's requests changes nothing.
    unsafe {
        outb(0x20, SHOW_REQUESTED);
        inb(0x20) & 1 != 0
    }
}

/// What every handler of the tick has to do.
fn end_of_tick() {
    pic::end_of_interrupt(Irq::Timer);
}

fn the_argument_arrives() {
    start(1000, ENDLESS);
    for argument in [0, 1, 0x1234_5678, usize::MAX] {
        spawn(argument, note).join();
    }
    assert_eq!(notes(), [0, 1, 0x1234_5678, usize::MAX]);
}

fn a_thread_may_end_in_the_middle() {
    #[inline(never)]
    fn end(depth: usize) {
        if depth == 0 {
            // SAFETY: the stack holds numbers only, and no thread waits for more than the end.
            unsafe { threads::exit() };
        }
        end(depth - 1);
        note(depth);
    }
    start(1000, ENDLESS);
    let counts = spawn(10, end).join();
    assert_eq!((notes(), counts.of(Reason::Exit)), (vec![], 1));
}

fn the_first_thread_may_end() {
    start(1000, 4);
    let _other = spawn(0, |_| {
        sleep(10);
        stop::end("exit", screen::write);
    });
    // SAFETY: the stack of the first thread stays, and no thread waits for this one.
    unsafe { threads::exit() };
}

fn join_waits_for_the_end() {
    start(1000, 4);
    let sleeper = spawn(0, |_| {
        sleep(10);
        note(1);
    });
    sleeper.join();
    assert_eq!(notes(), [1]);
}

fn a_thread_that_has_ended_can_be_joined_later() {
    start(1000, 4);
    let thread = spawn(1, note);
    yield_now();
    assert_eq!(notes(), [1]);
    assert_eq!(thread.join().of(Reason::Exit), 1);
}

fn the_end_of_a_thread_wakes_its_joiner_only() {
    fn wait_for_a_sleeper(ticks: usize) {
        spawn(ticks, |ticks| sleep(ticks as u32)).join();
        note(ticks);
    }
    start(1000, ENDLESS);
    input::init();
    let reader = spawn(0, read);
    let joiners = [30, 10, 20].map(|ticks| spawn(ticks, wait_for_a_sleeper));
    for counts in joiners.map(Thread::join) {
        assert_eq!((counts.of(Reason::Wait), counts.total()), (1, 2));
    }
    press(KEY_A);
    assert_eq!(reader.join().total(), 2);
    assert_eq!(notes(), [10, 20, 30, 'a' as usize]);
}

fn join_frees_the_stack_and_the_slot() {
    start(1000, 4);
    let before = frame_allocator::taken_count();
    for number in 0..1000 {
        let thread = spawn(0, |_| ());
        assert_eq!(frame_allocator::taken_count(), before + 3);
        // Half of them end before they are joined.
        if number % 2 == 0 {
            yield_now();
        }
        thread.join();
        assert_eq!(frame_allocator::taken_count(), before);
    }
}

fn a_slot_is_not_reused_before_its_stack_is_freed() {
    static SWITCHES: AtomicU32 = AtomicU32::new(0);
    /// After one switch in three, a tick comes as soon as interrupts are on again.
    unsafe extern "fastcall" fn sometimes_slow_switch(from: ThreadId, to: ThreadId) {
        if SWITCHES.fetch_add(1, Relaxed).is_multiple_of(3) {
            while !a_tick_is_requested() {}
        }
        // SAFETY: the caller's.
        unsafe { switch(from, to) };
    }
    start_with(FAST_HZ, 1, sometimes_slow_switch);
    run::<3>(|_| (0..300).for_each(|_| _ = spawn(0, |_| ()).join()));
}

fn without_memory_for_a_stack_spawn_fails_and_loses_nothing() {
    start(1000, 4);
    let mut taken = Vec::with_capacity(frame_allocator::free_count() as usize);
    while let Some(frame) = frame_allocator::allocate() {
        taken.push(frame);
    }
    for free in 0..3 {
        assert_eq!(frame_allocator::free_count(), free);
        // More attempts than there are slots.
        for _ in 0..=MOST_THREADS {
            assert_eq!(threads::spawn(note, 1).err(), Some(SpawnError::OutOfMemory));
            assert_eq!(frame_allocator::free_count(), free);
        }
        drop(taken.pop());
    }
    spawn(2, note).join();
    assert_eq!((notes(), frame_allocator::free_count()), (vec![2], 3));
}

fn too_many_threads_are_rejected_until_others_are_joined() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    const ALL_BUT_FIRST_AND_IDLE: usize = MOST_THREADS - 2;
    fn count(_: usize) {
        ENDED.fetch_add(1, Relaxed);
    }
    start(1000, 1);
    let mut threads = Vec::with_capacity(MOST_THREADS);
    let before = frame_allocator::taken_count();
    for round in 1..=3 {
        threads.extend(core::iter::from_fn(|| threads::spawn(count, 0).ok()));
        assert_eq!(threads.len(), ALL_BUT_FIRST_AND_IDLE);
        sleep(2 * MOST_THREADS as u32);
        // All have ended, and none has been joined.
        assert_eq!(ENDED.load(Relaxed), round * ALL_BUT_FIRST_AND_IDLE);
        let taken = frame_allocator::taken_count();
        assert_eq!(threads::spawn(count, 0).err(), Some(SpawnError::TooManyThreads));
        assert_eq!(frame_allocator::taken_count(), taken);
        join(threads.drain(..));
        assert_eq!(frame_allocator::taken_count(), before);
    }
}

fn sleep_lasts_as_many_ticks_as_asked_for() {
    /// Read with interrupts off, so that no tick comes between waking and looking.
    fn ticks_asleep(ticks: u32) -> u64 {
        let _off = interrupts_off();
        let before = timer::ticks();
        sleep(ticks);
        timer::ticks() - before
    }
    start(1000, 4);
    for ticks in [1, 2, 3, 20] {
        let asleep = [(); 10].map(|()| ticks_asleep(ticks));
        // The idle thread may see a second tick before it gives way, if two came at once.
        assert!(asleep.contains(&u64::from(ticks)), "asked for {ticks}, got {asleep:?}");
        assert!(asleep.iter().all(|asleep| *asleep >= u64::from(ticks)), "asked for {ticks}, got {asleep:?}");
    }
}

fn a_sleeper_wakes_in_its_tick_though_another_thread_runs() {
    start(1000, 5);
    let _off = interrupts_off();
    let other = spawn(0, |_| spin_for(100));
    let before = timer::ticks();
    // The timeslice of the other thread was over long before, but no thread was ready.
    sleep(23);
    assert_eq!(timer::ticks() - before, 23);
    other.join();
}

fn sleepers_wake_in_the_order_of_their_ticks() {
    const TICKS: [u64; 6] = [30, 10, 20, 10, 30, 5];
    static START: AtomicU32 = AtomicU32::new(0);
    fn sleep_and_note(me: usize) {
        {
            let _off = interrupts_off();
            sleep((u64::from(START.load(Relaxed)) + TICKS[me] - timer::ticks()) as u32);
        }
        note(me);
    }
    start(1000, ENDLESS);
    START.store(timer::ticks() as u32 + 50, Relaxed);
    run::<6>(sleep_and_note);
    assert_eq!(notes(), [5, 1, 3, 2, 0, 4]);
}

fn sleeping_for_no_ticks_is_yielding() {
    fn sleep_and_note(me: usize) {
        sleep(0);
        note(me);
    }
    start(1000, ENDLESS);
    let [first, second] = run(sleep_and_note);
    assert_eq!(notes(), [0, 1]);
    assert_eq!((first.of(Reason::Yield), first.of(Reason::Sleep)), (1, 0));
    assert_eq!((second.of(Reason::Yield), second.of(Reason::Sleep)), (1, 0));
}

fn a_sleeper_is_woken_by_its_tick_alone() {
    static OTHERS: WaitQueue = WaitQueue::new();
    start(1000, 4);
    input::init();
    let sleeper = spawn(0, |_| {
        for _ in 0..2 {
            let before = timer::ticks();
            sleep(20);
            assert!(timer::ticks() >= before + 20, "woken early");
        }
    });
    // Everything that wakes a thread, except its tick.
    for _ in 0..100 {
        press(KEY_A);
        OTHERS.wake_all();
        spawn(0, |_| ()).join();
        sleep(1);
    }
    assert_eq!(sleeper.join().of(Reason::Sleep), 2);
}

/// Lets one thread wait by `wait`, and checks that two others, which do not wait, get all ticks.
fn takes_no_turns(wait: fn(usize), wake: fn()) -> Counts {
    let _off = interrupts_off();
    let waiting = spawn(0, wait);
    let others = [0, 1].map(|me| spawn(me, be_seen));
    join(others);
    assert_turns(2, 3);
    wake();
    waiting.join()
}

fn a_sleeper_takes_no_turns() {
    fn sleep_for_long(_: usize) {
        let _off = interrupts_off();
        be_seen_from_now_on();
        sleep(SEEN.len() as u32 + 10);
    }
    start(1000, 3);
    let counts = takes_no_turns(sleep_for_long, || ());
    assert_eq!((counts.of(Reason::Sleep), counts.total()), (1, 2));
}

fn a_reader_takes_no_turns() {
    fn wait_for_input(_: usize) {
        let _off = interrupts_off();
        be_seen_from_now_on();
        input::read_byte();
    }
    start(1000, 3);
    input::init();
    let counts = takes_no_turns(wait_for_input, || send_from_keyboard(KEY_A));
    assert_eq!((counts.of(Reason::Input), counts.total()), (1, 2));
}

// Scan codes of set 1.
const KEY_A: u8 = 0x1E;
const KEY_B: u8 = 0x30;
const KEY_C: u8 = 0x2E;
const SHIFT: u8 = 0x2A;
const RELEASED: u8 = 0x80;

/// Makes the keyboard controller behave as if the keyboard had sent this code.
fn send_from_keyboard(code: u8) {
    const PRETEND_THAT_THE_KEYBOARD_SENT: u8 = 0xD2;
    // SAFETY: the controller reaches no memory, and its interrupt has a handler before it is unmasked.
    unsafe {
        outb(0x64, PRETEND_THAT_THE_KEYBOARD_SENT);
        outb(0x60, code);
    }
}

/// Presses a key, and waits until the handler of its interrupt has taken it.
fn press(code: u8) {
    assert!(interrupts_are_on());
    send_from_keyboard(code);
    // SAFETY: reading the status changes nothing.
    while unsafe { inb(0x64) } & 1 != 0 {}
}

/// Reads a byte, and notes it with the number of the thread.
fn read(me: usize) {
    note(me * 1000 + usize::from(input::read_byte()));
}

fn waiting_for_input_ends_the_timeslice_at_once() {
    start(1000, ENDLESS);
    input::init();
    let reader = spawn(0, read);
    spawn(1, note).join();
    assert_eq!(notes(), [1], "the other one ran while the reader had nearly all of its timeslice left");
    press(KEY_A);
    let counts = reader.join();
    assert_eq!((counts.of(Reason::Input), counts.of(Reason::Exit), counts.total()), (1, 1, 2));
}

fn a_byte_from_the_keyboard_arrives() {
    start(1000, 4);
    input::init();
    for code in [KEY_A, KEY_A | RELEASED, SHIFT, KEY_B, KEY_B | RELEASED, SHIFT | RELEASED, KEY_C] {
        press(code);
    }
    assert_eq!([(); 3].map(|()| input::read_byte()), *b"aBc");
}

fn bytes_from_the_serial_port_arrive() {
    const OUT2: u8 = 0x08;
    start(1000, 4);
    input::init();
    log!("waiting for input");
    assert_eq!([(); 3].map(|()| input::read_byte()), *b"xyz");
    assert!(!pic::is_in_service(Irq::Serial1), "no further byte would ever interrupt");
    // SAFETY: reading the register changes nothing.
    assert_ne!(unsafe { inb(serial::COM1 + 4) } & OUT2, 0, "QEMU interrupts without it, but no PC does");
}

fn readers_are_served_in_the_order_they_came() {
    start(1000, ENDLESS);
    input::init();
    let readers = [0, 1, 2].map(|me| spawn(me, read));
    yield_now();
    for key in [KEY_A, KEY_B, KEY_C] {
        press(key);
        // The others run, if they have a reason to.
        yield_now();
    }
    for counts in readers.map(Thread::join) {
        assert_eq!((counts.of(Reason::Input), counts.total()), (1, 2));
    }
    assert_eq!(notes(), [usize::from(b'a'), 1000 + usize::from(b'b'), 2000 + usize::from(b'c')]);
}

fn a_newcomer_does_not_take_what_another_waits_for() {
    fn press_and_read(me: usize) {
        press(KEY_A);
        read(me);
    }
    start(1000, ENDLESS);
    input::init();
    let (reader, newcomer) = (spawn(0, read), spawn(1, press_and_read));
    yield_now();
    press(KEY_B);
    join([reader, newcomer]);
    assert_eq!(notes(), [usize::from(b'a'), 1000 + usize::from(b'b')]);
}

fn two_bytes_at_once_wake_two_readers() {
    start(1000, ENDLESS);
    input::init();
    let readers = [0, 1].map(|me| spawn(me, read));
    yield_now();
    press(KEY_A);
    press(KEY_B);
    join(readers);
    assert_eq!(notes(), [usize::from(b'a'), 1000 + usize::from(b'b')]);
}

fn a_newcomer_reads_the_second_byte() {
    start(1000, ENDLESS);
    input::init();
    let reader = spawn(0, read);
    yield_now();
    // The first byte wakes the reader, which has not run when the newcomer comes; the second one wakes no thread.
    press(KEY_A);
    press(KEY_B);
    read(1);
    reader.join();
    assert_eq!(notes(), [usize::from(b'a'), 1000 + usize::from(b'b')]);
}

fn a_read_ends_with_a_byte_or_at_its_deadline() {
    fn give_up(me: usize) {
        let deadline = timer::ticks() + 5;
        assert_eq!(input::read_byte_before(deadline), None);
        assert!(timer::ticks() >= deadline);
        note(me);
    }
    start(1000, ENDLESS);
    input::init();
    let (hasty, patient) = (spawn(0, give_up), spawn(1, read));
    let counts = hasty.join();
    assert_eq!((counts.of(Reason::Input), counts.total(), notes()), (1, 2, vec![0]));
    // The byte goes to the reader that is still waiting.
    press(KEY_A);
    patient.join();
    assert_eq!(notes(), [0, 1000 + usize::from(b'a')]);
    // A byte that arrives in time, and one that is there already.
    let _typist = spawn(0, |_| press(KEY_B));
    assert_eq!(input::read_byte_before(timer::ticks() + 1000), Some(b'b'));
    press(KEY_C);
    assert_eq!((input::read_byte_before(0), input::read_byte_before(0)), (Some(b'c'), None));
}

fn a_key_pressed_before_init_is_not_lost_and_blocks_nothing() {
    send_from_keyboard(KEY_A);
    start(1000, 4);
    input::init();
    assert_eq!(input::read_byte(), b'a');
    press(KEY_B);
    assert_eq!(input::read_byte(), b'b');
}

fn a_mouse_and_a_keyboard_are_set_up_from_any_state() {
    const PRETEND_THAT_THE_MOUSE_SENT: u8 = 0xD3;
    const READ_SETTINGS: u8 = 0x20;
    const WRITE_SETTINGS: u8 = 0x60;
    const TO_THE_MOUSE: u8 = 0xD4;
    const REPORT: u8 = 0xF4;
    const SCAN_NO_MORE: u8 = 0xF5;
    const SET_SCAN_CODES: u8 = 0xF0;
    /// The name of set 2 on a controller that translates.
    const SET_2: u8 = 0x41;
    let tell = |command, value| {
        // SAFETY: the controller reaches no memory, and its interrupts are masked.
        unsafe {
            outb(0x64, command);
            outb(0x60, value);
        }
    };
    // SAFETY: as above.
    let receive = || unsafe {
        while inb(0x64) & 1 == 0 {}
        inb(0x60)
    };
    let tell_keyboard = |byte| {
        // SAFETY: as above.
        unsafe { outb(0x60, byte) };
        assert_eq!(receive(), 0xFA, "the keyboard says that it will");
    };
    [SCAN_NO_MORE, SET_SCAN_CODES, 1].into_iter().for_each(tell_keyboard);
    tell(TO_THE_MOUSE, REPORT);
    assert_eq!(receive(), 0xFA, "the mouse says that it will");
    tell(WRITE_SETTINGS, 0b0001_0010); // the mouse interrupts, the keyboard is off, and is not translated
    tell(PRETEND_THAT_THE_MOUSE_SENT, KEY_A);
    start(1000, 4);
    input::init();
    press(KEY_B);
    assert_eq!(input::read_byte(), b'b', "the mouse has sent no letter");
    let _off = interrupts_off();
    // SAFETY: this asks for the settings, while no key is pressed.
    unsafe { outb(0x64, READ_SETTINGS) };
    assert_eq!(receive() & 0b0111_0011, 0b0110_0001);
    [SET_SCAN_CODES, 0].into_iter().for_each(tell_keyboard);
    assert_eq!(receive(), SET_2, "0 asks for the set of scan codes");
}

fn a_pc_without_a_keyboard_controller_has_the_serial_port() {
    start(1000, 4);
    input::init();
    log!("waiting for input");
    assert_eq!([(); 3].map(|()| input::read_byte()), *b"xyz");
}

fn bytes_received_before_init_are_not_lost() {
    const STATUS: u16 = serial::COM1 + 5;
    start(1000, 4);
    log!("waiting for input");
    // SAFETY: reading the status changes nothing that is used here.
    while unsafe { inb(STATUS) } & 1 == 0 {}
    input::init();
    assert_eq!([(); 3].map(|()| input::read_byte()), *b"xyz");
}

fn with_no_thread_to_run_the_cpu_halts() {
    const TICKS: u32 = 40;
    static HALTED: AtomicU32 = AtomicU32::new(0);
    static CALLS: AtomicU32 = AtomicU32::new(0);
    /// Looks at what the tick has interrupted. Sleepers no longer wake, so the test ends here.
    extern "C" fn look(frame: &mut TrapFrame) {
        const HLT: u8 = 0xF4;
        // SAFETY: the kernel's code can be read, and it does not begin at address 0.
        let last_byte = unsafe { (frame.eip as *const u8).sub(1).read() };
        HALTED.fetch_add(u32::from(last_byte == HLT), Relaxed);
        if CALLS.fetch_add(1, Relaxed) == TICKS {
            assert!(HALTED.load(Relaxed) > TICKS / 2, "of {TICKS} ticks, {HALTED:?} came after a hlt");
            stop::end("exit", screen::write);
        }
        pic::end_of_interrupt(Irq::Timer);
    }
    start(1000, 4);
    // SAFETY: the handler changes no register, and ends the interrupt or the test.
    unsafe { interrupts::register(Irq::Timer.vector(), look) };
    sleep(LONG);
}

/// Tells the threads of a test to end.
static ENOUGH: AtomicU32 = AtomicU32::new(0);

/// Runs four threads with fast ticks and the shortest timeslice, so each is preempted many times.
fn preempt_often(entry: fn(usize)) {
    start(FAST_HZ, 1);
    let threads = [0, 1, 2, 3].map(|me| spawn(me, entry));
    sleep(1000);
    ENOUGH.store(1, Relaxed);
    for counts in threads.map(Thread::join) {
        assert!(counts.of(Reason::Timer) >= 100, "{counts:?}");
    }
}

// Fills the general-purpose registers, and compares them with a copy on the stack until ENOUGH is set:
// extern "C" fn registers_stay(seed: u32) -> u32, which returns 1 if none has changed.
global_asm!(
    ".global registers_stay",
    "registers_stay:",
    "push ebp; push ebx; push esi; push edi",
    "mov eax, [esp + 20]",
    "lea ebx, [eax + 1]; lea ecx, [eax + 2]; lea edx, [eax + 3]",
    "lea esi, [eax + 4]; lea edi, [eax + 5]; lea ebp, [eax + 6]",
    "pusha",
    "2:",
    "cmp edi, [esp]; jne 3f; cmp esi, [esp + 4]; jne 3f; cmp ebp, [esp + 8]; jne 3f",
    "cmp ebx, [esp + 16]; jne 3f; cmp edx, [esp + 20]; jne 3f",
    "cmp ecx, [esp + 24]; jne 3f; cmp eax, [esp + 28]; jne 3f",
    "cmp dword ptr [{enough}], 0; je 2b",
    "mov eax, 1; jmp 4f",
    "3: xor eax, eax",
    "4: add esp, 32",
    "pop edi; pop esi; pop ebx; pop ebp",
    "ret",
    enough = sym ENOUGH,
);

fn general_registers_survive_preemption() {
    unsafe extern "C" {
        safe fn registers_stay(seed: u32) -> u32;
    }
    preempt_often(|me| assert_eq!(registers_stay(0x1111_1111 * (me as u32 + 1)), 1));
}

// Sets the flags, lets time pass with instructions that do not change them, and compares, until ENOUGH is
// set: extern "C" fn flags_stay(flags: u32) -> u32, which returns the flags at the end.
global_asm!(
    ".global flags_stay",
    "flags_stay:",
    "mov edx, [esp + 4]",
    "2: push edx; popfd",
    "mov ecx, 10000",
    "3: loop 3b",
    "pushfd; pop eax",
    "cmp eax, edx; jne 4f",
    "cmp dword ptr [{enough}], 0; je 2b",
    "4: cld",
    "ret",
    enough = sym ENOUGH,
);

fn flags_survive_preemption() {
    unsafe extern "C" {
        safe fn flags_stay(flags: u32) -> u32;
    }
    preempt_often(|me| {
        const ALWAYS_SET: u32 = 1 << 1;
        let set = [
            EFlags::FLAGS_CF | EFlags::FLAGS_PF | EFlags::FLAGS_AF,
            EFlags::FLAGS_ZF | EFlags::FLAGS_SF | EFlags::FLAGS_OF,
            EFlags::FLAGS_DF,
            EFlags::FLAGS_DF | EFlags::FLAGS_CF | EFlags::FLAGS_ZF | EFlags::FLAGS_OF,
        ][me];
        let flags = (set | EFlags::FLAGS_IF).bits() | ALWAYS_SET;
        assert_eq!(flags_stay(flags), flags);
    });
}

harness::checked_switch!(switch, ThreadId);

fn a_switch_keeps_what_a_call_keeps() {
    start_with(1000, 1, checked);
    run::<3>(|_| (0..100).for_each(|_| yield_now()));
    run::<3>(|_| spin_for(30));
    assert!(SWITCHES.load(Relaxed) >= 300);
}

fn interrupts_are_on_after_every_switch() {
    fn look(_: usize) {
        assert!(interrupts_are_on(), "off in a new thread");
    }
    fn switch_in_every_way(me: usize) {
        look(0);
        for round in 0..200 {
            match (me + round) % 4 {
                0 => yield_now(),
                1 => sleep(1),
                2 => spin_for(1),
                _ => _ = spawn(0, look).join(),
            }
            assert!(interrupts_are_on(), "off after {}", (me + round) % 4);
        }
    }
    start(FAST_HZ, 1);
    run::<5>(switch_in_every_way);
    assert!(interrupts_are_on());
}

fn interrupts_that_were_off_stay_off_across_a_switch() {
    start(1000, 4);
    let other = spawn(0, |_| (0..10).for_each(|_| yield_now()));
    let off = interrupts_off();
    for _ in 0..5 {
        yield_now();
        assert!(!interrupts_are_on());
    }
    sleep(3);
    assert!(!interrupts_are_on());
    other.join();
    assert!(!interrupts_are_on());
    drop(off);
    assert!(interrupts_are_on());
}

fn every_thread_has_a_stack_of_its_own() {
    preempt_often(|me| {
        let mut values = [me; 2000];
        while ENOUGH.load(Relaxed) == 0 {
            assert!(black_box(&mut values).iter().all(|value| *value == me));
        }
    });
}

fn printing_takes_less_than_a_page_of_stack() {
    const UNTOUCHED: u32 = 0x5EED_5EED;
    const STACK_WORDS: usize = 3 * PAGE_BYTES as usize / 4;
    /// The unused part of this thread's stack, lowest address first.
    fn unused_stack() -> *mut [u32] {
        let esp: usize;
        // SAFETY: copies a register.
        unsafe { asm!("mov {}, esp", out(reg) esp, options(nomem, nostack, preserves_flags)) };
        let bottom = esp.next_multiple_of(4 * PAGE_BYTES as usize) - 4 * STACK_WORDS;
        // Without the bytes just below ESP: the function that looks needs them for its calls.
        core::ptr::slice_from_raw_parts_mut(bottom as *mut u32, (esp - bottom) / 4 - 128)
    }
    fn print_on_painted_stack(_: usize) {
        let off = interrupts_off();
        // SAFETY: no code uses this part of the stack: this thread has not reached it, and interrupts are off.
        unsafe { (*unused_stack()).fill(UNTOUCHED) };
        drop(off);
        for number in 0..200u64 {
            println!(
                "{number:>20} {:#012x} {:?} {:?}",
                number << 40,
                Counts::default(),
                Some(core::time::Duration::MAX)
            );
        }
        let _off = interrupts_off();
        // SAFETY: no code writes there now: this thread is here, and interrupts are off.
        let unused = unsafe { &*unused_stack() };
        let left = unused.iter().take_while(|word| **word == UNTOUCHED).count();
        log!("{} of {} bytes of the stack were never used", left * 4, STACK_WORDS * 4);
        assert!(left >= STACK_WORDS * 2 / 3);
    }
    start(FAST_HZ, 1);
    run::<3>(print_on_painted_stack);
}

fn a_panic_is_printed_in_full_before_another_thread_runs() {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    /// Takes many ticks to print.
    struct Slow;
    impl core::fmt::Display for Slow {
        fn fmt(&self, f: &mut core::fmt::Formatter) -> core::fmt::Result {
            BEGUN.store(true, Relaxed);
            (0..30_000_000).for_each(|number| _ = black_box(number));
            f.write_str("and finished")
        }
    }
    start(FAST_HZ, 1);
    let _panics = spawn(0, |_| panic!("begun, {Slow}"));
    // If this thread runs again during the panic, it returns, and the kernel ends without an error.
    while !BEGUN.load(Relaxed) {
        yield_now();
    }
}

fn a_stack_overflow_is_reported() {
    #[expect(unconditional_recursion, reason = "the stack must overflow")]
    #[inline(never)]
    fn forever(depth: usize) -> usize {
        black_box(forever(depth + 1)) + depth
    }
    start(1000, 4);
    // The stack of the other thread lies just below that guard page.
    let _other = spawn(0, |_| sleep(100));
    spawn(0, |depth| _ = forever(depth)).join();
}

fn a_stack_overflow_in_an_interrupt_handler_is_reported() {
    extern "C" fn too_much(_: &mut TrapFrame) {
        let large = black_box([1u8; 64 << 10]);
        black_box(large[timer::ticks() as usize % large.len()]);
    }
    start(1000, ENDLESS);
    let thread = spawn(0, |_| {
        // SAFETY: the handler changes no register, and ends the interrupt or the test.
        unsafe { interrupts::register(Irq::Timer.vector(), too_much) };
        loop {
            spin_loop();
        }
    });
    thread.join();
}

fn interrupts_that_stay_off_are_reported() {
    fn never_let_go(_: usize) {
        let _off = interrupts_off();
        while !black_box(false) {}
    }
    start(1000, 4);
    spawn(0, never_let_go).join();
}

fn a_read_before_init_is_rejected() {
    start(1000, ENDLESS);
    input::read_byte();
}

fn a_wait_that_never_ends_is_reported() {
    start(1000, 4);
    input::init();
    // The CPU must not be busy when the host looks, so there are no ticks. And no key is pressed.
    // SAFETY: masking the timer's line stops the ticks, and nothing that follows needs them.
    unsafe { x86::io::outb(0x21, x86::io::inb(0x21) | 1) };
    spawn(0, read).join();
}

fn a_lock_keeps_preemption_away() {
    static SUM: Lock<u32> = Lock::new(0);
    static ADDED: AtomicU32 = AtomicU32::new(0);
    preempt_often(|_| {
        while ENOUGH.load(Relaxed) == 0 {
            let mut sum = SUM.lock();
            let before = *sum;
            (0..20).for_each(|_| spin_loop());
            *black_box(&mut *sum) = before + 1;
            drop(sum);
            ADDED.fetch_add(1, Relaxed);
        }
    });
    assert_eq!(*SUM.lock(), ADDED.load(Relaxed));
}

fn the_heap_survives_preemption() {
    fn allocate_and_free(me: usize) {
        let mut kept = [const { Vec::new() }; 8];
        let mut round = me;
        while ENOUGH.load(Relaxed) == 0 {
            round += 1;
            let slot = &mut kept[round % 8];
            assert!(slot.iter().all(|value| *value == me), "the memory of thread {me} is another thread's too");
            *slot = vec![me; 1 + round * 37 % 200];
        }
    }
    let before = heap::usage().used_bytes;
    preempt_often(allocate_and_free);
    assert_eq!(heap::usage().used_bytes, before);
}

fn printed_lines_are_not_torn() {
    const WORDS: [&str; 4] = ["aaaaaaaaaaaaaa", "bbbbbbbbbbbbbb", "cccccccccccccc", "dddddddddddddd"];
    /// Checks that every row of the screen has one letter only, or is blank.
    fn assert_rows_are_whole() {
        let _off = interrupts_off();
        for row in 0..25 {
            // SAFETY: the text screen has 25 rows of 80 cells, and with interrupts off no other thread prints.
            let cells = unsafe { (0xB8000 as *const [u16; 80]).add(row).read_volatile() };
            assert!(cells[..70].iter().all(|cell| *cell == cells[0]), "row {row}: {cells:?}");
        }
    }
    preempt_often(|me| {
        let word = WORDS[me];
        while ENOUGH.load(Relaxed) == 0 {
            println!("{word}{word}{word}{word}{word}");
            assert_rows_are_whole();
        }
    });
}

fn a_lock_held_by_a_sleeper_is_a_deadlock() {
    static SHARED: Lock<u32> = Lock::new(0);
    start(1000, 4);
    let _sleeper = spawn(0, |_| {
        let mut shared = SHARED.lock();
        sleep(100);
        *shared += 1;
    });
    yield_now();
    *SHARED.lock() += 1;
}

fn the_serial_port_signals_that_it_is_ready_and_interrupts() {
    start(1000, ENDLESS);
    input::init();
    // SAFETY: reading these registers changes nothing.
    let registers = unsafe { [1, 4].map(|register| x86::io::inb(boot::serial::COM1 + register)) };
    assert_eq!(registers, [0x01, 0x0B]);
}
