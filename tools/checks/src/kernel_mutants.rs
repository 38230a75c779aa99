//! `make mutants-of-kernel`: breaks code that only a kernel can run, at random, to see whether the tests notice.
//!
//! A *mutant* is the project with one small mistake. All mutants that the syntax of the sources offers are listed and
//! shuffled by a seed, and a sample of them is tried, one after the other, in the scratch copy. The chapter of the
//! broken file boots its tests, its demonstration and a short form of its long tests, until something fails.
//!
//! Tests of later chapters do not run: a chapter's own tests must hold what it promises. `common` belongs to no
//! chapter, so there the tests of all chapters run. The tests that have caught a mutant of the same file run first. A
//! mutant that does not compile does not count, and another one takes its place.
//!
//! Every result is recorded at once, so a run can be interrupted at any moment, and continues when it is started again.
//! A mutant that survives shows that a test is missing, unless `tools/kernel-mutants.toml` has an excuse for it.

mod assembly;
mod change;
mod excuses;
mod journal;
mod mutant;
mod rust;

use anyhow::{Context, Result, bail};
use clap::Args;
use excuses::Excuses;
use journal::{Journal, State, Tried};
use machine::workspace::{Chapter, Workspace};
use mutant::{Mutant, Source};
use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trials::scratch::{Original, Scratch};
use trials::trial::{self, Verdict};

/// What every chapter's kernel and tests are built from, by the first parts of the paths.
const BUILT_FROM: [&str; 6] = ["Cargo.lock", "Cargo.toml", "common", "harness", "i686.json", "linker.ld"];

/// At most this many of a hundred mutants may have an excuse.
const MOST_EXCUSED: usize = 10;
/// At least this many of a hundred others must be caught.
const LEAST_CAUGHT: usize = 95;

/// The options of `make mutants-of-kernel`.
#[derive(Args)]
pub struct Options {
    /// Mutate only this chapter, by number or name, or only `common`.
    #[arg(long)]
    chapter: Option<String>,
    /// Choose by this seed: the same seed chooses the same mutants from the same sources.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Try this many mutants, not counting those that do not compile.
    #[arg(long, default_value_t = 100)]
    sample: usize,
    /// Treat a test as hung after this many seconds.
    #[arg(long, default_value_t = 20)]
    timeout: u64,
    /// Only list the mutants that would come first; some may not compile.
    #[arg(long)]
    list: bool,
}

/// Tries a sample of mutants, lists those that survive, and fails if there are too many.
pub fn mutants_of_kernel(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let original = Original::read(&workspace.root)?;
    let sources: Vec<Source> = original.files().filter_map(|(file, bytes)| Source::new(file, bytes)).collect();
    let selection = Selection::new(workspace, options.chapter.as_deref())?;
    let excuses = Excuses::read(&workspace.root)?;
    let complaints = excuses.complaints(&all_mutants(&sources)?);
    let sources: Vec<Source> = sources.into_iter().filter(|source| selection.has(source)).collect();
    let drawn = draw(&sources, options.seed)?;
    println!("{} mutants, shuffled by the seed {}.\n", drawn.len(), options.seed);
    if options.list {
        drawn.iter().take(options.sample).for_each(|mutant| println!("{mutant}\n{}\n", mutant.diff()));
        return Ok(ExitCode::SUCCESS);
    }

    // The copy first: its lock lets only one run at a time pass, and the journal needs that too.
    let scratch = Scratch::new(workspace, "mutants")?;
    let journal = Journal::open(&workspace.target.join("mutants/of-kernel.jsonl"))?;
    let timeout = Duration::from_secs(options.timeout);
    let mut hunt = Hunt { workspace, scratch, original, journal, timeout };
    let score = hunt.run(&drawn, options.sample, &excuses)?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    println!("{}", score.summary());
    Ok(if score.is_good() && complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Which sources to break.
enum Selection<'a> {
    All,
    Common,
    One(&'a Chapter),
}

impl<'a> Selection<'a> {
    fn new(workspace: &'a Workspace, word: Option<&str>) -> Result<Self> {
        Ok(match word {
            None => Self::All,
            Some("common") => Self::Common,
            Some(word) => Self::One(workspace.chapter(Some(word))?),
        })
    }

    fn has(&self, source: &Source) -> bool {
        match self {
            Self::All => true,
            Self::Common => source.chapter().is_none(),
            Self::One(chapter) => source.chapter() == Some(&chapter.name),
        }
    }
}

fn all_mutants(sources: &[Source]) -> Result<Vec<Mutant>> {
    let lists = sources.iter().map(Source::mutants).collect::<Result<Vec<_>>>()?;
    Ok(lists.into_iter().flatten().collect())
}

/// All mutants of these sources, in the order in which they are tried. The place of a mutant comes from the seed and
/// from its own text, so that the change of a file does not move the mutants of others.
fn draw(sources: &[Source], seed: u64) -> Result<Vec<Mutant>> {
    let mut times = HashMap::new();
    let place = |mutant: Mutant| {
        let text = (mutant.file.clone(), mutant.diff());
        let time: &mut usize = times.entry(text.clone()).or_default();
        *time += 1;
        (hash(&(seed, text, *time)), mutant)
    };
    let mut mutants: Vec<(u64, Mutant)> = all_mutants(sources)?.into_iter().map(place).collect();
    mutants.sort_by_key(|(place, _)| *place);
    Ok(mutants.into_iter().map(|(_, mutant)| mutant).collect())
}

/// Whether the kernel and the tests of a chapter are built from this file; without a chapter, whether those of any are.
fn is_built_from(file: &Path, chapter: Option<&str>) -> bool {
    let mut parts = file.iter().filter_map(|part| part.to_str());
    match (parts.next(), parts.next(), chapter) {
        (Some("chapters"), Some(folder), Some(chapter)) => {
            folder == chapter || folder < chapter && parts.next() == Some("src")
        }
        (Some("chapters"), _, None) => true,
        (Some(first), _, _) => BUILT_FROM.contains(&first),
        (None, _, _) => false,
    }
}

/// A number that identifies `what`.
fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// All that is needed to try a mutant.
struct Hunt<'a> {
    workspace: &'a Workspace,
    scratch: Scratch,
    original: Original,
    journal: Journal,
    timeout: Duration,
}

impl Hunt<'_> {
    /// Tries mutants in this order until the sample is complete, and prints the result of each.
    fn run<'a>(&mut self, drawn: &'a [Mutant], sample: usize, excuses: &'a Excuses) -> Result<Score<'a>> {
        let mut score = Score::default();
        for mutant in drawn {
            if score.tried() == sample {
                break;
            }
            let (verdict, seconds) = match self.journal.tried(mutant, self.state(mutant)) {
                Some(tried) => (tried.verdict.clone(), tried.seconds),
                None => self.try_one(mutant)?,
            };
            println!("{mutant}: {} ({seconds:.1} s)\n{}", words(&verdict), mutant.diff());
            score.count(mutant, &verdict, seconds, excuses);
            println!("{}\n", score.progress(sample));
        }
        Ok(score)
    }

    /// The state of the files in which a mutant is tried.
    fn state(&self, mutant: &Mutant) -> State {
        let source = self.hash_of(|file| file == Path::new(&mutant.file));
        State { source, build: self.build(mutant.chapter()) }
    }

    /// A number for the files that a chapter's kernels are built from; without a chapter, for those of all.
    fn build(&self, chapter: Option<&str>) -> u64 {
        self.hash_of(|file| is_built_from(file, chapter))
    }

    fn hash_of(&self, is_one: impl Fn(&Path) -> bool) -> u64 {
        hash(&self.original.files().filter(|(file, _)| is_one(file)).collect::<Vec<_>>())
    }

    fn try_one(&mut self, mutant: &Mutant) -> Result<(Verdict, f32)> {
        let workspace = self.workspace;
        let mut chapters: Vec<&Chapter> = match mutant.chapter() {
            None => workspace.chapters.iter().collect(),
            Some(name) => vec![workspace.chapter(Some(name))?],
        };
        let catchers = self.journal.catchers(mutant);
        let place = |chapter: &Chapter| catchers.iter().position(|(name, _)| *name == chapter.name);
        // A chapter whose tests name the broken module is more likely to notice than others.
        chapters.sort_by_key(|chapter| (place(chapter).unwrap_or(usize::MAX), !self.tests_name(chapter, mutant)));
        let mut tried = Tried {
            mutant: mutant.clone(),
            chapter: String::new(),
            verdict: Verdict::Passed,
            seconds: 0.0,
            state: self.state(mutant),
        };
        for chapter in chapters {
            self.without_mistake(chapter)?;
            let is_here = |(name, test): &(String, String)| (*name == chapter.name).then(|| test.clone());
            let first: Vec<String> = catchers.iter().filter_map(is_here).collect();
            let start = Instant::now();
            self.spoil(mutant)?;
            tried.verdict = trial::boot(&self.scratch.workspace, chapter, self.timeout, &first)?;
            tried.chapter = chapter.name.clone();
            tried.seconds += start.elapsed().as_secs_f32();
            if tried.verdict != Verdict::Passed {
                break;
            }
        }
        let came = (tried.verdict.clone(), tried.seconds);
        self.journal.note_tried(tried)?;
        Ok(came)
    }

    /// Whether the tests of a chapter name the module that the mutant breaks.
    fn tests_name(&self, chapter: &Chapter, mutant: &Mutant) -> bool {
        let folder = Path::new("chapters").join(&chapter.name).join("tests");
        let module = Path::new(&mutant.file).file_stem().unwrap_or_default().to_string_lossy();
        let names = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(&format!("{module}::"));
        self.original.files().any(|(file, bytes)| file.starts_with(&folder) && names(bytes))
    }

    /// Fails if the tests of a chapter fail without a mutant: then every mutant would seem to be caught.
    fn without_mistake(&mut self, chapter: &Chapter) -> Result<()> {
        let build = self.build(Some(&chapter.name));
        if self.journal.has_passed(&chapter.name, build) {
            return Ok(());
        }
        println!(
            "First, {} runs without a mutant, in a copy of the project. The first time, building it takes minutes.",
            chapter.name
        );
        self.scratch.restore(&self.original)?;
        match trial::boot(&self.scratch.workspace, chapter, self.timeout, &[])? {
            Verdict::Passed => self.journal.note_passed(&chapter.name, build),
            Verdict::Failed(test) => bail!("{} fails even without a mutant: {test}.", chapter.name),
            Verdict::DoesNotCompile => bail!("{} does not compile even without a mutant.", chapter.name),
        }
    }

    /// Puts this mutant, and no other, into the copy.
    fn spoil(&self, mutant: &Mutant) -> Result<()> {
        self.scratch.restore(&self.original)?;
        let path = self.scratch.workspace.root.join(&mutant.file);
        let text = fs::read_to_string(&path).and_then(|text| fs::write(&path, mutant.made_of(&text)));
        text.with_context(|| format!("{} could not be changed", path.display()))
    }
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "SURVIVED".into(),
        Verdict::Failed(test) => format!("caught by {test}"),
        Verdict::DoesNotCompile => "does not compile".into(),
    }
}

/// The results of the mutants so far.
#[derive(Default)]
struct Score<'a> {
    caught: usize,
    not_compiled: usize,
    survivors: Vec<&'a Mutant>,
    /// With the reasons.
    excused: Vec<(&'a Mutant, &'a str)>,
    seconds: f32,
}

impl<'a> Score<'a> {
    fn count(&mut self, mutant: &'a Mutant, verdict: &Verdict, seconds: f32, excuses: &'a Excuses) {
        self.seconds += seconds;
        match verdict {
            Verdict::Failed(_) => self.caught += 1,
            Verdict::DoesNotCompile => self.not_compiled += 1,
            Verdict::Passed => match excuses.of(mutant) {
                Some(excuse) => self.excused.push((mutant, &excuse.reason)),
                None => self.survivors.push(mutant),
            },
        }
    }

    /// How many of the mutants so far compile.
    fn tried(&self) -> usize {
        self.caught + self.survivors.len() + self.excused.len()
    }

    fn progress(&self, sample: usize) -> String {
        let (tried, survived) = (self.tried(), self.survivors.len() + self.excused.len());
        let left = self.seconds / tried.max(1) as f32 * (sample - tried) as f32;
        let (caught, not_compiled) = (self.caught, self.not_compiled);
        let minutes = (left / 60.0).ceil();
        format!(
            "{tried} of {sample}: {caught} caught, {survived} survived, {not_compiled} do not compile; \
             {minutes} min left"
        )
    }

    /// Whether enough of the mutants without an excuse were caught, and there are not too many excuses.
    fn is_good(&self) -> bool {
        let without_excuse = self.caught + self.survivors.len();
        self.caught * 100 >= without_excuse * LEAST_CAUGHT && self.excused.len() * 100 <= self.tried() * MOST_EXCUSED
    }

    /// The survivors, and the count.
    fn summary(&self) -> String {
        let mut text = String::new();
        for (mutant, reason) in &self.excused {
            text += &format!("{mutant}: excused: {reason}\n{}\n\n", mutant.diff());
        }
        for mutant in &self.survivors {
            text += &format!("{mutant}: SURVIVED\n{}\n\n", mutant.diff());
        }
        let (caught, survived, excused) = (self.caught, self.survivors.len(), self.excused.len());
        let percent = (caught * 100).checked_div(caught + survived).unwrap_or(100);
        text + &format!(
            "{caught} caught, {survived} survived, {excused} excused, {} do not compile; {percent} % of those without an \
             excuse are caught. At least {LEAST_CAUGHT} % must be, and at most {MOST_EXCUSED} % may be excused.",
            self.not_compiled
        )
    }
}

#[cfg(test)]
mod tests {
    use super::mutant::tests::mutants;
    use super::*;

    fn sources() -> Vec<Source> {
        let text: String = (0..100).map(|number| format!("push {number}\n")).collect();
        vec![Source { file: "common/src/a.s".into(), text }]
    }

    fn places(mutants: &[Mutant]) -> Vec<usize> {
        mutants.iter().map(|mutant| mutant.line).collect()
    }

    #[test]
    fn a_seed_always_draws_the_same_mutants_and_another_seed_others() {
        let drawn = |seed| draw(&sources(), seed).expect("mutants");
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(places(&drawn(1)), places(&drawn(2)));
        let mut sorted = places(&drawn(1));
        sorted.sort();
        assert_eq!(sorted, places(&all_mutants(&sources()).expect("mutants")), "each is drawn once");
    }

    #[test]
    fn a_change_elsewhere_changes_no_choice() {
        let file = |file: &str, text: &str| Source { file: file.into(), text: text.into() };
        let (left, line) = (file("common/src/a.s", "cli\ncli\nhlt\n"), file("common/src/b.s", "sti\n"));
        let before = draw(&[left], 1).expect("mutants");
        let mut after = draw(&[file("common/src/a.s", "/* why */\ncli\ncli\nhlt\n"), line], 1).expect("mutants");
        after.retain(|mutant| mutant.file == "common/src/a.s");
        assert_eq!(places(&after), places(&before).iter().map(|line| line + 1).collect::<Vec<_>>());
    }

    #[test]
    fn a_kernel_is_built_from_its_chapter_and_the_sources_of_those_before() {
        let is_built_from = |file: &str, chapter| is_built_from(Path::new(file), chapter);
        for file in ["common/src/lock.rs", "chapters/04-interrupts/tests/kernel.rs", "chapters/01-boot/src/entry.s"] {
            assert!(is_built_from(file, Some("04-interrupts")) && is_built_from(file, None), "{file}");
        }
        for file in ["chapters/01-boot/tests/kernel.rs", "chapters/05-paging/src/lib.rs", "book/src/a.md"] {
            assert!(!is_built_from(file, Some("04-interrupts")), "{file}");
        }
        assert!(!is_built_from("book/src/a.md", None));
    }

    /// A score with these numbers of mutants that were caught, that survived, and that have an excuse.
    fn score(mutant: &Mutant, caught: usize, survived: usize, excused: usize) -> Score<'_> {
        Score { caught, survivors: vec![mutant; survived], excused: vec![(mutant, ""); excused], ..Score::default() }
    }

    #[test]
    fn ninety_five_percent_must_be_caught_and_ten_may_be_excused() {
        let mutant = &mutants("a.s", "cli")[0];
        for (caught, survived, excused) in [(95, 5, 0), (86, 4, 10), (9, 0, 1), (0, 0, 0)] {
            assert!(score(mutant, caught, survived, excused).is_good(), "{caught} {survived} {excused}");
        }
        for (caught, survived, excused) in [(94, 6, 0), (85, 5, 10), (89, 0, 11), (8, 0, 1), (9, 1, 0)] {
            assert!(!score(mutant, caught, survived, excused).is_good(), "{caught} {survived} {excused}");
        }
    }

    #[test]
    fn mutants_that_do_not_compile_are_not_in_the_sample() {
        let mutants = mutants("a.s", "cli\nhlt");
        let excuses = Excuses::default();
        let mut score = Score::default();
        for (mutant, verdict) in
            mutants.iter().zip([Verdict::DoesNotCompile, Verdict::Failed("a_test".into()), Verdict::Passed])
        {
            score.count(mutant, &verdict, 30.0, &excuses);
        }
        assert_eq!(score.tried(), 2);
        assert_eq!(score.progress(4), "2 of 4: 1 caught, 1 survived, 1 do not compile; 2 min left");
        assert!(score.summary().starts_with("a.s:2: SURVIVED\n- hlt\n"));
    }
}
