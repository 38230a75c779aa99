//! Maps a million pages that do not follow each other, so that what the host keeps of them, and draws, becomes huge.
//!
//! Says: must not be mapped, and yours is

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    use x86::controlregs::{Cr0, cr0, cr0_write, cr3};
    unsafe {
        cr0_write(cr0() & !Cr0::CR0_ENABLE_PAGING);
        let table = 0x80_0000 as *mut u32;
        for index in 0..1024 {
            table.add(index).write_volatile((((index * 7919) as u32 & 0xFFF) << 12) | 1);
        }
        let directory = cr3() as u32 as *mut u32;
        for index in 4..1024 {
            directory.add(index).write_volatile(0x80_0003);
        }
        cr0_write(cr0() | Cr0::CR0_ENABLE_PAGING);
    }
    Ok(KERNEL.lock().entry(0))
}

unsafe fn hide(page: Page, before: Entry) {}
