//! The answer to exercise 5.4: the functions that have no bodies yet in `src/lib.rs`.

extern "C" fn appear(frame: &mut TrapFrame) {
    let fault = PageFault::of(frame);
    if fault.is_protection() || !REGION.contains(&fault.address) {
        exceptions::report(frame, format_args!("{fault}"));
    }
    let Some(owned) = frame_allocator::allocate_cleared() else {
        exceptions::report(frame, format_args!("{fault}, and no frame is free"));
    };
    // SAFETY: the page was absent, so no code relies on what is there, and the frame was free.
    let mapped = unsafe { KERNEL.lock().map(Page::containing(fault.address), owned, Flags::WRITABLE) };
    mapped.expect("the page is absent and has a page table").ignore();
    FAULTS.fetch_add(1, Relaxed);
}

pub unsafe fn give_back() -> u32 {
    let mut kernel = KERNEL.lock();
    let mut count = 0;
    for page in Page::range(REGION) {
        // SAFETY: the caller guarantees that the page is not used.
        if let Ok((owned, flush)) = unsafe { kernel.unmap(page) } {
            flush.flush();
            drop(owned);
            count += 1;
        }
    }
    count
}
