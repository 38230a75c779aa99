//! Uses a word that no answer needs.
//!
//! Says: contains the word `std`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    std::process::exit(0);
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
