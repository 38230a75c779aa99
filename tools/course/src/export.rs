//! Writes the results of a class in the formats of other programs: `make course-export`.
//!
//! A record that is not final has no points in any format, because a zero would be read as a grade. And in no format does a
//! student read that all tests passed while some of them are withheld, or are not judged yet.

mod actions;
mod classroom50;
mod gradescope;
mod junit;
#[cfg(test)]
pub mod samples;
mod table;
pub mod words;

pub use actions::actions;
pub use classroom50::{Place, classroom50};
pub use gradescope::gradescope;
pub use junit::junit;
pub use table::csv;

use crate::judge::Judgement;
use crate::records::RECORDS;
use crate::result::{FORMAT, Graded};
use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use clap::Args;
use machine::workspace::Workspace;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};
use trials::exercise::{Exercise, Kind};

/// In the folder that `make grade` writes, where the exports are written.
const EXPORT: &str = "export";

/// The options of `make course-export`.
#[derive(Args)]
pub struct Options {
    /// The format: gradescope, classroom50, actions, junit or csv.
    #[arg(long)]
    format: Option<String>,
    /// The folder that `make grade` has written.
    #[arg(long)]
    results: Option<PathBuf>,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Gradescope,
    Classroom50,
    Actions,
    Junit,
    Csv,
}

/// A file to write: its path in the folder of the export, and its contents.
type File = (PathBuf, Vec<u8>);

/// A record, as it was read.
struct Record {
    /// The name of its file, without the ending.
    name: OsString,
    graded: Graded,
    /// When it was written.
    time: DateTime<Utc>,
}

/// Writes the results of a class in another format.
pub fn course_export(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let format = Format::find(options.format.as_deref())?;
    let Some(results) = &options.results else {
        bail!("Say which results, as in RESULTS=grades/05-frames. `make grade` writes this folder.");
    };
    let records = read(results)?;
    let graded: Vec<Graded> = records.iter().map(|record| record.graded.clone()).collect();
    let files = match format {
        Format::Gradescope => each(&records, "results.json", |record| Ok(Some(pretty(&gradescope(&record.graded))?)))?,
        Format::Classroom50 => {
            let place = Place::from(|name| env::var(name).ok());
            let assignment = results.file_name().map_or("unknown".into(), |name| name.to_string_lossy());
            each(&records, "result.json", |record| {
                let result = classroom50(&record.graded, &place, &assignment, &record.time);
                result.map(|result| pretty(&result)).transpose()
            })?
        }
        Format::Actions => {
            let file =
                |record: &Record| (Path::new(&record.name).join("result.txt"), actions(&record.graded).into_bytes());
            records.iter().map(file).collect()
        }
        Format::Junit => vec![("results.xml".into(), junit(&graded)?.into_bytes())],
        Format::Csv => {
            let mut table = Vec::new();
            csv(&graded, kind(workspace, &graded)?, &mut table)?;
            vec![("grades.csv".into(), table)]
        }
    };
    let folder = write(&results.join(EXPORT), format.name(), &files)?;
    remarks(format, &graded).iter().for_each(|remark| println!("{remark}"));
    match files.as_slice() {
        [(file, _)] => println!("{}", folder.join(file).display()),
        _ => println!("{}", folder.display()),
    }
    Ok(ExitCode::SUCCESS)
}

impl Format {
    const ALL: [Self; 5] = [Self::Gradescope, Self::Classroom50, Self::Actions, Self::Junit, Self::Csv];

    fn name(self) -> &'static str {
        match self {
            Self::Gradescope => "gradescope",
            Self::Classroom50 => "classroom50",
            Self::Actions => "actions",
            Self::Junit => "junit",
            Self::Csv => "csv",
        }
    }

    /// The format that a person names.
    fn find(word: Option<&str>) -> Result<Self> {
        let list = Self::ALL.map(Self::name).join(", ");
        let Some(word) = word.filter(|word| !word.is_empty()) else {
            bail!("Say which format, as in FORMAT=csv. The formats are {list}.");
        };
        let found = Self::ALL.into_iter().find(|format| format.name() == word);
        found.with_context(|| format!("There is no format \"{word}\". The formats are {list}."))
    }

    /// Whether the program that reads it can keep a test's result from a student.
    fn can_hide(self) -> bool {
        self == Self::Gradescope
    }
}

/// Reads the records of a class, by the names of their files.
fn read(results: &Path) -> Result<Vec<Record>> {
    let folder = results.join(RECORDS);
    ensure!(
        folder.is_dir(),
        "There are no results in {}: it has no folder `{RECORDS}`, which `make grade` writes.",
        results.display()
    );
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    ensure!(!paths.is_empty(), "There are no records in {}. `make grade` writes them.", folder.display());
    let record = |path: &PathBuf| record(path).with_context(|| format!("{} is no record", path.display()));
    let records = paths.iter().map(record).collect::<Result<Vec<Record>>>()?;
    let of = |record: &Record| {
        let Judgement { exercise, edition, seed, .. } = &record.graded.judgement;
        (exercise.clone(), edition.clone(), *seed)
    };
    if let Some([one, other]) = records.array_windows().find(|[one, other]| of(one) != of(other)) {
        bail!(
            "The records in {} are of different exercises, editions or seeds, such as those of {} and {}. `make grade` with \
             the submissions of all students makes them the same.",
            folder.display(),
            one.graded.student,
            other.graded.student
        );
    }
    Ok(records)
}

fn record(path: &Path) -> Result<Record> {
    let name = path.file_stem().unwrap_or_default().to_owned();
    // It becomes the name of a folder.
    let parts: Vec<_> = Path::new(&name).components().collect();
    ensure!(matches!(parts[..], [Component::Normal(_)]), "its name is not that of a student");
    let graded: Graded = serde_json::from_slice(&fs::read(path)?)?;
    ensure!(graded.format == FORMAT, "its format is \"{}\", and this program reads {FORMAT}", graded.format);
    Ok(Record { name, graded, time: fs::metadata(path)?.modified()?.into() })
}

/// A file for each student, in a folder with her name. A record that has no result in this format gets no file.
fn each(records: &[Record], file: &str, bytes: impl Fn(&Record) -> Result<Option<Vec<u8>>>) -> Result<Vec<File>> {
    let file = |record: &Record| Ok(bytes(record)?.map(|bytes| (Path::new(&record.name).join(file), bytes)));
    records.iter().filter_map(|record| file(record).transpose()).collect()
}

fn pretty(value: &serde_json::Value) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(value)?)
}

/// Replaces a folder as a whole, so that no file of an earlier export stays.
fn write(exports: &Path, name: &str, files: &[File]) -> Result<PathBuf> {
    let (folder, new) = (exports.join(name), exports.join(format!("{name}.new")));
    let replace = || -> Result<()> {
        remove(&new)?;
        fs::create_dir_all(&new)?;
        for (path, bytes) in files {
            let path = new.join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder"))?;
            fs::write(path, bytes)?;
        }
        remove(&folder)?;
        Ok(fs::rename(&new, &folder)?)
    };
    replace().with_context(|| format!("writing {}", folder.display()))?;
    Ok(folder)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Whether the answers are in the book. An exercise that is not among those of the project is an instructor's own, and its
/// answer is not in the book.
fn kind(workspace: &Workspace, graded: &[Graded]) -> Result<Kind> {
    let all = Exercise::all(workspace.root.as_path())?;
    let is_that = |exercise: &&Exercise| graded.iter().any(|graded| graded.judgement.exercise == exercise.about.number);
    Ok(all.iter().find(is_that).map_or(Kind::Extend, |exercise| exercise.about.kind))
}

/// What an instructor must know about an export.
fn remarks(format: Format, graded: &[Graded]) -> Vec<String> {
    let mut remarks = Vec::new();
    let open: Vec<&str> =
        graded.iter().filter(|graded| !graded.is_final()).map(|graded| graded.student.as_str()).collect();
    if !open.is_empty() {
        let how = if format == Format::Classroom50 { "no file" } else { "no points" };
        remarks.push(format!(
            "Not judged to the end, so with {how} here: {}. `make grade` judges them again.",
            open.join(", ")
        ));
    }
    let has_hidden = graded.iter().any(|graded| graded.judgement.tests.iter().any(|judged| judged.hidden));
    if has_hidden && !format.can_hide() {
        remarks
            .push("This format cannot hide tests: a person who reads it sees the results of the hidden ones.".into());
    }
    if format == Format::Csv {
        remarks.push("`make grade` has written the same table to `grades.csv` in the folder of the results.".into());
    }
    if format == Format::Classroom50 && env::var_os(classroom50::CLASSROOM).is_none() {
        remarks.push(
            "Classroom 50's runner sets CLASSROOM, ASSIGNMENT, SUBMISSION_TAG, COMMIT_URL and RELEASE_URL. CLASSROOM is not \
             set here. What the runner would have said is \"unknown\" in these files, and Classroom 50 refuses them until \
             you fill it in."
                .into(),
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folder of a class.
    fn class() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("there is room");
        let records = folder.path().join(RECORDS);
        fs::create_dir(&records).expect("a new folder");
        for graded in samples::all() {
            let path = records.join(format!("{}.json", graded.student));
            fs::write(path, serde_json::to_vec(&graded).expect("plain data")).expect("a new file");
        }
        folder
    }

    /// Whether a value is as a schema says.
    pub fn assert_valid(schema: &str, value: &serde_json::Value) {
        let schema = serde_json::from_str(schema).expect("a schema is JSON");
        let validator = jsonschema::draft202012::new(&schema).expect("it is a schema");
        let errors: Vec<_> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?} in\n{value:#}");
    }

    #[test]
    fn every_record_is_as_the_schema_says() {
        for graded in samples::all() {
            let value = serde_json::to_value(&graded).expect("plain data");
            assert_valid(include_str!("../result.schema.json"), &value);
        }
    }

    #[test]
    fn records_are_read_by_name_and_damage_is_named() {
        let class = class();
        let records = read(class.path()).expect("all are records");
        assert_eq!(records.len(), samples::all().len());
        assert!(records.is_sorted_by_key(|record| record.name.clone()));
        let sentence = |path: &Path| format!("{:#}", read(path).err().expect("this is no class"));
        for (name, text, why) in
            [("zoe.json", "{", "zoe.json is no record: EOF"), ("...json", "{}", "its name is not that of a student")]
        {
            let path = class.path().join(RECORDS).join(name);
            fs::write(&path, text).expect("a new file");
            assert!(sentence(class.path()).contains(why), "{}", sentence(class.path()));
            fs::remove_file(path).expect("it is there");
        }
        let mut other = Graded { student: "zoe".into(), ..samples::passed() };
        other.judgement.seed = 99;
        let path = class.path().join(RECORDS).join("zoe.json");
        fs::write(&path, serde_json::to_vec(&other).expect("plain data")).expect("a new file");
        assert!(sentence(class.path()).contains(" and zoe. `make grade` with"), "{}", sentence(class.path()));
        fs::remove_file(path).expect("it is there");
        let mut old = samples::passed();
        old.format = "kernel-course-result/0".into();
        fs::write(class.path().join(RECORDS).join("old.json"), serde_json::to_vec(&old).expect("plain data"))
            .expect("a new file");
        assert!(sentence(class.path()).contains("this program reads kernel-course-result/1"));
        assert!(sentence(&class.path().join("elsewhere")).contains("`make grade` writes"));
    }

    #[test]
    fn an_export_replaces_the_one_before() {
        let folder = tempfile::tempdir().expect("there is room");
        let file = |name: &str| (PathBuf::from(name), b"text".to_vec());
        write(folder.path(), "csv", &[file("alice/one"), file("bob/one")]).expect("there is room");
        let path = write(folder.path(), "csv", &[file("alice/one")]).expect("there is room");
        assert!(path.join("alice/one").exists() && !path.join("bob").exists());
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn formats_are_found_by_name_and_listed() {
        for format in Format::ALL {
            assert_eq!(Format::find(Some(format.name())).expect("it exists"), format);
        }
        for word in [None, Some(""), Some("CSV"), Some("moodle")] {
            let sentence = Format::find(word).expect_err("there is no such format").to_string();
            assert!(sentence.contains("gradescope, classroom50, actions, junit, csv"), "{sentence}");
        }
    }

    #[test]
    fn an_instructor_is_told_what_a_format_lacks() {
        let remarks =
            |format| remarks(format, &[samples::passed(), samples::infra_error(), samples::hidden()]).join("\n");
        assert!(remarks(Format::Csv).contains("with no points here: irene."));
        assert!(remarks(Format::Classroom50).contains("with no file here: irene."));
        assert!(remarks(Format::Csv).contains("cannot hide"));
        assert!(!remarks(Format::Gradescope).contains("cannot hide"));
    }
}
