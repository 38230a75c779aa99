//! Machine code in a constant prints without end.
//!
//! Says: The kernel hangs

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    // mov dx, 0x3f8; 1: mov al, 'x'; out dx, al; jmp 1b
    const CODE: [u8; 9] = [0x66, 0xBA, 0xF8, 0x03, 0xB0, b'x', 0xEE, 0xEB, 0xFB];
    let run: fn() = unsafe { core::mem::transmute(CODE.as_ptr()) };
    run();
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
