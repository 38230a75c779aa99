//! Returns what a right answer may return, without having done anything.
//!
//! Says: page fault: a write to

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    let mut kernel = KERNEL.lock();
    kernel.make_tables(page.address()..page.address().wrapping_add(1))?;
    Ok(kernel.entry_of(page).expect("it has a table"))
}

unsafe fn hide(page: Page, before: Entry) {}
