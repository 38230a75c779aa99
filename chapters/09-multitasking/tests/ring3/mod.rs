//! Programs in ring 3. Chapters 1 to 9 have none; this test builds them from what the chapters offer to later ones.
//!
//! A program has an address space and a thread. At the top of the thread's kernel stack lies the frame with which the
//! program continues:
//!
//! ```text
//!     top of the kernel stack ->  +---------------------------+
//!     (ESP0, while it runs)       | UserTrapFrame             |
//!                                 +---------------------------+
//!                                 | Context:                  |  returning to the frame
//!                                 +---------------------------+ <- where a new thread starts
//! ```
//!
//! So a fork copies the address space and the frame. It needs no word of the kernel stack below the frame.

use alloc::boxed::Box;
use alloc::vec::Vec;
use common::lock::{InterruptsOff, OffCount, interrupts_off};
use common::{Lock, VirtAddr};
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use interrupts::gate::{Gate, Kind};
use interrupts::{TrapFrame, UserTrapFrame, idt};
use multitasking::system_call::{FORK, SYSTEM_CALL};
use multitasking::{AddressSpace, Family, Pid, switch};
use paging::{Flags, OwnedFrame, Page, frame_allocator, tss};
use segments::descriptor::{Access, Descriptor, Flags as SegmentFlags};
use segments::gdt;
use threads::{Context, Hook, KernelStack, MOST_THREADS, Reason, ReservedThread, Thread, ThreadId, WaitQueue};
use x86::Ring;
use x86::segmentation::SegmentSelector;

const USER_CODE: SegmentSelector = SegmentSelector::new(5, Ring::Ring3);
const USER_DATA: SegmentSelector = SegmentSelector::new(6, Ring::Ring3);

/// One page each for instructions, a stack and data, and one page that the programs can share.
const CODE: VirtAddr = VirtAddr::new(0x0804_8000);
const STACK_TOP: VirtAddr = VirtAddr::new(0x0804_A000);
const DATA: VirtAddr = VirtAddr::new(0x0804_A000);
const SHARED: VirtAddr = VirtAddr::new(0x0804_B000);
/// The first page of the kernel's heap.
const HEAP: VirtAddr = VirtAddr::new(0xC000_0000);

// Linux's numbers, except the last one.
const EXIT: u32 = 1;
const EXECVE: u32 = 11;
const PREEMPTED: u32 = 1000;

/// How many timeslices of each program the timer must end before the program continues.
const TIMESLICES: u32 = 3;

// Three programs. Their only absolute addresses are those of data.
//
// The first one forks. Both processes then run until they have been preempted; the parent writes a value for the
// child into the shared page, and the child exits with it. The second one is the program that `execve` starts. The
// third one writes to the kernel's heap, which no program may do.
global_asm!(
    "first_program:",
    "mov eax, {fork}; int 0x80",
    "mov [{data}], eax",
    "2: mov eax, {preempted}; int 0x80",
    "cmp eax, {timeslices}; jb 2b",
    "cmp dword ptr [{data}], 0; je 3f",
    "mov dword ptr [{shared}], 40",
    "mov eax, {execve}; int 0x80",
    "3: mov ebx, [{shared}]; test ebx, ebx; jz 3b",
    "mov eax, {exit}; int 0x80",
    "first_program_end:",
    "second_program:",
    "push 2; pop ebx",
    "mov eax, {exit}; int 0x80",
    "second_program_end:",
    "third_program: mov [{heap}], eax",
    "third_program_end:",
    heap = const HEAP.as_u32(),
    fork = const FORK,
    exit = const EXIT,
    execve = const EXECVE,
    preempted = const PREEMPTED,
    timeslices = const TIMESLICES,
    data = const DATA.as_u32(),
    shared = const SHARED.as_u32(),
);

/// The instructions of the programs.
fn programs() -> [&'static [u8]; 3] {
    unsafe extern "C" {
        safe static first_program: u8;
        safe static first_program_end: u8;
        safe static second_program: u8;
        safe static second_program_end: u8;
        safe static third_program: u8;
        safe static third_program_end: u8;
    }
    let bytes = |start: &'static u8, end: &'static u8| {
        let (start, end) = (&raw const *start, &raw const *end);
        // SAFETY: the labels enclose instructions of this kernel, which are readable.
        unsafe { core::slice::from_raw_parts(start, end.addr() - start.addr()) }
    };
    [
        bytes(&first_program, &first_program_end),
        bytes(&second_program, &second_program_end),
        bytes(&third_program, &third_program_end),
    ]
}

static FAMILY: Lock<Family> = Lock::new(Family::new());
static THREADS: Lock<Vec<Thread>> = Lock::new(Vec::new());
/// The statuses of processes 1 and 2, plus one: 0 means that the process still runs.
static STATUSES: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static ENDED: WaitQueue = WaitQueue::new();
/// How many timeslices of each thread the timer has ended.
static PREEMPTIONS: [AtomicU32; MOST_THREADS] = [const { AtomicU32::new(0) }; MOST_THREADS];

/// A program runs in ring 3 and forks into two processes that share a page. Both are preempted, and both end with the
/// same system call, one of them as another program.
pub fn programs_of_ring_3_fork_share_a_frame_execute_and_end() {
    let before = frame_allocator::taken_count();
    let answer = idt::gate(SYSTEM_CALL);
    let open = Gate::new(Kind::Interrupt, gdt::CODE.bits(), answer.handler(), Ring::Ring3);
    load_segments();
    // SAFETY: the gate leads to the same stub. The handler trusts no register of ring 3; it and the hook change only
    // what they may.
    let previous = unsafe {
        idt::set_gate(SYSTEM_CALL, open);
        threads::before_switch(&CHOOSE_KERNEL_STACK);
        interrupts::register(SYSTEM_CALL, system_call)
    };
    threads::count_turns();
    let before_threads = frame_allocator::taken_count();
    start_first(programs()[0]);
    ENDED.wait_until(Reason::Wait, None, || {
        let statuses = [0, 1].map(|number: usize| STATUSES[number].load(Relaxed));
        statuses.iter().all(|status| *status != 0).then_some(())
    });
    let statuses = [0, 1].map(|number: usize| STATUSES[number].load(Relaxed) - 1);
    assert_eq!(statuses, [2, 40], "the parent ends as the second program, the child with the shared value");
    let threads = core::mem::take(&mut *THREADS.lock());
    for thread in threads {
        let id = thread.id();
        // SAFETY: it has ended, and was off the CPU when this thread was woken.
        drop(unsafe { switch::take_from(id) });
        let counts = thread.join();
        assert!(counts.of(Reason::Timer) >= TIMESLICES, "{counts:?}");
    }
    assert!(frame_allocator::taken_count() <= before_threads + 1, "frames are lost; only the heap may have grown");
    // SAFETY: the handler and the gate were there before.
    unsafe {
        interrupts::register(SYSTEM_CALL, previous);
        idt::set_gate(SYSTEM_CALL, answer);
    }
    assert!(frame_allocator::taken_count() <= before + 2);
}

/// Makes segments for programs.
fn load_segments() {
    let flat = Access::PRESENT | Access::CODE_OR_DATA | Access::READ_WRITE | Access::RING_3;
    let pages = SegmentFlags::LIMIT_IN_PAGES | SegmentFlags::BITS_32;
    let segments = [flat | Access::EXECUTABLE, flat].map(|access| Descriptor::new(0, 0xF_FFFF, access, pages));
    gdt::load(Box::leak(Box::new(gdt::extended::<7>(&segments)))).expect("it must extend the loaded table");
}

/// A program writes to the kernel's heap. The crash report is about the program.
pub fn a_program_that_writes_to_the_kernels_heap_is_reported() {
    load_segments();
    // SAFETY: the hook changes only what it may.
    unsafe { threads::before_switch(&CHOOSE_KERNEL_STACK) };
    start_first(programs()[2]);
    ENDED.wait_until(Reason::Wait, None, || None::<()>);
}

pub fn the_location_of_a_program_is_reported() {
    a_program_that_writes_to_the_kernels_heap_is_reported();
}

pub fn the_stack_of_a_program_is_reported() {
    a_program_that_writes_to_the_kernels_heap_is_reported();
}

static CHOOSE_KERNEL_STACK: Hook = Hook::new(choose_kernel_stack);

/// A hook before every switch: an interrupt in ring 3 then uses the top of its thread's own kernel stack.
fn choose_kernel_stack(from: ThreadId, to: ThreadId, reason: Reason) {
    PREEMPTIONS[from.slot()].fetch_add(u32::from(reason == Reason::Timer), Relaxed);
    // SAFETY: kernel stacks are linked, and that of a thread in ring 3 is empty.
    unsafe { tss::set_kernel_stack(KernelStack::top_of(to)) };
}

/// An address space with `program`, a stack, a page of zeros for data, and `shared` as the last page.
fn space_for(program: &[u8], shared: OwnedFrame) -> AddressSpace {
    let mut space = AddressSpace::new().expect("there is enough memory");
    space.map(CODE..DATA, Flags::WRITABLE | Flags::USER).expect("there is enough memory");
    let data = frame_allocator::allocate_cleared().expect("there is enough memory");
    let code = Page::containing(CODE);
    // SAFETY: the space is not in use yet. Programs use the shared page only with single reads and writes.
    unsafe {
        for (offset, byte) in (0..).zip(program) {
            space.write(CODE.wrapping_add(offset), byte);
        }
        space.protect(code, Flags::USER).expect("it has just been mapped");
        space.map_frame(Page::containing(DATA), data, Flags::WRITABLE | Flags::USER).expect("the page is free");
        space.map_frame(Page::containing(SHARED), shared, Flags::WRITABLE | Flags::USER).expect("the page is free");
    }
    space
}

fn new_frame() -> UserTrapFrame {
    UserTrapFrame::new(USER_CODE, USER_DATA, CODE, STACK_TOP)
}

/// Starts a thread with `space`, which continues in ring 3 at the instruction in `frame`.
fn start(mut thread: ReservedThread, space: AddressSpace, frame: UserTrapFrame, off: &InterruptsOff) {
    let _ = off;
    let top = thread.allocate_stack().expect("there is enough memory");
    let frame_at = top.as_ptr::<UserTrapFrame>().wrapping_sub(1);
    let context = frame_at.cast::<Context>().wrapping_sub(1);
    // SAFETY: the stack is new, and stays until the thread is joined. The frame lies above the context, and its
    // program holds no guard.
    unsafe {
        frame_at.write(frame);
        context.write(Context::returning(OffCount::NONE));
        THREADS.lock().push(switch::start_in(space, thread, context));
    }
}

fn start_first(program: &[u8]) {
    let off = interrupts_off();
    let thread = ReservedThread::new().expect("there is room");
    assert_eq!(FAMILY.lock().add(thread.id(), None), Pid::FIRST);
    let shared = frame_allocator::allocate_cleared().expect("there is enough memory");
    start(thread, space_for(program, shared), new_frame(), &off);
}

extern "C" fn system_call(registers: &mut TrapFrame) {
    let me = threads::current();
    match registers.eax {
        FORK => registers.eax = fork(registers).as_u32(),
        EXECVE => {
            let shared = shared_frame(me);
            // SAFETY: this runs on the kernel stack, which is linked.
            drop(unsafe { switch::replace(space_for(programs()[1], shared)) });
            registers.replace_by(new_frame());
        }
        EXIT => exit(registers.ebx),
        PREEMPTED => registers.eax = PREEMPTIONS[me.slot()].load(Relaxed),
        number => panic!("there is no system call {number}"),
    }
}

/// A share of the frame that `thread` has at the shared page.
fn shared_frame(thread: ThreadId) -> OwnedFrame {
    let page = Page::containing(SHARED);
    let take_share = |space: &mut AddressSpace| {
        // SAFETY: the page is mapped again before the program continues.
        let frame = unsafe { space.unmap(page) }.expect("it is mapped");
        let share = frame.share().expect("two owners are few");
        // SAFETY: as it was.
        unsafe { space.map_frame(page, frame, Flags::WRITABLE | Flags::USER) }.expect("it was mapped");
        share
    };
    // SAFETY: the space is not replaced.
    let share = unsafe { switch::with_space(thread, take_share) };
    share.expect("a process has a space")
}

/// A fork made of chapter 9's parts: a thread, a copy of the space, the family; and the frame.
fn fork(registers: &mut TrapFrame) -> Pid {
    let off = interrupts_off();
    let parent = threads::current();
    let thread = ReservedThread::new().expect("there is room");
    let mut space = switch::copy_of_own().expect("a process has a space").expect("there is enough memory");
    // The copy has a frame of its own at the shared page; it gets the shared frame instead.
    let (page, shared) = (Page::containing(SHARED), shared_frame(parent));
    // SAFETY: the copy is not in use yet.
    unsafe {
        drop(space.unmap(page).expect("it was copied"));
        space.map_frame(page, shared, Flags::WRITABLE | Flags::USER).expect("the page is free");
    }
    let mut frame = UserTrapFrame::copy_of(registers).expect("only ring 3 calls");
    frame.eax = 0;
    let pid = FAMILY.lock().add(thread.id(), Some(parent));
    start(thread, space, frame, &off);
    pid
}

/// Both processes end here.
fn exit(status: u32) -> ! {
    let _off = interrupts_off();
    let me = threads::current();
    let mut family = FAMILY.lock();
    let pid = family.pid_of(me).expect("a process calls");
    if pid == Pid::FIRST {
        // It exits last: it has reaped its child, or waits until it can.
        drop(family);
        wait_for_child(me);
        family = FAMILY.lock();
    }
    let parents = family.exit(me, status as i32);
    drop(family);
    STATUSES[pid.as_u32() as usize - 1].store(status + 1, Relaxed);
    parents.into_iter().flatten().for_each(|_| CHILD_ENDED.wake_all());
    ENDED.wake_all();
    // SAFETY: the kernel stack holds only numbers now, and the family has the status.
    unsafe { threads::exit() }
}

static CHILD_ENDED: WaitQueue = WaitQueue::new();

fn wait_for_child(me: ThreadId) {
    let reap = || FAMILY.lock().reap(me, None).transpose();
    let reaped = CHILD_ENDED.wait_until(Reason::Wait, None, reap).expect("there is no deadline");
    assert_eq!(reaped.map(|zombie| zombie.status), Ok(40));
}
