//! The pictures of a kernel that runs in a page: what the page's JavaScript calls, compiled to WebAssembly.
//!
//! A caller writes a request and the machine's memory into [`room`], calls [`ask`], and reads the [`answer`]. A
//! [`request`] is JSON, and so is its answer.

pub mod request;

use request::Live;
use std::cell::RefCell;
use std::ptr;
use std::slice;

thread_local! {
    static LIVE: RefCell<(Live, Vec<u8>)> = const { RefCell::new((Live::new(), Vec::new())) };
}

/// Memory for the caller to write to.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    Box::<[u8]>::into_raw(vec![0; bytes].into_boxed_slice()).cast()
}

/// Gives it back.
///
/// # Safety
/// [`room`] has returned this address for this number of bytes, and they have not been given back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(room: *mut u8, bytes: usize) {
    // SAFETY: the caller's; `room` made a slice of this length.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(room, bytes)) });
}

/// Answers a request about a machine with this memory, and returns the number of bytes of the answer: negative if it is
/// a sentence that says what is wrong.
///
/// # Safety
/// Both pairs are rooms that [`room`] has returned, and have not been given back; the second may have 0 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ask(request: *const u8, request_bytes: usize, memory: *const u8, memory_bytes: usize) -> i32 {
    // SAFETY: the caller's.
    let (request, memory) = unsafe { (bytes(request, request_bytes), bytes(memory, memory_bytes)) };
    LIVE.with_borrow_mut(|(live, answer)| {
        let (sign, text) = match live.answer(request, memory) {
            Ok(text) => (1, text),
            Err(error) => (-1, format!("{error:#}")),
        };
        *answer = text.into_bytes();
        sign * i32::try_from(answer.len()).unwrap_or(i32::MAX)
    })
}

/// The bytes of a room.
///
/// # Safety
/// As for [`ask`].
unsafe fn bytes<'a>(room: *const u8, bytes: usize) -> &'a [u8] {
    if bytes == 0 {
        return &[];
    }
    // SAFETY: the caller's; a room is initialized, and only the caller writes to it.
    unsafe { slice::from_raw_parts(room, bytes) }
}

/// The last answer, in UTF-8. It stays until the next request.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    LIVE.with_borrow(|(_, answer)| answer.as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(request: &str) -> Result<String, String> {
        let place = room(request.len());
        // SAFETY: the room is as large as the request, and is given back once.
        let (length, text) = unsafe {
            place.copy_from(request.as_ptr(), request.len());
            let length = ask(place, request.len(), ptr::null(), 0);
            release(place, request.len());
            (length, slice::from_raw_parts(answer(), length.unsigned_abs() as usize))
        };
        let text = String::from_utf8(text.to_vec()).expect("an answer is text");
        if length < 0 { Err(text) } else { Ok(text) }
    }

    #[test]
    fn an_answer_is_json_or_a_sentence() {
        assert_eq!(said(r#"{"begin":{"chapter":"01","own_bits":[],"subject":null}}"#), Ok("{}".into()));
        assert_eq!(said(r#"{"now":{}}"#).map_err(|error| error.contains("missing field")), Err(true));
        assert_eq!(said("").map_err(|error| error.is_empty()), Err(false));
    }
}
