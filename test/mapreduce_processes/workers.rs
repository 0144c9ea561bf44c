//! Workers that somebody else has started, on this machine or another.

use crate::processes::{Folder, Said, Worker, signal, some_text};

/// Mappers, a reducer, and the flags that name them.
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
        folder.good(&fleet.line(&["wordcount", "a.txt", "-m", maps, "-r", "2"], &flags));
        assert_eq!(folder.read("Data/output.txt"), expected);
    }
    fleet.mappers.into_iter().for_each(Worker::end);
    fleet.reducer.end();
}

#[test]
fn a_worker_has_one_job_at_a_time_and_says_so() {
    let (text, expected) = some_text(22, 50_000);
    let (folder, other) = (Folder::new(), Folder::new());
    folder.file("a.txt", &text);
    other.file("a.txt", &text);
    let fleet = Fleet::start(&folder, 1, &["--task-delay", "1"]);
    let flags = fleet.flags();
    let mut first = folder.start(&fleet.line(&["wordcount", "a.txt"], &flags));
    first.lines.see("map 1 called");
    let second = fleet.line(&["wordcount", "a.txt", "--worker-timeout", "0.2", "-q"], &flags);
    let said = other.run(&second);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("busy with job "), "{}", said.stderr);
    first.good();
    assert_eq!(folder.read("Data/output.txt"), expected);
    // A job that can wait gets its turn, and a master that is killed leaves its workers free.
    let mut first = folder.start(&fleet.line(&["wordcount", "a.txt"], &flags));
    first.lines.see("map 1 called");
    signal(first.child.id(), "KILL");
    other.good(&fleet.line(&["wordcount", "a.txt"], &flags));
    assert_eq!(other.read("Data/output.txt"), expected);
}

#[test]
fn a_data_directory_has_one_job_at_a_time() {
    let (text, expected) = some_text(23, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let mut first = folder.start(&["wordcount", "a.txt", "-m", "2", "--task-delay", "3"]);
    first.lines.see("map 1 called");
    let said = folder.run(&["wordcount", "a.txt", "-q"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.starts_with("agora: Data: in use by job "), "{}", said.stderr);
    folder.good(&["wordcount", "a.txt", "--data", "Other"]);
    first.good();
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
    job.lines.see("M1: map 1, attempt 1: SUCCESS");
    let address = fleet.mappers[0].address.clone();
    signal(fleet.mappers[0].child.id(), "KILL");
    fleet.mappers[0].child.wait().unwrap();
    fleet.mappers[0] = Worker::at(&folder, "mapper", &address, &[]);
    let said = job.good();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(said.contains("the output of map 1 is lost"), "{said}");
    assert_eq!(said.matches(&format!("mapper M1 is at {address}")).count(), 2, "{said}");
}

#[test]
fn workers_may_come_late_and_leave_early() {
    let (text, expected) = some_text(25, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let mut fleet = Fleet::start(&folder, 2, &["--task-delay", "0.3"]);
    let flags = fleet.flags();
    let late = fleet.mappers.remove(1);
    let address = late.address.clone();
    late.end();
    let mut job = folder.start(&fleet.line(&["wordcount", "a.txt", "-m", "8"], &flags));
    job.lines.see("map 1 called");
    fleet.mappers.push(Worker::at(&folder, "mapper", &address, &["--task-delay", "0.3"]));
    job.lines.see("M2: map");
    // It finishes nothing more, and says good-bye.
    fleet.mappers.remove(0).end();
    let said = job.good();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(said.contains("M1 is gone: it is shutting down"), "{said}");
}

#[test]
fn a_mapper_without_the_file_says_so_or_is_sent_its_split() {
    let (text, expected) = some_text(26, 3_000_000);
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    folder.file("a.txt", &text);
    let fleet = Fleet::start(&elsewhere, 2, &[]);
    let flags = fleet.flags();
    let said = folder.run(&fleet.line(&["wordcount", "a.txt", "-m", "3", "-q"], &flags));
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("a.txt: No such file"), "{}", said.stderr);
    folder.good(&fleet.line(&["wordcount", "a.txt", "-m", "3", "--ship"], &flags));
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(elsewhere.has("Data/Mappers/M1/split.txt"));
    // Another version of the file is no better than none.
    elsewhere.file("a.txt", text.replacen('w', "v", 1));
    let said = folder.run(&fleet.line(&["wordcount", "a.txt", "-m", "3", "-q"], &flags));
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("its content here is not the master's"), "{}", said.stderr);
    elsewhere.file("a.txt", &text[1..]);
    let said = folder.run(&fleet.line(&["wordcount", "a.txt", "-m", "3", "-q"], &flags));
    assert!(said.stderr.contains(" bytes here, "), "{}", said.stderr);
    folder.good(&fleet.line(&["wordcount", "a.txt", "-m", "3", "--ship"], &flags));
    assert_eq!(folder.read("Data/output.txt"), expected);
}

/// A connection takes 100 calls at once: reduce tasks that wait, and what they are told. What does
/// not fit waits; it is not lost.
#[test]
fn a_worker_may_have_more_slots_than_its_connection_has_room_for_news() {
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
        let said = folder.start(&[&line[..], &named].concat()).good();
        assert_eq!(folder.read("Data/output.txt"), expected, "{line:?}");
        // Nobody was given up on the way.
        assert!(!said.contains("FAILURE") && !said.contains("is gone"), "{said}");
    }
}

#[test]
fn a_worker_says_where_it_listens_and_whose_jobs_begin_and_end() {
    let (text, expected) = some_text(28, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let slow = ["--task-delay", "0.5"];
    let (mapper, mut mapper_says) = Worker::heard(&folder, "mapper", &slow);
    let (reducer, mut reducer_says) = Worker::heard(&folder, "reducer", &slow);
    mapper_says.see(&format!("a mapper listens on {}, its files are in Data", mapper.address));
    reducer_says.see(&format!("a reducer listens on {}", reducer.address));
    let named = ["--mappers", &mapper.address, "--reducers", &reducer.address];
    for protocol in ["native", "grpc"] {
        let line = ["wordcount", "a.txt", "-m", "2", "--protocol", protocol];
        folder.good(&[&line[..], &named].concat());
        assert_eq!(folder.read("Data/output.txt"), expected);
        for says in [&mut mapper_says, &mut reducer_says] {
            says.see(" begins");
            says.see(" has ended");
        }
        let mut job = folder.start(&[&line[..], &named].concat());
        job.lines.see("map 1 called");
        signal(job.child.id(), "KILL");
        for says in [&mut mapper_says, &mut reducer_says] {
            says.see(" begins");
            says.see(" is lost: ");
        }
    }
}

#[test]
fn workers_that_a_master_has_started_say_nothing_of_it() {
    let (text, _) = some_text(29, 50_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    folder.file("points.txt", "0,0\n1,1\n9,9\n");
    for line in [
        &["wordcount", "a.txt", "-q"][..],
        &["kmeans", "--input", "points.txt", "-k", "2", "--force"],
    ] {
        let mut command = folder.agora(line);
        let said = Said::of(command.env_remove("RUST_LOG").output().unwrap());
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(!said.stderr.contains(" INFO "), "{}", said.stderr);
        assert!(!line.contains(&"-q") || said.stderr.is_empty(), "{}", said.stderr);
    }
}

/// Tasks that a job leaves behind when it fails end a little later.
#[test]
fn the_next_job_finds_its_workers_free() {
    let folder = Folder::new();
    folder.file("a.txt", "a\nb\n");
    let fleet = Fleet::start(&folder, 1, &["--data", "first"]);
    let other = Worker::start(&folder, "mapper", &["--data", "second"]);
    let mappers = format!("{},{}", fleet.mappers[0].address, other.address);
    let map = "if [ $mapreduce_task_partition = 0 ]; then exit 1; else sleep 20; fi";
    let mut line = vec!["mapreduce", "a.txt", "--mapper", map, "--reducer", "cat", "-m", "2"];
    line.extend(["--mappers", &mappers, "--reducers", &fleet.reducer.address, "-v"]);
    for _ in 0..5 {
        let said = folder.run(&line);
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        assert!(said.stderr.contains("map 2 called"), "{}", said.stderr);
        assert!(!said.stderr.contains(" is gone: "), "{}", said.stderr);
    }
}
