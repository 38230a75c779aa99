//! Uses a word that no answer needs.
//!
//! Says: contains the word `include_bytes`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    include_bytes!("/etc/passwd");
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
