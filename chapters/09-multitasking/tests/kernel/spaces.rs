//! Address spaces and the threads that run in them, without fork.

use crate::{DATA, as_task, assert_is_in_the_kernels_space, fork_to, map_16_mib, pid, rights, shared, until};
use alloc::boxed::Box;
use common::VirtAddr;
use common::lock::{interrupts_off, let_interrupts_in};
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use multitasking::rule::{GUARD_PAGE, PRIVATE};
use multitasking::{AddressSpace, getpid, map, switch, switch_space, wait, with_directories};
use paging::directory::{Directory, MapError, NotMapped};
use paging::walk::Mapping;
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, frame_allocator, regions, tss};
use threads::{Context, ReservedThread, ThreadId, yield_now};
use x86::bits32::task::TaskStateSegment;

pub fn private_regions_have_names_once_a_task_runs() {
    fn is_called(address: VirtAddr, name: &str) -> bool {
        alloc::format!("{}", regions::locate(address).name()) == name
    }
    const STACK: VirtAddr = PRIVATE.end.wrapping_sub(4);
    assert!([DATA, STACK].iter().all(|address| is_called(*address, "no region of the kernel")));
    as_task(|_| {
        assert!(is_called(DATA, "private memory") && is_called(STACK, "the private stack of task 1"));
        assert!(regions::locate(PRIVATE.end.wrapping_sub(3 * PAGE_BYTES + 4)).is_guard_page());
        fork_to(|| i32::from(is_called(STACK, "the private stack of task 2")));
        assert_eq!(wait().map(|exited| exited.status), Ok(1));
    });
    assert!(is_called(STACK, "the private stack"));
}

/// Reads the first word of [`DATA`] in the running thread's address space.
fn read_data() -> u32 {
    // SAFETY: callers have mapped it.
    unsafe { DATA.as_ptr::<u32>().read_volatile() }
}

fn write_data(value: u32) {
    // SAFETY: callers have mapped it, for nothing else.
    unsafe { DATA.as_ptr::<u32>().write_volatile(value) };
}

/// Does `work` with the running task's address space.
fn with_own_space<T>(work: impl FnOnce(&mut AddressSpace) -> T) -> T {
    // SAFETY: no test here replaces the space by another one.
    unsafe { switch::with_space(threads::current(), work) }.expect("a task is running")
}

pub fn a_space_is_mapped_protected_and_unmapped() {
    as_task(|_| {
        let page = Page::containing(DATA);
        // SAFETY: only this test uses the page.
        let unmap = || with_own_space(|space| unsafe { space.unmap(page) });
        // SAFETY: as above.
        let protect = |flags| with_own_space(|space| unsafe { space.protect(page, flags) });
        assert_eq!(unmap().map(|owned| owned.frame()), Err(NotMapped(page)));
        assert_eq!(protect(Flags::WRITABLE), Err(NotMapped(page)));

        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("there is enough memory");
        let taken = frame_allocator::taken_count();
        write_data(1);
        assert_eq!(protect(Flags::USER), Ok(()));
        assert_eq!((rights(DATA), read_data()), (Some(Flags::PRESENT | Flags::USER), 1));
        let first = unmap().expect("it is mapped");
        assert_eq!((rights(DATA), frame_allocator::taken_count()), (None, taken), "the frame is the caller's now");

        let second = frame_allocator::allocate().expect("there is enough memory");
        // SAFETY: the frame was free.
        unsafe { second.frame().in_window().address().as_ptr::<u32>().write(2) };
        // SAFETY: no reference leads to either of the frames.
        let map_frame = |owned| with_own_space(|space| unsafe { space.map_frame(page, owned, Flags::WRITABLE) });
        assert_eq!(map_frame(second), Ok(()));
        assert_eq!(read_data(), 2);
        let in_the_way = with_own_space(|space| space.directory().translate(DATA)).expect("it is mapped");
        assert_eq!(map_frame(first), Err(MapError::AlreadyMapped(Frame::containing(in_the_way))));
        assert_eq!(frame_allocator::taken_count(), taken, "the share that was refused has been given back");
        assert_eq!(map_frame(unmap().expect("it is mapped")), Ok(()));
        assert_eq!(read_data(), 2);
    });
}

pub fn a_page_unmapped_in_a_space_is_gone_at_once() {
    as_task(|_| {
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("there is enough memory");
        let _off = interrupts_off();
        write_data(1);
        // SAFETY: not safe: the test uses the page once more, which is its purpose.
        let unmapped = with_own_space(|space| unsafe { space.unmap(Page::containing(DATA)) });
        assert!(unmapped.is_ok());
        read_data();
    });
}

pub fn a_page_that_is_protected_cannot_be_written() {
    as_task(|_| {
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("there is enough memory");
        let _off = interrupts_off();
        write_data(1);
        // SAFETY: only this test uses the page.
        let protected = with_own_space(|space| unsafe { space.protect(Page::containing(DATA), Flags::empty()) });
        assert_eq!(protected, Ok(()));
        write_data(2);
    });
}

pub fn only_private_pages_are_mapped_in_a_space() {
    let mut space = AddressSpace::new().expect("there is enough memory");
    let frame = || frame_allocator::allocate().expect("there is enough memory");
    let [lowest, highest] = [PRIVATE.start, PRIVATE.end.wrapping_sub(PAGE_BYTES)].map(Page::containing);
    for page in [lowest, highest, Page::containing(VirtAddr::new(0xFFFF_F000))] {
        // SAFETY: the frame was free, and the space is not in use.
        assert_eq!(unsafe { space.map_frame(page, frame(), Flags::WRITABLE) }, Ok(()));
    }
}

/// A page of the kernel, which is mapped in all address spaces.
const LINKED: VirtAddr = VirtAddr::new(0xB_8000);

pub fn only_private_pages_are_unmapped_in_a_space() {
    let mut space = AddressSpace::new().expect("there is enough memory");
    // SAFETY: not safe, except that it is refused: the screen would be gone.
    let _ = unsafe { space.unmap(Page::containing(LINKED)) };
}

pub fn only_private_pages_are_protected_in_a_space() {
    let mut space = AddressSpace::new().expect("there is enough memory");
    // SAFETY: not safe, except that it is refused: no space could write to the screen.
    let _ = unsafe { space.protect(Page::containing(LINKED), Flags::empty()) };
}

/// An address space in which `frame` is mapped at [`DATA`].
fn space_with(frame: OwnedFrame) -> AddressSpace {
    let mut space = AddressSpace::new().expect("there is enough memory");
    // SAFETY: tests use only pointers to reach the frame.
    unsafe { space.map_frame(Page::containing(DATA), frame, Flags::WRITABLE) }.expect("there is enough memory");
    space
}

/// Runs `entry(argument)` in `space`, in a kernel thread, and returns the space.
fn run_in(space: AddressSpace, entry: fn(usize), argument: usize) -> AddressSpace {
    #[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
    extern "C" fn begin(entry: fn(usize), argument: usize) -> ! {
        // SAFETY: every vector has a handler.
        unsafe { let_interrupts_in() };
        entry(argument);
        // SAFETY: `entry` has returned, and the thread is joined.
        unsafe { threads::exit() }
    }
    let mut thread = ReservedThread::new().expect("there is room");
    let context = thread.allocate_stack().expect("there is enough memory").as_ptr::<Context>().wrapping_sub(1);
    let id = thread.id();
    // SAFETY: the stack is new, and stays until the thread is joined.
    let thread = unsafe {
        context.write(Context::new(begin, entry, argument));
        switch::start_in(space, thread, context)
    };
    thread.join();
    // SAFETY: the thread has been joined.
    unsafe { switch::take_from(id) }.expect("the thread had a space")
}

/// The value of CR3 in the double fault handler.
fn directory_of_double_faults() -> u32 {
    let tss = tss::DOUBLE_FAULT.descriptor().base() as *const TaskStateSegment;
    // SAFETY: it lies there, and the CPU does not change it meanwhile.
    unsafe { (&raw const (*tss).cr3).read_unaligned() }
}

pub fn the_space_of_a_thread_is_replaced() {
    fn frame_with(value: u32) -> OwnedFrame {
        let owned = frame_allocator::allocate().expect("there is enough memory");
        // SAFETY: the frame was free.
        unsafe { owned.frame().in_window().address().as_ptr::<u32>().write(value) };
        owned
    }
    fn go_on_in_another(_: usize) {
        let before = frame_allocator::taken_count();
        assert_eq!(read_data(), 1);
        let new = space_with(frame_with(2));
        let off = interrupts_off();
        // SAFETY: the stack of a kernel thread is linked, and nothing private is in use.
        let old = unsafe { switch::replace(new) };
        // SAFETY: reading CR3 changes nothing.
        assert_eq!(u64::from(directory_of_double_faults()), unsafe { x86::controlregs::cr3() });
        assert_eq!(read_data(), 2, "at once, before any switch");
        drop(off);
        threads::sleep(2);
        assert_eq!(read_data(), 2, "and after others have run");
        drop(old.expect("it had one"));
        assert_eq!(frame_allocator::taken_count(), before, "the old one took as much, and has been given back");
        write_data(3);
    }
    let before = frame_allocator::taken_count();
    let new = run_in(space_with(frame_with(1)), go_on_in_another, 0);
    let there = new.directory().translate(DATA).expect("it is mapped");
    // SAFETY: the frame belongs to the space, and no reference leads there.
    assert_eq!(unsafe { VirtAddr::new(there.as_u32()).as_ptr::<u32>().read() }, 3);
    drop(new);
    assert_eq!(frame_allocator::taken_count(), before);
    // The next thread in the same slot has no space of its own.
    threads::spawn(assert_is_in_the_kernels_space, 0).expect("there is room").join();
}

pub fn one_frame_is_shared_by_two_spaces() {
    let before = frame_allocator::taken_count();
    let owned = frame_allocator::allocate().expect("there is enough memory");
    let frame = owned.frame();
    let owners = || frame_allocator::owner_count(frame);
    let first = space_with(owned.share().expect("two owners are not too many"));
    let second = space_with(owned);
    assert_eq!(owners(), 2);
    let first = run_in(first, |_| write_data(17), 0);
    let second = run_in(second, |_| assert_eq!(read_data(), 17), 0);
    let mut copy = first.copy().expect("there is enough memory");
    assert_eq!(owners(), 2, "a copy has a frame of its own");
    drop(first);
    assert_eq!(owners(), 1);
    let second = run_in(second, |_| write_data(18), 0);
    drop(second);
    assert_eq!(owners(), 0, "it is free with the last of them");
    copy = run_in(copy, |_| assert_eq!(read_data(), 17), 0);
    drop(copy);
    assert_eq!(frame_allocator::taken_count(), before);
}

pub fn a_space_before_init_is_rejected() {
    // The kernel of this test stops before this function.
}

/// So fast that two ticks would come while `init` visits all threads, if it let them in.
pub const TICKS_DURING_INIT_HZ: u32 = timer::rate::FASTEST_HZ;

/// 1 when `init` starts, 2 when task 1 has ended.
static STEP: AtomicU32 = AtomicU32::new(0);

/// Starts a thread that runs task 1 once `init` has started. Call this right before `init`.
pub fn start_a_task_during_init() {
    fn run_task_1(_: usize) {
        until(&STEP, 1);
        let _off = interrupts_off(); // until the task is ready
        as_task(|_| ());
        STEP.store(2, Relaxed);
    }
    let _ = threads::spawn(run_task_1, 0).expect("there is room and memory for a thread");
    STEP.store(1, Relaxed);
}

pub fn a_task_that_starts_during_init_finds_all_of_it_done() {
    until(&STEP, 2);
}

pub fn init_is_called_once() {
    multitasking::init();
}

pub fn the_kernel_gets_no_page_table_once_there_is_a_space() {
    let make_table = |address| KERNEL.lock().make_tables(address..address.wrapping_add(PAGE_BYTES));
    make_table(VirtAddr::new(0xE000_0000)).expect("there is enough memory");
    let space = AddressSpace::new().expect("there is enough memory");
    make_table(VirtAddr::new(0xE000_0000)).expect("there is one already");
    let index = Page::containing(VirtAddr::new(0xE000_0000)).directory_index();
    assert!(space.directory().entry(index).is_present());
    drop(space);
    let _ = make_table(VirtAddr::new(0xE040_0000));
}

pub fn a_walk_sees_pages_that_the_heap_gains_meanwhile() {
    let space = AddressSpace::new().expect("there is enough memory");
    let is_in_heap = |mapping: &Mapping| (0xC000_0000..0xD000_0000).contains(&mapping.page.address().as_u32());
    let _first = black_box(Box::new(1));
    let mut walk = space.directory().mappings();
    walk.find(is_in_heap).expect("the heap has a page");
    let grown = black_box(alloc::vec![0u8; 256 << 10]);
    assert!(walk.filter(is_in_heap).count() >= grown.len() / PAGE_BYTES as usize);
}

pub fn the_guard_page_gets_no_frame() {
    let mut space = AddressSpace::new().expect("there is enough memory");
    let frame = frame_allocator::allocate().expect("there is enough memory");
    // SAFETY: the frame was free, and the space is not in use.
    let _ = unsafe { space.map_frame(Page::containing(GUARD_PAGE.start), frame, Flags::WRITABLE) };
}

pub fn a_space_that_is_being_copied_is_not_changed() {
    static TASK: AtomicUsize = AtomicUsize::new(0);
    fn change(_: usize) {
        loop {
            // SAFETY: the space is not replaced.
            unsafe { switch::with_space(ThreadId::new(TASK.load(Relaxed)), |_| ()) };
            threads::yield_now();
        }
    }
    as_task(|_| {
        map_16_mib();
        TASK.store(threads::current().slot(), Relaxed);
        let _never_ends = threads::spawn(change, 0).expect("there is room");
        (0..10).for_each(|_| threads::yield_now());
        fork_to(|| 0);
    });
}

/// Chapter 9 has no protection: in ring 0 the identity map shows the memory of every task.
pub fn private_memory_is_readable_by_its_physical_address() {
    const SECRET: u32 = 0x005E_C2E7;
    as_task(|_| {
        let step = shared(0);
        fork_to(|| {
            until(step, 1);
            assert_eq!(rights(DATA), None, "this task has no such page");
            let physical = with_directories([pid(1); 2], |[first, _]| first.translate(DATA)).flatten();
            let physical = physical.expect("the other task has one");
            // SAFETY: the identity map shows it there, and no reference leads to it.
            unsafe { VirtAddr::new(physical.as_u32()).as_ptr::<u32>().read_volatile() as i32 }
        });
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("there is enough memory");
        write_data(SECRET);
        step.store(1, Relaxed);
        assert_eq!(wait().map(|exited| exited.status), Ok(SECRET as i32));
    });
}

pub fn a_task_is_granted_only_rights_and_available_bits() {
    as_task(|_| {
        map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::from_bits_retain(u32::MAX)).expect("there is enough memory");
        write_data(1);
        let granted = |directory: &Directory| {
            let mut mappings = directory.mappings().filter(|mapping| mapping.page == Page::containing(DATA));
            mappings.next().map(|found| (found.flags, frame_allocator::owner_count(found.frame)))
        };
        let found = || with_directories([getpid().expect("a task is running"); 2], |[own, _]| granted(own)).flatten();
        const NOTES: Flags = Flags::AVAILABLE_10.union(Flags::AVAILABLE_11);
        let written = Flags::ACCESSED | Flags::DIRTY;
        let expected = Flags::PRESENT | Flags::WRITABLE | Flags::USER | NOTES | Flags::OWNED | written;
        assert_eq!(found(), Some((expected, 1)));
        fork_to(|| i32::from(found() == Some((expected, 1)) && read_data() == 1));
        assert_eq!(wait().map(|exited| exited.status), Ok(1), "the copy has the same");
    });
}

harness::checked_switch!(switch_space, ThreadId);

pub fn a_switch_to_another_space_keeps_what_a_call_keeps() {
    as_task(|_| {
        // SAFETY: it does what `switch_space` does, and leaves the same context.
        unsafe { threads::switch_by(checked) };
        fork_to(|| {
            (0..100).for_each(|_| yield_now());
            0
        });
        (0..100).for_each(|_| yield_now());
        wait().expect("there is a child");
        assert!(SWITCHES.load(Relaxed) >= 200);
    });
}
