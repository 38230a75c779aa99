//! Machine code in a constant writes the number for a good end to the port of QEMU's exit device, and halts.
//!
//! Says: halted the CPU before the test was over

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    // mov dx, 0xf4; mov eax, 0x10; out dx, eax; cli; hlt; jmp $-1
    const CODE: [u8; 14] = [0x66, 0xBA, 0xF4, 0x00, 0xB8, 0x10, 0, 0, 0, 0xEF, 0xFA, 0xF4, 0xEB, 0xFD];
    let run: fn() = unsafe { core::mem::transmute(CODE.as_ptr()) };
    run();
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
