//! Workers that die, stop, fail and have full disks: the result is the same.

use std::fs;
use std::process::Command;

use crate::processes::{Folder, Job, Worker, eventually, files_in, is_alive, signal, some_text};

/// A job that is slow enough to be disturbed while it runs.
fn slow_job(folder: &Folder, delay: &str) -> Job {
    let line = ["wordcount", "a.txt", "-m", "3", "-r", "2", "--silent-after", "2", "--task-delay"];
    folder.start(&[&line[..], &[delay]].concat())
}

fn folder_with_text(seed: u64) -> (Folder, String) {
    let (text, expected) = some_text(seed, 100_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    (folder, expected)
}

#[test]
fn a_killed_mapper_does_not_change_the_result() {
    let (folder, expected) = folder_with_text(2);
    let mut job = slow_job(&folder, "0.4");
    job.lines.wait_for("map 3 called");
    signal(job.workers("mapper")[1], "KILL");
    let output = job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(output.contains("FAILURE: its worker is gone"), "{output}");
}

#[test]
fn a_completed_map_of_a_killed_mapper_is_rerun() {
    let (folder, expected) = folder_with_text(3);
    // Reducers wait longer than mappers take, so outputs are lost before they are fetched.
    let reducer = Worker::start(&folder, "reducer", &["--task-delay", "2"]);
    let line = ["wordcount", "a.txt", "-m", "2", "--reducers", &reducer.address];
    let mut job = folder.start(&line);
    job.lines.wait_for("M2: map 2, attempt 2: SUCCESS");
    signal(job.workers("mapper")[1], "KILL");
    let output = job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(output.contains("the output of map 2 is lost"), "{output}");
}

#[test]
fn a_killed_reducer_does_not_change_the_result() {
    let (folder, expected) = folder_with_text(4);
    let mut job = slow_job(&folder, "0.4");
    job.lines.wait_for("reduce 2 called");
    signal(job.workers("reducer")[0], "KILL");
    let output = job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(output.contains("FAILURE: its worker is gone"), "{output}");
}

#[test]
fn all_workers_may_be_killed_at_once() {
    let (folder, expected) = folder_with_text(5);
    let mut job = slow_job(&folder, "0.4");
    job.lines.wait_for("map 3 called");
    for kind in ["mapper", "reducer"] {
        job.workers(kind).into_iter().for_each(|pid| signal(pid, "KILL"));
    }
    job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
}

#[test]
fn a_stopped_worker_is_replaced() {
    for kind in ["mapper", "reducer"] {
        let (folder, expected) = folder_with_text(6);
        let mut job = slow_job(&folder, "0.4");
        job.lines.wait_for(if kind == "mapper" { "map 3 called" } else { "reduce 2 called" });
        let stopped = job.workers(kind)[0];
        signal(stopped, "STOP");
        let output = job.succeed();
        assert_eq!(folder.read("Data/output.txt"), expected, "{kind}");
        let helped = ["a backup", "does not answer"].iter().any(|words| output.contains(words));
        assert!(helped, "{output}");
        eventually("the end of the stopped worker", || !is_alive(stopped));
    }
}

#[test]
fn a_job_succeeds_with_randomly_failing_workers() {
    for probability in ["0.5", "0.8"] {
        let (folder, expected) = folder_with_text(7);
        let line = ["wordcount", "a.txt", "-m", "20", "-r", "9", "--fail-probability", probability];
        folder.succeed(&line);
        assert_eq!(folder.read("Data/output.txt"), expected);
        let dump = folder.read("Data/dump.txt");
        assert!(dump.contains("FAILURE: failed on purpose"), "{dump}");
    }
}

#[test]
fn workers_that_always_fail_end_the_job() {
    let (folder, _) = folder_with_text(8);
    let line = ["wordcount", "a.txt", "-m", "1", "-r", "1", "--fail-probability", "1", "-q"];
    let output = folder.run(&line);
    assert_eq!(output.code, Some(1));
    let expected = ["map", "reduce"].map(|kind| format!("agora: {kind} 1: failed on purpose\n"));
    assert!(expected.contains(&output.stderr), "{}", output.stderr);
}

#[test]
fn workers_do_not_outlive_a_master_that_is_killed() {
    let (folder, _) = folder_with_text(9);
    let mut job = slow_job(&folder, "30");
    job.lines.wait_for("map 3 called");
    let workers = [job.workers("mapper"), job.workers("reducer")].concat();
    assert_eq!(workers.len(), 5);
    job.child.kill().unwrap();
    eventually("the workers' end", || !workers.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn dead_attempts_leave_no_files() {
    let (folder, expected) = folder_with_text(10);
    let mut job = slow_job(&folder, "0.4");
    job.lines.wait_for("map 3 called");
    let mappers = job.workers("mapper");
    signal(mappers[0], "KILL");
    job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
    let hidden: Vec<String> = files_in(&folder.0.join("Data"))
        .into_iter()
        .filter(|name| name.contains(".attempt_"))
        .collect();
    assert_eq!(hidden, [""; 0]);
}

/// A small file system. Only root can mount one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(folder: &Folder, size: &str) -> Option<SmallDisk> {
        let path = folder.0.join("small");
        fs::create_dir(&path).unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "none"]).arg(&path);
        let is_mounted = mount.output().is_ok_and(|output| output.status.success());
        is_mounted.then_some(SmallDisk(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn tasks_of_a_worker_with_a_full_disk_go_to_other_workers() {
    // All words are different, so a map output is as large as its split.
    let words: Vec<String> = (10_000..40_000).map(|number| number.to_string()).collect();
    let (text, expected) = (words.join("\n"), words.join("\t1\n") + "\t1\n");
    let folder = Folder::new();
    let input = folder.file("a.txt", text);
    let input = input.to_string_lossy().into_owned();
    let Some(disk) = SmallDisk::mount(&folder, "16k") else {
        eprintln!("not root, or no tmpfs: this says nothing");
        return;
    };
    let full = disk.0.join("Data").to_string_lossy().into_owned();
    let poor = Worker::start(&folder, "mapper", &["--data", &full]);
    let rich = Worker::start(&folder, "mapper", &["--data", "rich"]);
    let reducer = Worker::start(&folder, "reducer", &["--data", "reducer"]);
    let mappers = format!("{},{}", poor.address, rich.address);
    let line = |mappers: &str| -> Vec<String> {
        let words = ["wordcount", "-m", "3", "-r", "1", "--mappers", mappers, "--reducers"];
        let rest = [&reducer.address, &input];
        words.iter().copied().chain(rest.map(String::as_str)).map(str::to_owned).collect()
    };
    let run = |mappers: &str| {
        let line = line(mappers);
        folder.run(&line.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let output = run(&mappers);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(folder.read("Data/output.txt"), expected);
    let dump = folder.read("Data/dump.txt");
    assert!(dump.contains("No space left on device"), "{dump}");
    // There is no other worker: the job ends with the reason.
    let output = run(&poor.address);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("No space left on device"), "{}", output.stderr);
    // No unfinished file is left on the disk.
    assert!(files_in(&disk.0).iter().all(|name| !name.contains(".attempt_")));
}
