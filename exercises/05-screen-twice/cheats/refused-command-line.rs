//! Uses a word that no answer needs.
//!
//! Says: contains the word `command_line`, which is refused

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    boot::information::command_line(0);
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
