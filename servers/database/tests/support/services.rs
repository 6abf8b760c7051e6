//! Real database servers for tests: the shared ones of `scripts/services run`, and private ones that a test may break.
//!
//! A shared server is for tests that leave it as it was, in a database of their own. A test that kills, freezes or restarts
//! its server starts an [`Instance`]: one server process tree with data of its own, in the hands of
//! `tests/services/instance.py`, which ends when this handle is dropped and also when the test process dies.
//! Nothing is skipped: without a server a test fails and says how to get one.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long the supervisor may take to end its server and to remove its folder.
const END_LIMIT: Duration = Duration::from_secs(60);

/// A variable of `scripts/services`, such as `WHARF_TEST_POSTGRES_URL`.
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `scripts/services run cargo nextest run -p wharf-database`, or `scripts/services start` first")
    })
}

/// The shared PostgreSQL, as a superuser.
pub fn postgres_url() -> String {
    variable("WHARF_TEST_POSTGRES_URL")
}

/// The shared MariaDB, with every privilege.
pub fn mysql_url() -> String {
    variable("WHARF_TEST_MYSQL_URL")
}

/// The same URL with another host and port, such as a proxy's.
pub fn url_at(url: &str, address: SocketAddr) -> String {
    let (before, after) = split_at_address(url);
    format!("{before}{address}{after}")
}

/// The same URL with another database.
pub fn url_of_database(url: &str, database: &str) -> String {
    format!(
        "{}/{database}",
        url.rsplit_once('/').expect("a URL of scripts/services ends with a database").0
    )
}

/// Host and port of a URL of `scripts/services`.
pub fn address(url: &str) -> SocketAddr {
    let (before, after) = split_at_address(url);
    url[before.len()..url.len() - after.len()]
        .parse()
        .expect("scripts/services names addresses, not hosts")
}

/// What is before and after `host:port`. The passwords are hexadecimal, so that nothing is encoded.
fn split_at_address(url: &str) -> (&str, &str) {
    let start = url.rfind('@').expect("a URL of scripts/services has a user") + 1;
    let end = start + url[start..].find('/').expect("a URL of scripts/services has a database");
    (&url[..start], &url[end..])
}

/// A private server that a test may kill, stop, start, freeze and thaw. Calls block until it is done.
pub struct Instance {
    supervisor: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    environment: BTreeMap<String, String>,
    folder: PathBuf,
    url_variable: &'static str,
}

impl Instance {
    pub fn postgres() -> Self {
        Self::launch("postgres", "WHARF_TEST_POSTGRES_URL")
    }

    pub fn mariadb() -> Self {
        Self::launch("mariadb", "WHARF_TEST_MYSQL_URL")
    }

    fn launch(kind: &str, url_variable: &'static str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/services/services.py");
        let mut supervisor = Command::new("python3")
            .arg(script)
            .args(["instance", kind])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs the servers of the tests");
        let (input, output) = (supervisor.stdin.take(), supervisor.stdout.take().unwrap());
        let output = BufReader::new(output);
        let mut instance = Self {
            supervisor,
            input,
            output,
            environment: BTreeMap::new(),
            folder: PathBuf::new(),
            url_variable,
        };
        let ready = instance.answer();
        for (name, value) in ready["environment"].as_object().unwrap() {
            instance.environment.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
        instance.folder = PathBuf::from(ready["folder"].as_str().unwrap());
        instance
    }

    /// With every privilege.
    pub fn url(&self) -> &str {
        self.variable(self.url_variable)
    }

    pub fn address(&self) -> SocketAddr {
        address(self.url())
    }

    /// A variable as `scripts/services run` would set it, such as `WHARF_TEST_POSTGRES_DATA`.
    pub fn variable(&self, name: &str) -> &str {
        self.environment.get(name).unwrap_or_else(|| panic!("this kind of server has no {name}"))
    }

    /// Where everything of the server lies; removed on drop.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends all its processes at once, as a power cut would.
    pub fn kill(&mut self) {
        self.say("kill");
    }

    /// Ends it in good order: clients are disconnected.
    pub fn stop(&mut self) {
        self.say("stop");
    }

    /// Starts it again after [`Self::kill`] or [`Self::stop`], on the same port and data; ready when this returns.
    pub fn start(&mut self) {
        self.say("start");
    }

    /// Its processes stop where they are; connections stay, and nobody answers.
    pub fn freeze(&mut self) {
        self.say("freeze");
    }

    /// The end of [`Self::freeze`].
    pub fn thaw(&mut self) {
        self.say("thaw");
    }

    fn say(&mut self, word: &str) {
        let input = self.input.as_mut().expect("closed on drop only");
        writeln!(input, "{word}").expect("the supervisor lives");
        self.answer();
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the supervisor answers");
        assert!(
            !line.is_empty(),
            "no server: tests/services/services.py ended; its reason is on stderr"
        );
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["ok"], true, "{}", answer["error"]);
        answer
    }
}

impl Drop for Instance {
    /// The end of its input ends the supervisor, which takes the server and its folder with it.
    fn drop(&mut self) {
        drop(self.input.take());
        let end = Instant::now() + END_LIMIT;
        while Instant::now() < end {
            if !matches!(self.supervisor.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // Its servers die with it.
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}
