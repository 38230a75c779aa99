//! stub
use crate::result::Graded;
/// stub
pub fn page(_: &Graded) -> String {
    String::new()
}
