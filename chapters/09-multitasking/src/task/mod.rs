//! Tasks: which task is whose child, and how one forks, exits and is waited for.

pub mod family;
pub mod table;
pub mod fork;
pub mod system_call;
pub mod lifetime;
