//! Calls mdBook to build the book or to serve it.

use crate::fault::Fault;
use crate::sources::{ALLOWED, BOOK};
use anyhow::{Context, Result};
use machine::workspace::Workspace;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The book's folder in Cargo's target folder.
const BUILT: &str = "book";
/// The log levels of mdBook that count as faults here, even if mdBook carries on.
const COMPLAINTS: [&str; 2] = ["WARN", "ERROR"];

/// The folder of the built book.
pub fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join(BUILT)
}

/// A call of mdBook with this subcommand and destination. mdBook's preprocessor is the running program itself.
pub fn mdbook(workspace: &Workspace, subcommand: &str, to: &Path, allowed: &str) -> Result<Command> {
    let program = std::env::var_os("MDBOOK").filter(|path| !path.is_empty());
    let mut command = Command::new(program.unwrap_or(OsString::from("mdbook")));
    command.arg(subcommand).arg(workspace.root.join(BOOK)).arg("--dest-dir").arg(to);
    let own = std::env::current_exe().context("this program cannot tell where it is")?;
    command.env("MDBOOK_PREPROCESSOR__SOURCES__COMMAND", format!("'{}' preprocess", own.display()));
    command.env(ALLOWED, allowed);
    Ok(command)
}

/// Builds the book; mdBook's warnings and errors become faults.
pub fn build(workspace: &Workspace, allowed: &str) -> Result<Vec<Fault>> {
    let mut command = mdbook(workspace, "build", &folder(workspace), allowed)?;
    let output = command.output().context("mdBook could not be started; `make book` installs it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut faults = complaints(&said);
    if !output.status.success() && faults.is_empty() {
        faults.push(Fault::of(BOOK, format!("mdBook failed. It said:\n{said}")));
    }
    Ok(faults)
}

/// The warnings and errors in mdBook's log, each with its continuation lines.
fn complaints(said: &str) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut is_open = false;
    for line in said.lines() {
        let level =
            line.split_whitespace().find(|word| word.chars().all(char::is_alphabetic) && *word == word.to_uppercase());
        match level {
            Some(level) if COMPLAINTS.contains(&level) => {
                is_open = true;
                let what = line.split_once(level).map_or(line, |(_, what)| what).trim();
                faults.push(Fault::of(BOOK, format!("mdBook says: {what}")));
            }
            Some("INFO" | "DEBUG") => is_open = false,
            _ if is_open => {
                let fault = faults.last_mut().expect("one is open");
                fault.what += &format!("\n    {line}");
            }
            _ => {}
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_mdbook_are_faults() {
        let said = " INFO Book building has started\n WARN unclosed HTML tag `<b>`\nin a page\n INFO Running\n\
            2026-01-01 00:00:00 [ERROR] (x): no\nERROR bad\n";
        let reported: Vec<String> = complaints(said).iter().map(Fault::to_string).collect();
        assert_eq!(reported, ["book: mdBook says: unclosed HTML tag `<b>`\n    in a page", "book: mdBook says: bad"]);
    }
}
