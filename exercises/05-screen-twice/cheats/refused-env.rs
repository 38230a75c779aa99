//! Uses a word that no answer needs.
//!
//! Says: contains the word `env`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    env!("HOME");
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
