//! Keeps the compiler busy with a constant.
//!
//! Says: does not compile

unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    const NEVER: u64 = {
        let mut number = 0;
        while number < u64::MAX {
            number += 1;
        }
        number
    };
    panic!("{NEVER}")
}

unsafe fn hide(page: Page, before: Entry) {}
