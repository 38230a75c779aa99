//! Machine code in a constant sets the stack pointer to an address without memory and halts.
//!
//! Says: halted the CPU before the test was over

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    // mov esp, 0xfffffff0; cli; hlt; jmp $-1
    const CODE: [u8; 9] = [0xBC, 0xF0, 0xFF, 0xFF, 0xFF, 0xFA, 0xF4, 0xEB, 0xFD];
    let run: fn() = unsafe { core::mem::transmute(CODE.as_ptr()) };
    run();
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
