//! Uses a word that no answer needs.
//!
//! Says: contains the word `stop`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    boot::stop::end("exit", |_| ());
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
