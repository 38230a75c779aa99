//! Uses a word that no answer needs.
//!
//! Says: contains the word `serial`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    boot::serial::write(format_args!("x"));
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
