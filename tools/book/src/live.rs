//! Makes what the pages load when a reader wants to run a kernel in them: `book/src/live`, which mdBook copies.
//!
//! The kernels are those of `make run`, and the drawing is the one of `make figures`, compiled to WebAssembly. The machine
//! is v86, which npm installs; `book/live/build.mjs` puts all of that into scripts.

use anyhow::{Context, Result, ensure};
use machine::cargo;
use machine::workspace::Workspace;
use std::fs;
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
/// The crate that draws, and the profile that it is built with.
const DRAWING: &str = "live";
/// Whether the packages from npm are installed. Without them, no kernel runs in the pages.
const PACKAGES: &str = "book/live/node_modules";

/// Makes the scripts.
pub fn make(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target.join("live");
    pictures::live::write(workspace)?;
    let mut build = cargo::for_host(workspace, "build");
    build.args(["--quiet", "--package", DRAWING, "--target", TARGET, "--profile", DRAWING]);
    succeed(cargo::with_its_own_std(build), "the drawing could not be compiled to WebAssembly")?;
    let wasm = workspace.target.join(TARGET).join(DRAWING).join(format!("{DRAWING}.wasm"));
    fs::copy(&wasm, folder.join("drawing.wasm")).with_context(|| format!("{} is not there", wasm.display()))?;
    ensure!(
        workspace.root.join(PACKAGES).is_dir(),
        "There is no {PACKAGES}; `make book` installs it, and so does `npm ci --prefix book/live`."
    );
    let mut bundle = Command::new("node");
    bundle.arg(workspace.root.join("book/live/build.mjs")).arg(&folder);
    succeed(bundle, "the scripts for the pages could not be made")
}

fn succeed(mut command: Command, otherwise: &str) -> Result<()> {
    let status =
        command.status().with_context(|| format!("{} could not be started", command.get_program().display()))?;
    ensure!(status.success(), "{otherwise}.");
    Ok(())
}
