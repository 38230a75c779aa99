//! An exercise, as its folder describes it: `exercises/NN-name/exercise.toml` and the files beside it.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The folder of the exercises that belong to the book.
pub const FOLDER: &str = "exercises";
/// The file in each exercise's folder that describes it.
const DESCRIPTION: &str = "exercise.toml";
/// For an extension, the functions that its holes are, with their bodies. For a part of a chapter, the chapter itself is
/// the answer.
const ANSWER: &str = "answer.rs";
/// What a blank file of assembly contains.
const BLANK: &str = "blank.s";
/// What only an instructor has: more tests. Or, in what a student has, how many they are.
pub const HIDDEN: &str = "hidden.toml";
/// The program with those tests.
pub const HIDDEN_PROGRAM: &str = "tests/hidden.rs";

/// Where the files of a project are: in a folder, or in a commit.
pub trait Files {
    /// The contents of a file, by its path in the project.
    fn bytes(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The names of the files and folders in a folder.
    fn names(&self, folder: &Path) -> io::Result<BTreeSet<String>>;

    /// The text of a file.
    fn text(&self, path: &Path) -> Result<String> {
        let bytes = self.bytes(path).with_context(|| format!("{} cannot be read", path.display()))?;
        String::from_utf8(bytes).with_context(|| format!("{} is not valid UTF-8", path.display()))
    }

    /// Whether a file is there.
    fn has(&self, path: &Path) -> bool {
        self.bytes(path).is_ok()
    }
}

/// The folder of the project.
impl Files for Path {
    fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.join(path))
    }

    fn names(&self, folder: &Path) -> io::Result<BTreeSet<String>> {
        let names = fs::read_dir(self.join(folder))?;
        names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }
}

/// One exercise.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Its folder, relative to the project's folder.
    pub folder: PathBuf,
    /// What its description says.
    pub about: About,
    /// The wrong answers that come with it.
    pub wrong: Vec<Wrong>,
    /// The hidden tests that exist and are not here.
    pub withheld: Withheld,
}

/// Hidden tests that exist elsewhere.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// How many they are.
    pub tests: usize,
    /// What they are worth together.
    pub points: u32,
}

/// The contents of `exercise.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The chapter's number and the place within it, such as `5.2`.
    pub number: String,
    /// A few words.
    pub title: String,
    /// Where the holes are.
    pub kind: Kind,
    /// How hard it is.
    pub grade: Grade,
    /// How long a student needs, in minutes.
    pub minutes: u32,
    /// The number or name of the chapter that it belongs to.
    pub chapter: String,
    /// The functions that the student writes, such as `FrameTable::allocate`, by their files. The files are relative to
    /// the project's folder. A file without functions is written as a whole, and is assembly.
    pub holes: BTreeMap<PathBuf, Vec<String>>,
    /// Bodies for holes that cannot stop with a message, for example because the compiler evaluates them.
    #[serde(default)]
    pub neutral: BTreeMap<String, String>,
    /// Words that the answer may contain although they are refused elsewhere, such as `asm`.
    #[serde(default)]
    pub allowed: Vec<String>,
    /// Other exercises that a student should have done before.
    #[serde(default)]
    pub depends: Vec<String>,
    /// What is judged, and what it is worth.
    pub tests: Vec<Test>,
    /// Known mistakes of the chapter that lie inside the holes, such as `05/freeing-marks-the-wrong-frame`, and the
    /// tests that each one loses.
    #[serde(default)]
    pub mistakes: BTreeMap<String, Vec<String>>,
}

/// Where an exercise's holes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In a chapter: the student writes again what the chapter has.
    Rebuild,
    /// In a crate of its own, which uses the chapter.
    Extend,
}

/// How hard an exercise is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// A first step.
    WarmUp,
    /// What every student should be able to do.
    Core,
    /// For those who want more.
    Challenge,
}

/// One property that is judged. It gives all its points or none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// A short name, such as `each-frame-once`.
    pub name: String,
    /// The property, as a sentence.
    pub says: String,
    /// What it is worth.
    pub points: u32,
    /// The tests of the exercise's own kernel. Each shows what it does with random inputs.
    pub boots: Vec<String>,
    /// Tests of the chapter's kernel that must pass too.
    #[serde(default)]
    pub chapter_boots: Vec<String>,
    /// Tests of the chapter's library that must pass too. They run on the host.
    #[serde(default)]
    pub host: Vec<String>,
    /// Whether only an instructor has it. Then its boots are tests in the program of its own that goes with it.
    #[serde(skip)]
    pub hidden: bool,
}

/// The contents of `hidden.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hidden {
    /// The hidden tests.
    #[serde(default)]
    tests: Vec<Test>,
    /// In what a student has, instead of the tests.
    #[serde(default)]
    withheld: Withheld,
}

/// A wrong answer, and the tests that it loses.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// Its name.
    pub name: String,
    /// The patch that turns the right answer into it, relative to the project's folder.
    pub patch: PathBuf,
    /// The names of the tests that fail, and no others.
    pub loses: Vec<String>,
}

impl Kind {
    /// For a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Extend => "extend",
        }
    }
}

impl Grade {
    /// For a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::WarmUp => "warm-up",
            Self::Core => "core",
            Self::Challenge => "challenge",
        }
    }

    /// What an exercise of this grade is worth.
    pub fn points(self) -> u32 {
        match self {
            Self::WarmUp => 5,
            Self::Core => 10,
            Self::Challenge => 15,
        }
    }
}

impl Exercise {
    /// All exercises, by number.
    pub fn all(files: &(impl Files + ?Sized)) -> Result<Vec<Self>> {
        let names = files.names(Path::new(FOLDER)).with_context(|| format!("there is no folder {FOLDER}"))?;
        let mut all = Vec::new();
        for name in names {
            let folder = Path::new(FOLDER).join(name);
            if files.has(&folder.join(DESCRIPTION)) {
                all.push(Self::read(files, &folder)?);
            }
        }
        all.sort_by_key(|exercise| exercise.place());
        for pair in all.windows(2) {
            let [one, other] = pair else { unreachable!("a window of two") };
            ensure!(
                one.about.number != other.about.number,
                "{} and {} have the same number, {}.",
                one.folder.display(),
                other.folder.display(),
                one.about.number
            );
        }
        Ok(all)
    }

    /// The exercise in a folder.
    fn read(files: &(impl Files + ?Sized), folder: &Path) -> Result<Self> {
        let path = folder.join(DESCRIPTION);
        let mut about: About = toml::from_str(&files.text(&path)?)
            .with_context(|| format!("{} does not describe an exercise", path.display()))?;
        let hidden = folder.join(HIDDEN);
        let mut withheld = Withheld::default();
        if files.has(&hidden) {
            let hidden: Hidden = toml::from_str(&files.text(&hidden)?)
                .with_context(|| format!("{} does not describe hidden tests", hidden.display()))?;
            withheld = hidden.withheld;
            about.tests.extend(hidden.tests.into_iter().map(|test| Test { hidden: true, ..test }));
        }
        let exercise = Self { wrong: wrong_answers(files, folder)?, folder: folder.into(), about, withheld };
        exercise.validate(files).with_context(|| format!("in {}", path.display()))?;
        Ok(exercise)
    }

    /// Finds the exercise that a person names, by its number or its title.
    pub fn find<'a>(all: &'a [Self], word: &str) -> Result<&'a Self> {
        let is_meant = |one: &&Self| {
            one.about.number == word || one.about.title.eq_ignore_ascii_case(word) || one.folder.ends_with(word)
        };
        all.iter().find(is_meant).with_context(|| {
            let list: String = all.iter().map(|one| format!("\n  {}", one.title())).collect();
            format!("There is no exercise \"{word}\". The exercises are{list}")
        })
    }

    /// Its number and title.
    pub fn title(&self) -> String {
        format!("{} {}", self.about.number, self.about.title)
    }

    /// The name of its folder, such as `05-frames`.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What a right answer is worth.
    pub fn points(&self) -> u32 {
        self.about.tests.iter().map(|test| test.points).sum::<u32>() + self.withheld.points
    }

    /// What passing the tests that a student has is worth.
    pub fn public_points(&self) -> u32 {
        self.about.tests.iter().filter(|test| !test.hidden).map(|test| test.points).sum()
    }

    /// The hidden tests: those that are here and those that are not.
    pub fn hidden(&self) -> Withheld {
        let hidden = || self.about.tests.iter().filter(|test| test.hidden);
        Withheld {
            tests: hidden().count() + self.withheld.tests,
            points: hidden().map(|test| test.points).sum::<u32>() + self.withheld.points,
        }
    }

    /// Whether its right answer is there.
    pub fn has_answer(&self, files: &(impl Files + ?Sized)) -> bool {
        self.about.kind == Kind::Rebuild || files.has(&self.folder.join(ANSWER))
    }

    /// Whether it is there as students get it: without wrong answers, and with the number of its hidden tests.
    pub fn is_handed_out(&self, files: &(impl Files + ?Sized)) -> bool {
        files.has(&self.folder.join(HIDDEN)) && !self.about.tests.iter().any(|test| test.hidden)
    }

    /// The file with the right answer for a file with holes.
    pub fn answer_to(&self, file: &Path) -> PathBuf {
        match self.about.kind {
            Kind::Rebuild => file.into(),
            Kind::Extend => self.folder.join(ANSWER),
        }
    }

    /// Its place in the book, from another page.
    pub fn link(&self) -> String {
        let id: String = self.title().to_lowercase().chars().filter_map(in_id).collect();
        format!("{}#{id}", page(&self.about.chapter))
    }

    /// The text of one of its files, or nothing if there is none.
    pub fn text(&self, files: &(impl Files + ?Sized), name: &str) -> String {
        files.text(&self.folder.join(name)).unwrap_or_default()
    }

    /// What a student begins with, for a file that she writes as a whole.
    pub fn blank_file(&self) -> PathBuf {
        self.folder.join(BLANK)
    }

    /// The name of its package.
    pub fn package(&self) -> String {
        format!("ex{}", self.name())
    }

    /// For sorting: 5.2 comes before 5.10.
    fn place(&self) -> Vec<u32> {
        self.about.number.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect()
    }

    fn validate(&self, files: &(impl Files + ?Sized)) -> Result<()> {
        let About { holes, tests, grade, mistakes, neutral, .. } = &self.about;
        ensure!(!holes.is_empty(), "there are no holes");
        ensure!(self.about.kind == Kind::Rebuild || holes.len() == 1, "an extension has one file with holes");
        for file in holes.keys() {
            ensure!(files.has(file), "there is no file {}", file.display());
        }
        ensure!(!tests.is_empty(), "there are no tests");
        let (public, all) = (self.public_points(), self.points());
        ensure!(
            public == grade.points() || all == grade.points(),
            "the tests give {public} points{}, and a {} exercise has {}",
            if all == public { String::new() } else { format!(", with the hidden ones {all}") },
            grade.name(),
            grade.points()
        );
        ensure!(
            !tests.iter().any(|test| test.hidden) || files.has(&self.folder.join(HIDDEN_PROGRAM)),
            "there are hidden tests, and no {HIDDEN_PROGRAM}"
        );
        let is_test = |name: &String| tests.iter().any(|test| test.name == *name);
        for test in tests {
            ensure!(!test.boots.is_empty(), "the test {} has no boot of its own kernel", test.name);
            ensure!(tests.iter().filter(|other| other.name == test.name).count() == 1, "two tests {}", test.name);
        }
        for (name, loses) in self.wrong.iter().map(|wrong| (&wrong.name, &wrong.loses)).chain(mistakes) {
            ensure!(!loses.is_empty(), "the wrong answer {name} loses no test");
            for test in loses {
                ensure!(is_test(test), "the wrong answer {name} loses the test {test}, which does not exist");
            }
        }
        for hole in neutral.keys() {
            ensure!(
                holes.values().flatten().any(|one| one == hole),
                "there is a neutral body for {hole}, which is not a hole"
            );
        }
        Ok(())
    }
}

/// The book's page with the exercises of a chapter: `05-exercises.md` for `05-paging`.
pub fn page(chapter: &str) -> String {
    format!("{}-exercises.md", chapter.split('-').next().unwrap_or_default())
}

/// A letter of a heading, as it is in the id that mdBook gives the heading.
fn in_id(letter: char) -> Option<char> {
    match letter {
        ' ' => Some('-'),
        _ if letter.is_alphanumeric() || letter == '-' || letter == '_' => Some(letter),
        _ => None,
    }
}

/// The wrong answers in an exercise's folder: patches with a line `Loses: test, test` above the difference.
fn wrong_answers(files: &(impl Files + ?Sized), folder: &Path) -> Result<Vec<Wrong>> {
    let Ok(names) = files.names(&folder.join("wrong")) else { return Ok(Vec::new()) };
    let wrong = |name: String| {
        let patch = folder.join("wrong").join(&name);
        let text = files.text(&patch)?;
        let line = text.lines().find_map(|line| line.strip_prefix("Loses: "));
        let line = line.with_context(|| format!("{} has no line \"Loses: …\"", patch.display()))?;
        let loses = line.split(',').map(|test| test.trim().to_owned()).collect();
        Ok(Wrong { name: name.trim_end_matches(".patch").into(), patch, loses })
    };
    names.into_iter().map(wrong).collect()
}
