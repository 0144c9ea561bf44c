//! Jobs that run commands.

use agora::call::Code;

use super::master::{Master, command, words};
use super::processes::{Folder, Worker, files_in, some_text};

#[test]
fn a_job_with_commands_needs_a_worker_that_allows_them() {
    let folder = Folder::new();
    let touch = format!("touch {}", folder.0.join("run").display());
    for kind in ["mapper", "reducer"] {
        let (worker, mut log) = Worker::start_logged(&folder, kind, &[]);
        log.wait_for("it runs no commands (no --allow-commands)");
        let mut stranger = Master::at(&worker.address);
        let refused = stranger.open(command(&touch)).unwrap_err();
        assert_eq!(refused.code, Code::PermissionDenied, "{refused}");
        assert!(refused.message.contains("--allow-commands"), "{refused}");
        assert!(stranger.map_nothing().is_err());
        log.wait_for("that runs commands: mapper \"touch ");
        println!("{kind}, a job with commands: {refused}");
        // Nothing of it is stored, and other jobs are served.
        assert_eq!(files_in(&folder.0), [""; 0]);
        Master::at(&worker.address).open(words()).unwrap();
        worker.end();
        std::fs::remove_dir_all(folder.0.join("Data")).unwrap();
    }
    // The same request with the flag.
    let (worker, mut log) = Worker::start_logged(&folder, "mapper", &["--allow-commands"]);
    log.wait_for("it runs the commands of jobs (--allow-commands)");
    let mut master = Master::at(&worker.address);
    master.open(command(&format!("{touch}\u{1b}[2J; echo \u{202e}"))).unwrap();
    // One line says who runs what.
    log.wait_for("streaming, begins: mapper \"touch ");
    let line = log.seen.last().unwrap();
    assert!(line.contains(&format!("job {} of 127.0.0.1:", &master.id[..8])), "{line}");
    assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line:?}");
    master.held = None;
    log.wait_for(" has ended");
    let mut master = Master::at(&worker.address);
    master.open(command(&touch)).unwrap();
    master.map_nothing().unwrap();
    assert!(folder.has("run"));
}

#[test]
fn a_refused_job_fails_at_once_and_names_the_flag() {
    let (text, _) = some_text(51, 1_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let mapper = Worker::start(&folder, "mapper", &["--data", "mapper"]);
    let line = ["mapreduce", "a.txt", "--mapper", "cat", "-r", "0", "--mappers", &mapper.address];
    let output = folder.run(&[&line[..], &["-q", "--worker-timeout", "3600"]].concat());
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let expected = format!(
        "agora: no mapper is available: {}: this worker runs no commands: it was started without \
         --allow-commands\n",
        mapper.address
    );
    assert_eq!(output.stderr, expected);
}

/// Every user of the host can connect to the workers that a master starts for itself.
#[test]
fn the_workers_of_a_master_serve_its_job_alone() {
    let folder = Folder::new();
    folder.file("a.txt", "a\nb\n");
    let touch = format!("touch {}", folder.0.join("run").display());
    let line = ["mapreduce", "a.txt", "--mapper", "sleep 2; cat", "--reducer", "cat", "-m", "1"];
    let mut job = folder.start(&line);
    job.lines.wait_for("reduce 1 called");
    let at = |kind: &str, lines: &[String]| {
        let line = lines.iter().find(|line| line.starts_with(kind)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    for kind in ["mapper", "reducer"] {
        let mut stranger = Master::at(&at(kind, &job.lines.seen));
        let refused = stranger.open(command(&touch)).unwrap_err();
        assert_eq!(refused.code, Code::PermissionDenied, "{refused}");
        println!("{kind} of a master, a stranger's job: {refused}");
        let held = stranger.held.take().unwrap().receive().unwrap_err();
        assert_eq!(held.code, Code::PermissionDenied, "{held}");
    }
    // The id of the job is in no command line.
    for pid in job.workers("mapper").into_iter().chain(job.workers("reducer")) {
        let words = super::processes::command_line(pid);
        let is_id = |word: &String| word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(
            words.contains(&"--allow-commands".into()) && !words.iter().any(is_id),
            "{words:?}"
        );
    }
    job.succeed();
    assert_eq!(folder.read("Data/output.txt"), "a\t\nb\t\n");
    assert!(!folder.has("run"));
}
