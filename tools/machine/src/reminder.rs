//! A word for a person who may have forgotten what `make break` put into her files.

use crate::workspace::Workspace;
use serde::Deserialize;
use std::fs;

/// Where it is kept what is in the tree.
pub const FOLDER: &str = "target/put-in";
/// What says, in that folder, which it is.
pub const RECORD: &str = "what.json";

#[derive(Deserialize)]
struct Record {
    name: String,
}

/// Says what is in the tree, if anything is.
pub fn remind(workspace: &Workspace) {
    let text = fs::read(workspace.root.join(FOLDER).join(RECORD)).unwrap_or_default();
    if let Ok(Record { name }) = serde_json::from_slice(&text) {
        eprintln!("({name} is in the tree; `make mend` takes it out.)");
    }
}
