//! Uses a word that no answer needs.
//!
//! Says: contains the word `extern`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    extern crate std;
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
