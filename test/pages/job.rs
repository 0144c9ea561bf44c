//! The page of a job in a browser: `job.mjs` says what is looked at.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::browser::Browser;
use crate::http::get;
use crate::process::{AGORA, TestDirectory, eventually};

/// A master with a page, which is killed at the end of the test.
struct Job {
    child: Child,
    url: String,
}

impl Job {
    fn start(directory: &TestDirectory, line: &str) -> Job {
        let mut command = Command::new(AGORA);
        command.args(line.split(' '));
        Job::start_command(directory, command)
    }

    fn start_command(directory: &TestDirectory, mut command: Command) -> Job {
        command.args(["--page", "127.0.0.1:0"]).current_dir(&directory.0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.strip_prefix("page on ").map(str::to_owned));
        // What follows is read, so that the master does not wait for it.
        std::thread::spawn(move || lines.count());
        Job { child, url: url.unwrap() }
    }

    /// The master, or one of its mappers.
    fn kill(&mut self, which: &str) {
        if which == "kill the master" {
            return self.child.kill().unwrap();
        }
        let parent = self.child.id().to_string();
        let found = Command::new("pgrep").args(["-P", &parent, "-f", "agora mapper"]).output();
        let found = String::from_utf8(found.unwrap().stdout).unwrap();
        let pid = found.lines().next().unwrap();
        assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Six heaps of points, which k-means from random points needs many iterations for.
fn points() -> String {
    let mut state = 7_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    let mut point = |number: usize| {
        let (x, y) = ((number % 3) as f64 * 40.0, (number % 2) as f64 * 30.0);
        let spread = 22.0 * (next() + next());
        let around = 6.3 * next();
        format!("{:.3},{:.3}\n", x + spread * around.cos(), y + spread * around.sin())
    };
    (0..6_000).map(&mut point).collect()
}

/// A clustering that goes on and on.
fn clustering(directory: &TestDirectory) -> Job {
    fs::write(directory.0.join("points.csv"), points()).unwrap();
    let line = "kmeans --input points.csv -k 6 -m 2 -r 2 --restarts 100000 --task-delay 0.25";
    Job::start(directory, line)
}

fn words(directory: &TestDirectory, delay: &str) -> Job {
    let words: String = (0..30_000).map(|number| format!("w{}\n", number % 97)).collect();
    fs::write(directory.0.join("a.txt"), words).unwrap();
    Job::start(directory, &format!("wordcount a.txt -m 3 -r 2 --task-delay {delay}"))
}

#[test]
fn the_page_of_a_job_has_metrics_during_the_job_and_behind_it() {
    let directory = TestDirectory::new();
    fs::write(directory.0.join("a.txt"), "a b a\n".repeat(1000)).unwrap();
    let line = "wordcount a.txt -m 3 -r 2 --task-delay 2 --no-backup --page-keep";
    let job = Job::start(&directory, line);
    let address = job.url.trim_start_matches("http://").trim_end_matches('/');
    let has = |samples: &[&str]| {
        let answer = get(address, "/metrics", &[]).unwrap();
        assert_eq!(answer.status, 200);
        samples.iter().all(|sample| answer.body.lines().any(|line| line == *sample))
    };
    eventually("it runs", || has(&["agora_mapreduce_job_running 1"]));
    let tasks = |task, state, count| {
        format!("agora_mapreduce_job_tasks{{task=\"{task}\",state=\"{state}\"}} {count}")
    };
    eventually("its five tasks are done", || {
        has(&[
            "agora_mapreduce_job_running 0",
            "agora_mapreduce_job_rounds_total 1",
            "agora_mapreduce_job_attempts_total{outcome=\"succeeded\"} 5",
            "agora_mapreduce_job_attempts_total{outcome=\"failed\"} 0",
            "agora_mapreduce_job_backups_total 0",
            &tasks("map", "completed", 3),
            &tasks("reduce", "completed", 2),
            &tasks("reduce", "running", 0),
        ])
    });
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_clustering_is_shown_at_all_sizes_in_light_and_dark() {
    let directory = TestDirectory::new();
    let job = clustering(&directory);
    Browser::start_script("job.mjs", "looks", &job.url).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_job_whose_texts_are_markup_shows_them_as_text() {
    let directory = TestDirectory::new();
    let name = "<img src=x onerror=boom()>.txt";
    fs::write(directory.0.join(name), "<script>boom()</script>\n").unwrap();
    let mut command = Command::new(AGORA);
    command.args(["wordcount", name, "-m", "1", "--page-keep"]);
    let job = Job::start_command(&directory, command);
    Browser::start_script("job.mjs", "markup", &job.url).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_job_is_read_with_the_keyboard_alone() {
    let directory = TestDirectory::new();
    let job = clustering(&directory);
    Browser::start_script("job.mjs", "keyboard", &job.url).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_browser_keeps_the_last_state_of_a_job_that_is_over() {
    let directory = TestDirectory::new();
    let job = words(&directory, "6");
    Browser::start_script("job.mjs", "ends", &job.url).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_browser_sees_a_killed_worker_and_a_killed_master() {
    let directory = TestDirectory::new();
    let mut job = words(&directory, "10");
    let url = job.url.clone();
    Browser::start_script("job.mjs", "dies", &url).run(|line| job.kill(line));
}
