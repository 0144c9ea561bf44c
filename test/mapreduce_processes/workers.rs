//! Workers that were started independently of the master, on this host or another one.

use crate::processes::{CommandOutput, Folder, Worker, signal, some_text};

/// Mappers, a reducer, and the flags with their addresses.
struct Fleet {
    mappers: Vec<Worker>,
    reducer: Worker,
}

impl Fleet {
    fn start(folder: &Folder, mappers: usize, arguments: &[&str]) -> Fleet {
        Fleet {
            mappers: (0..mappers).map(|_| Worker::start(folder, "mapper", arguments)).collect(),
            reducer: Worker::start(folder, "reducer", arguments),
        }
    }

    fn flags(&self) -> Vec<String> {
        let mappers: Vec<&str> = self.mappers.iter().map(|m| m.address.as_str()).collect();
        let (mappers, reducer) = (mappers.join(","), self.reducer.address.clone());
        vec!["--mappers".into(), mappers, "--reducers".into(), reducer]
    }

    fn line<'a>(&self, words: &[&'a str], flags: &'a [String]) -> Vec<&'a str> {
        words.iter().copied().chain(flags.iter().map(String::as_str)).collect()
    }
}

#[test]
fn the_same_workers_serve_one_job_after_the_other() {
    let (text, expected) = some_text(21, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let fleet = Fleet::start(&folder, 2, &[]);
    let flags = fleet.flags();
    for maps in ["2", "5", "1"] {
        folder.succeed(&fleet.line(&["wordcount", "a.txt", "-m", maps, "-r", "2"], &flags));
        assert_eq!(folder.read("Data/output.txt"), expected);
    }
    fleet.mappers.into_iter().for_each(Worker::end);
    fleet.reducer.end();
}

#[test]
fn a_worker_has_one_job_at_a_time() {
    let (text, expected) = some_text(22, 50_000);
    let (folder, other) = (Folder::new(), Folder::new());
    folder.file("a.txt", &text);
    other.file("a.txt", &text);
    let fleet = Fleet::start(&folder, 1, &["--task-delay", "1"]);
    let flags = fleet.flags();
    let mut first = folder.start(&fleet.line(&["wordcount", "a.txt"], &flags));
    first.lines.wait_for("map 1 called");
    let second = fleet.line(&["wordcount", "a.txt", "--worker-timeout", "0.2", "-q"], &flags);
    let output = other.run(&second);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stderr.contains("busy with job "), "{}", output.stderr);
    first.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    // A job that waits gets its turn, and a killed master leaves its workers free.
    let mut first = folder.start(&fleet.line(&["wordcount", "a.txt"], &flags));
    first.lines.wait_for("map 1 called");
    signal(first.child.id(), "KILL");
    other.succeed(&fleet.line(&["wordcount", "a.txt"], &flags));
    assert_eq!(other.read("Data/output.txt"), expected);
}

#[test]
fn a_data_directory_has_one_job_at_a_time() {
    let (text, expected) = some_text(23, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let mut first = folder.start(&["wordcount", "a.txt", "-m", "2", "--task-delay", "3"]);
    first.lines.wait_for("map 1 called");
    let output = folder.run(&["wordcount", "a.txt", "-q"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.starts_with("agora: Data: in use by job "), "{}", output.stderr);
    folder.succeed(&["wordcount", "a.txt", "--data", "Other"]);
    first.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert_eq!(folder.read("Other/output.txt"), expected);
}

#[test]
fn a_worker_that_is_restarted_at_its_address_is_a_new_one() {
    let (text, expected) = some_text(24, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let mut fleet = Fleet::start(&folder, 2, &["--task-delay", "0.5"]);
    let flags = fleet.flags();
    let mut job = folder.start(&fleet.line(&["wordcount", "a.txt", "-m", "4"], &flags));
    job.lines.wait_for("M1: map 1, attempt 1: SUCCESS");
    let address = fleet.mappers[0].address.clone();
    signal(fleet.mappers[0].child.id(), "KILL");
    fleet.mappers[0].child.wait().unwrap();
    fleet.mappers[0] = Worker::at(&folder, "mapper", &address, &[]);
    let output = job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(output.contains("the output of map 1 is lost"), "{output}");
    assert_eq!(output.matches(&format!("mapper M1 is at {address}")).count(), 2, "{output}");
}

#[test]
fn workers_may_join_late_and_leave_early() {
    let (text, expected) = some_text(25, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let mut fleet = Fleet::start(&folder, 2, &["--task-delay", "0.3"]);
    let flags = fleet.flags();
    let late = fleet.mappers.remove(1);
    let address = late.address.clone();
    late.end();
    let mut job = folder.start(&fleet.line(&["wordcount", "a.txt", "-m", "8"], &flags));
    job.lines.wait_for("map 1 called");
    fleet.mappers.push(Worker::at(&folder, "mapper", &address, &["--task-delay", "0.3"]));
    job.lines.wait_for("M2: map");
    // It completes no further task and ends its HoldJob call.
    fleet.mappers.remove(0).end();
    let output = job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(output.contains("M1 is gone: it is shutting down"), "{output}");
}

#[test]
fn a_mapper_without_the_file_fails_or_is_sent_its_split() {
    let (text, expected) = some_text(26, 3_000_000);
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    folder.file("a.txt", &text);
    let fleet = Fleet::start(&elsewhere, 2, &[]);
    let flags = fleet.flags();
    let output = folder.run(&fleet.line(&["wordcount", "a.txt", "-m", "3", "-q"], &flags));
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("a.txt: No such file"), "{}", output.stderr);
    folder.succeed(&fleet.line(&["wordcount", "a.txt", "-m", "3", "--ship"], &flags));
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(elsewhere.has("Data/Mappers/M1/split.txt"));
    // A different version of the file is as bad as none.
    elsewhere.file("a.txt", text.replacen('w', "v", 1));
    let output = folder.run(&fleet.line(&["wordcount", "a.txt", "-m", "3", "-q"], &flags));
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("its content here differs from the master's"),
        "{}",
        output.stderr
    );
    elsewhere.file("a.txt", &text[1..]);
    let output = folder.run(&fleet.line(&["wordcount", "a.txt", "-m", "3", "-q"], &flags));
    assert!(output.stderr.contains(" bytes here, "), "{}", output.stderr);
    folder.succeed(&fleet.line(&["wordcount", "a.txt", "-m", "3", "--ship"], &flags));
    assert_eq!(folder.read("Data/output.txt"), expected);
}

/// A connection accepts 100 calls at once: waiting reduce tasks, and announcements. Further calls
/// wait and are not lost.
#[test]
fn a_worker_may_have_more_slots_than_its_connection_has_calls() {
    let (text, expected) = some_text(27, 60_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let mapper = Worker::start(&folder, "mapper", &["--slots", "64"]);
    let reducer = Worker::start(&folder, "reducer", &["--slots", "64"]);
    let named = ["--mappers", &mapper.address, "--reducers", &reducer.address];
    for (maps, reduces, protocol) in [
        ("20", "52", "native"),
        ("40", "64", "native"),
        ("70", "150", "native"),
        ("30", "64", "grpc"),
    ] {
        let line = ["wordcount", "a.txt", "-m", maps, "-r", reduces, "--protocol", protocol];
        let output = folder.start(&[&line[..], &named].concat()).succeed();
        assert_eq!(folder.read("Data/output.txt"), expected, "{line:?}");
        // No attempt failed.
        assert!(!output.contains("FAILURE") && !output.contains("is gone"), "{output}");
    }
}

#[test]
fn a_worker_logs_its_address_and_its_jobs() {
    let (text, expected) = some_text(28, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let slow = ["--task-delay", "0.5"];
    let (mapper, mut mapper_log) = Worker::start_logged(&folder, "mapper", &slow);
    let (reducer, mut reducer_log) = Worker::start_logged(&folder, "reducer", &slow);
    mapper_log.wait_for(&format!("a mapper listens on {}, its files are in Data", mapper.address));
    reducer_log.wait_for(&format!("a reducer listens on {}", reducer.address));
    let named = ["--mappers", &mapper.address, "--reducers", &reducer.address];
    for protocol in ["native", "grpc"] {
        let line = ["wordcount", "a.txt", "-m", "2", "--protocol", protocol];
        folder.succeed(&[&line[..], &named].concat());
        assert_eq!(folder.read("Data/output.txt"), expected);
        for log in [&mut mapper_log, &mut reducer_log] {
            log.wait_for(" begins");
            log.wait_for(" has ended");
        }
        let mut job = folder.start(&[&line[..], &named].concat());
        job.lines.wait_for("map 1 called");
        signal(job.child.id(), "KILL");
        for log in [&mut mapper_log, &mut reducer_log] {
            log.wait_for(" begins");
            log.wait_for(" is lost: ");
        }
    }
}

#[test]
fn local_workers_log_nothing() {
    let (text, _) = some_text(29, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    folder.file("points.txt", "0,0\n1,1\n9,9\n");
    for line in [
        &["wordcount", "a.txt", "-q"][..],
        &["kmeans", "--input", "points.txt", "-k", "2", "--force"],
    ] {
        let mut command = folder.agora(line);
        let output = CommandOutput::new(command.env_remove("RUST_LOG").output().unwrap());
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        assert!(!output.stderr.contains(" INFO "), "{}", output.stderr);
        assert!(!line.contains(&"-q") || output.stderr.is_empty(), "{}", output.stderr);
    }
}

/// Tasks of a failed job end a little later.
#[test]
fn the_next_job_finds_its_workers_free() {
    let folder = Folder::new();
    folder.file("a.txt", "a\nb\n");
    let fleet = Fleet::start(&folder, 1, &["--data", "first", "--allow-commands"]);
    let other = Worker::start(&folder, "mapper", &["--data", "second", "--allow-commands"]);
    let mappers = format!("{},{}", fleet.mappers[0].address, other.address);
    let map = "if [ $mapreduce_task_partition = 0 ]; then exit 1; else sleep 20; fi";
    let mut line = vec!["mapreduce", "a.txt", "--mapper", map, "--reducer", "cat", "-m", "2"];
    line.extend(["--mappers", &mappers, "--reducers", &fleet.reducer.address, "-v"]);
    for _ in 0..5 {
        let output = folder.run(&line);
        assert_eq!(output.code, Some(1), "{}", output.stderr);
        assert!(output.stderr.contains("map 2 called"), "{}", output.stderr);
        assert!(!output.stderr.contains(" is gone: "), "{}", output.stderr);
    }
}
