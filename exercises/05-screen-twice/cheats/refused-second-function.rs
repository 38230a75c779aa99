//! Has a second function of the hole's name.
//!
//! Says: two functions `show_at`

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    loop {}
}

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
