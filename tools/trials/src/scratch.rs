//! A scratch copy of the project, to be broken and restored.
//!
//! It is in Cargo's target folder and keeps what was built in it, so that only what a patch touches is built again.
//! Restoring works from any state, such as that after an interrupted run.

use crate::exercise::Files;
use crate::git;
use anyhow::{Context, Result};
use machine::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Where Cargo builds, within the copy.
const TARGET: &str = "target";

/// The contents of the project's files, by their paths relative to its folder.
#[derive(Clone)]
pub struct Original(BTreeMap<PathBuf, Vec<u8>>);

/// The scratch copy.
pub struct Scratch {
    /// The copy as a workspace. What Cargo and the compiler print there is hidden.
    pub workspace: Workspace,
    /// Keeps other runs from using the copy.
    _lock: File,
}

impl Original {
    /// Reads all files that git tracks, and those that it would add, as they are now.
    pub fn read(root: &Path) -> Result<Self> {
        let read = |path: PathBuf| fs::read(root.join(&path)).map(|bytes| (path, bytes));
        let files = git::files(root)?.into_iter().map(read).collect::<io::Result<_>>();
        files.map(Self).context("the project's files could not be read")
    }

    /// Reads all files of a commit.
    pub fn of_commit(root: &Path, commit: &str) -> Result<Self> {
        git::files_of(root, commit).map(|files| Self(files.into_iter().collect()))
    }

    /// The contents of a file.
    pub fn get(&self, path: &Path) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// Replaces the contents of a file, or adds it.
    pub fn put(&mut self, path: &Path, bytes: Vec<u8>) {
        self.0.insert(path.into(), bytes);
    }

    /// Takes out the files whose paths do not belong here.
    pub fn retain(&mut self, belongs: impl Fn(&Path) -> bool) {
        self.0.retain(|path, _| belongs(path));
    }

    /// The files, by their paths relative to the project's folder, and the contents of each.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()))
    }
}

impl Files for Original {
    fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names(&self, folder: &Path) -> io::Result<BTreeSet<String>> {
        let name = |path: &Path| {
            let inner = path.strip_prefix(folder).ok()?.iter().next()?;
            Some(inner.to_string_lossy().into_owned())
        };
        let names: BTreeSet<String> = self.0.keys().filter_map(|path| name(path)).collect();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names) }
    }
}

impl Scratch {
    /// Opens the copy in its present state. It still has to be restored. Copies with different names do not know each
    /// other.
    pub fn new(workspace: &Workspace, name: &str) -> Result<Self> {
        let in_use = || format!("The copy in {} is in use already.", workspace.target.join(name).display());
        Self::if_free(workspace, name)?.with_context(in_use)
    }

    /// The same; `None` if the copy is in use.
    pub fn if_free(workspace: &Workspace, name: &str) -> Result<Option<Self>> {
        let folder = workspace.target.join(name);
        let make = || -> io::Result<(PathBuf, File)> {
            let root = folder.join("copy");
            fs::create_dir_all(&root)?;
            Ok((root.canonicalize()?, File::create(folder.join("lock"))?))
        };
        let (root, lock) = make().with_context(|| format!("{} could not be created", folder.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{} cannot be locked", folder.join("lock").display()));
            }
        }
        let (target, chapters) = (root.join(TARGET), workspace.chapters.clone());
        Ok(Some(Self { workspace: Workspace { root, target, chapters, is_quiet: true }, _lock: lock }))
    }

    /// Makes the copy like the original again. Files that already are stay untouched, so that Cargo does not build them
    /// again.
    pub fn restore(&self, original: &Original) -> Result<()> {
        let root = &self.workspace.root;
        let restore = || -> io::Result<()> {
            for path in files_in(root)?.iter().filter(|path| !original.0.contains_key(*path)) {
                fs::remove_file(root.join(path))?;
                // Cargo would take an empty folder for a package.
                let folders = path.ancestors().skip(1).take_while(|folder| *folder != "");
                folders
                    .map(|folder| root.join(folder))
                    .take_while(|folder| fs::remove_dir(folder).is_ok())
                    .for_each(drop);
            }
            for (path, bytes) in &original.0 {
                let path = root.join(path);
                if fs::read(&path).ok().as_ref() != Some(bytes) {
                    fs::create_dir_all(path.parent().unwrap_or(root))?;
                    fs::write(path, bytes)?;
                }
            }
            Ok(())
        };
        restore().with_context(|| format!("the copy in {} could not be restored", root.display()))
    }
}

/// The files of a copy, by their paths relative to its folder, without what was built.
fn files_in(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.strip_prefix(root) {
                Ok(inner) if inner == Path::new(TARGET) => {}
                _ if path.is_dir() => folders.push(path),
                Ok(inner) => files.push(inner.to_owned()),
                Err(_) => unreachable!("{} is in {}", path.display(), root.display()),
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::tests::repository;
    use tempfile::TempDir;

    fn workspace(root: &Path) -> Workspace {
        Workspace { root: root.into(), target: root.join(TARGET), chapters: Vec::new(), is_quiet: false }
    }

    /// A repository, and a copy of it that has been restored once.
    fn copied() -> (TempDir, Original, Scratch) {
        let folder = repository();
        let original = Original::read(folder.path()).expect("files");
        let copy = Scratch::new(&workspace(folder.path()), "mutants").expect("a copy");
        copy.restore(&original).expect("a good copy");
        (folder, original, copy)
    }

    fn one(root: &Path) -> String {
        fs::read_to_string(root.join("in/one")).expect("a file")
    }

    #[test]
    fn only_one_process_uses_the_copy() {
        let (folder, _, copy) = copied();
        assert!(Scratch::new(&workspace(folder.path()), "mutants").is_err());
        drop(copy);
        assert!(Scratch::new(&workspace(folder.path()), "mutants").is_ok());
    }

    #[test]
    fn a_patch_changes_only_the_copy() {
        let (folder, original, copy) = copied();
        let root = &copy.workspace.root;
        assert_eq!(one(root), "one\n");
        git::apply(root, Path::new("patch")).expect("git is there").expect("a patch that applies");
        assert_eq!((one(root), one(folder.path())), ("two\n".into(), "one\n".into()));
        copy.restore(&original).expect("a good copy");
        assert_eq!(one(root), "one\n");
    }

    #[test]
    fn restoring_keeps_only_the_build() {
        let (_folder, original, copy) = copied();
        let root = &copy.workspace.root;
        fs::create_dir(root.join(TARGET)).expect("a new folder");
        fs::create_dir_all(root.join("new/folder")).expect("new folders");
        for name in ["target/built", "in/new", "new/folder/file"] {
            fs::write(root.join(name), "").expect("a new file");
        }
        fs::remove_file(root.join("in/one")).expect("the file is there");
        let time = || fs::metadata(root.join("patch")).and_then(|data| data.modified()).expect("a time");
        let before = time();
        copy.restore(&original).expect("a good copy");
        assert!(root.join("target/built").exists() && !root.join("in/new").exists());
        assert!(!root.join("new").exists(), "an empty folder goes too");
        assert_eq!(one(root), "one\n");
        assert_eq!(time(), before, "what was good is not touched");
    }
}
