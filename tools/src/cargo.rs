//! Cargo, called for the host or for the kernels' target.
//!
//! `core` and `alloc` are built together with the kernels, for `i686.json`. That asks for unstable flags,
//! and they stand here rather than in `.cargo/config.toml`, where they would reach the host's tests as
//! well and give those a second `core`.

use crate::chapters::Workspace;
use std::ffi::OsStr;
use std::process::Command;

/// The file that describes the kernels' target.
const TARGET: &str = "i686.json";

/// How kernels are optimised and checked; the workspace's Cargo.toml says more.
const PROFILE: &str = "kernel";

/// `cargo` with these arguments, wherever this program was started.
pub fn plain<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let cargo = std::env::var_os("CARGO");
    let mut command = Command::new(cargo.as_deref().unwrap_or(OsStr::new("cargo")));
    command.args(arguments);
    command
}

/// `cargo` with this subcommand, for the host.
pub fn for_host(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = plain([subcommand]);
    command.current_dir(&workspace.root);
    command
}

/// `cargo` with this subcommand, for the kernels' target.
pub fn for_kernels(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = for_host(workspace, subcommand);
    command.args(["--profile", PROFILE, "--target", TARGET]);
    command.args(["-Zjson-target-spec", "-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"]);
    // A stable compiler accepts unstable flags only with this.
    command.env("RUSTC_BOOTSTRAP", "1");
    command
}

/// Adds `-p NAME` for each package.
pub fn packages<'a>(command: &mut Command, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        command.args(["-p", name]);
    }
}
