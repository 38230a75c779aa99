//! Reminds a reader of the mistake that `make break` has put into her files, in case she has forgotten it.

use crate::workspace::Workspace;
use serde::Deserialize;
use std::fs;

/// The folder in which `make break` records what it has put into the files.
pub const FOLDER: &str = "target/put-in";
/// The file in that folder that names it.
pub const RECORD: &str = "what.json";

#[derive(Deserialize)]
struct Record {
    name: String,
}

/// Prints what is in the files, if anything is.
pub fn remind(workspace: &Workspace) {
    let text = fs::read(workspace.root.join(FOLDER).join(RECORD)).unwrap_or_default();
    if let Ok(Record { name }) = serde_json::from_slice(&text) {
        eprintln!("({name} is in your files; `make mend` takes it out.)");
    }
}
