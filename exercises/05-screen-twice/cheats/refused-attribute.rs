//! Puts a function of another name into the kernel, which the linker finds first.
//!
//! Says: contains an attribute

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    #[unsafe(no_mangle)]
    fn pause() {}
    loop {}
}

unsafe fn hide(page: Page, before: Entry) {}
