//! The loop: take an input, change it, run it, keep it when it reached something new.

use std::{
    fmt, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{Seek, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    coverage::Coverage,
    mutate::{Random, mutate},
    targets::Target,
};

/// An input that takes longer has found something.
const MAX_RUN: Duration = Duration::from_secs(20);
/// Like a worker thread of the runtime, so that what would overflow there overflows here.
const STACK_BYTES: usize = 2 * 1024 * 1024;
/// Inputs that are kept in memory.
const MAX_CORPUS: usize = 20_000;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Budget {
    Time(Duration),
    Runs(u64),
}

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) target: &'static Target,
    pub(crate) budget: Budget,
    pub(crate) seed: u64,
    pub(crate) inputs: Vec<PathBuf>,
}

/// What a run without findings tells.
#[derive(Debug)]
pub(crate) struct Summary {
    target: &'static str,
    runs: u64,
    corpus: usize,
    edges: Option<usize>,
    took: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, runs, corpus, edges, took } = self;
        write!(f, "{target}: {runs} runs in {:.1} s, {corpus} inputs kept, ", took.as_secs_f64())?;
        match edges {
            Some(edges) => write!(f, "{edges} edges"),
            None => f.write_str("no coverage (build with scripts/fuzz for that)"),
        }
    }
}

/// Where the repository keeps what this target found.
fn crashes(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crashes").join(target)
}

/// The seeds that come with the repository.
pub(crate) fn seeds(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// Every file of a directory, or the one file, in a fixed order.
pub(crate) fn read(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.is_file() {
        return Ok(vec![fs::read(path).map_err(fail)?]);
    }
    let entries = fs::read_dir(path).map_err(fail)?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files.iter().filter(|file| file.is_file()).map(|file| fs::read(file).map_err(fail)).collect()
}

/// Runs a target.
///
/// # Errors
/// What was found, and where the input lies.
pub(crate) fn run(options: Options) -> Result<Summary, String> {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || Fuzzer::new(options)?.run())
        .map_err(|error| error.to_string())?
        .join()
        .unwrap_or_else(|_| Err("the fuzzer itself failed".to_owned()))
}

struct Fuzzer {
    options: Options,
    coverage: Coverage,
    corpus: Vec<Vec<u8>>,
    random: Random,
    runs: u64,
    /// Holds the input that runs, for a run that nothing can catch: a stack overflow or a hang.
    running: fs::File,
    running_path: PathBuf,
    /// Tells the watchdog that the runs go on.
    progress: Arc<AtomicU64>,
}

impl Fuzzer {
    fn new(options: Options) -> Result<Self, String> {
        let folder = crashes(options.target.name);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let running_path = folder.join(format!("running-{}", std::process::id()));
        let running = fs::File::create(&running_path).map_err(|error| error.to_string())?;
        let progress = Arc::<AtomicU64>::default();
        watch(Arc::clone(&progress), running_path.clone());
        let random = Random::new(options.seed);
        let coverage = Coverage::new();
        Ok(Self {
            options,
            coverage,
            corpus: Vec::new(),
            random,
            runs: 0,
            running,
            running_path,
            progress,
        })
    }

    fn run(mut self) -> Result<Summary, String> {
        let started = Instant::now();
        let mut seeds = read(&seeds(self.options.target.name)).unwrap_or_default();
        for path in self.options.inputs.clone() {
            seeds.extend(read(&path)?);
        }
        for seed in &seeds {
            self.once(seed)?;
            self.corpus.push(seed.clone());
        }
        // One file alone is run again, and nothing else.
        let replay = matches!(self.options.inputs.as_slice(), [one] if one.is_file());
        while !replay && self.goes_on(started) {
            let target = self.options.target;
            let input = match (target.generate, self.random.below(4)) {
                (Some(generate), 0) => generate(&mut self.random),
                _ => {
                    let mut input = self.random.choose(&self.corpus).cloned().unwrap_or_default();
                    mutate(&mut input, &self.corpus, target.words, &mut self.random);
                    input
                }
            };
            let new = self.once(&input)?;
            if new && self.corpus.len() < MAX_CORPUS {
                self.corpus.push(input);
            }
        }
        drop(fs::remove_file(&self.running_path));
        drop(fs::remove_dir(crashes(self.options.target.name)));
        Ok(Summary {
            target: self.options.target.name,
            runs: self.runs,
            corpus: self.corpus.len(),
            edges: self.coverage.is_instrumented().then_some(self.coverage.edges),
            took: started.elapsed(),
        })
    }

    fn goes_on(&self, started: Instant) -> bool {
        match self.options.budget {
            Budget::Time(time) => started.elapsed() < time,
            Budget::Runs(runs) => self.runs < runs,
        }
    }

    /// Runs one input; says whether it reached something new.
    fn once(&mut self, input: &[u8]) -> Result<bool, String> {
        self.runs += 1;
        self.progress.store(self.runs, Ordering::Relaxed);
        let noted = self.running.rewind().and_then(|()| self.running.write_all(input));
        noted
            .and_then(|()| self.running.set_len(input.len() as u64))
            .map_err(|error| error.to_string())?;
        self.coverage.reset();
        let run = self.options.target.run;
        if catch_unwind(AssertUnwindSafe(|| run(input))).is_err() {
            return Err(self.keep(input));
        }
        Ok(self.coverage.learn())
    }

    fn keep(&self, input: &[u8]) -> String {
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        let target = self.options.target.name;
        let path = crashes(target).join(format!("crash-{:016x}", hasher.finish()));
        drop(fs::remove_file(&self.running_path));
        let saved = fs::write(&path, input);
        let place = saved.map_or_else(|error| error.to_string(), |()| path.display().to_string());
        format!(
            "{target}: run {} failed; the input is in {place}\n{}\nrun it again with: fuzz {target} {place}",
            self.runs,
            input.escape_ascii(),
        )
    }
}

/// Ends the process when one input runs for too long. The input stays where it is.
fn watch(progress: Arc<AtomicU64>, path: PathBuf) {
    std::thread::spawn(move || {
        let mut last = (progress.load(Ordering::Relaxed), Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let now = progress.load(Ordering::Relaxed);
            if now != last.0 || now == 0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > MAX_RUN && Arc::strong_count(&progress) > 1 {
                eprintln!("run {now} does not end; its input is in {}", path.display());
                std::process::exit(1);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds, and every input that once failed: `fuzz/corpus/<target>/crash-*`.
    #[test]
    fn every_input_of_the_corpus_is_harmless() {
        for target in crate::targets::ALL {
            let inputs = read(&seeds(target.name)).unwrap();
            assert!(!inputs.is_empty(), "{} has no seeds", target.name);
            for input in inputs {
                let run = target.run;
                let outcome = catch_unwind(AssertUnwindSafe(|| run(&input)));
                assert!(outcome.is_ok(), "{}: {}", target.name, input.escape_ascii());
            }
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let inputs = || {
            let mut random = Random::new(7);
            let corpus = vec![b"{\"a\":[1,2]}".to_vec(), b"xyz".to_vec()];
            let mut made = Vec::new();
            for _ in 0..100 {
                let mut input = corpus[0].clone();
                mutate(&mut input, &corpus, &["word"], &mut random);
                made.push(input);
            }
            made
        };
        assert_eq!(inputs(), inputs());
        assert!(inputs().iter().collect::<std::collections::HashSet<_>>().len() > 90);
    }
}
