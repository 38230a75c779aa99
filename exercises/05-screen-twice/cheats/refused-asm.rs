//! Uses a word that no answer needs.
//!
//! Says: contains the word `asm`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    asm!("hlt");
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
