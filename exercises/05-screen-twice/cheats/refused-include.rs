//! Uses a word that no answer needs.
//!
//! Says: contains the word `include`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    include!("/etc/passwd");
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
