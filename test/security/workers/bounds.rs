//! What a master cannot make a worker store.

use agora::call::Code;
use agora::pb::agora_mapreduce_v1 as pb;

use super::master::{Master, resident_bytes, words};
use super::processes::{Folder, Worker, files_in};

const MEBIBYTE: u64 = 1024 * 1024;
const INPUT: &[u8] = b"to be or\nnot to be\n";

/// A map task over all of `INPUT`.
fn map(attempt: u64) -> pb::MapRequest<'static> {
    let range = pb::FileRange { file: 0, start: 0, end: INPUT.len() as u64 };
    pb::MapRequest {
        round: 1,
        attempt,
        split: Some(pb::Split { offset: 0, range: Some(range), fingerprint: 0 }),
        ..Default::default()
    }
}

/// A job whose master sends the splits of a missing file.
fn shipping() -> pb::OpenJobRequest<'static> {
    let file = pb::InputFile { path: "missing.txt".into(), bytes: INPUT.len() as u64 };
    pb::OpenJobRequest { files: vec![file], ships_inputs: true, ..words() }
}

#[test]
fn a_split_is_stored_only_as_a_task_has_asked_for_it() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &[]);
    let mut master = Master::at(&worker.address);
    master.open(shipping()).unwrap();
    let whole = INPUT.len() as u64;
    let code = |task, bytes, offset, piece: &[u8]| {
        let result = master.put_split(task, bytes, offset, piece);
        result.map(drop).map_err(|status| {
            println!("PutSplit of task {task}, {} of {bytes} at {offset}: {status}", piece.len());
            status.code
        })
    };
    for task in [0, 7, u32::MAX] {
        assert_eq!(code(task, whole, 0, INPUT), Err(Code::FailedPrecondition), "nobody asked");
    }
    assert_eq!(files_in(&folder.0), ["Data/job.lock"]);
    // The task asks.
    let refused = master.map(map(1)).unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition, "{refused}");
    assert_eq!(code(7, whole, 0, INPUT), Err(Code::FailedPrecondition), "another task");
    for (bytes, offset, piece) in [
        (whole + 1, 0, INPUT),
        (u64::MAX, 0, INPUT),
        (whole, 5, INPUT),
        (whole, u64::MAX, INPUT),
        (whole, 0, &[b'x'; 100][..]),
        (whole, 0, b""),
    ] {
        assert_eq!(code(0, bytes, offset, piece), Err(Code::InvalidArgument), "{bytes} {offset}");
    }
    // A stranger who knows the id has another connection.
    let stranger = Master { id: master.id.clone(), ..Master::at(&worker.address) };
    assert_eq!(stranger.put_split(0, whole, 0, INPUT).unwrap_err().code, Code::NotFound);
    assert_eq!(files_in(&folder.0), ["Data/job.lock"]);
    // As it was asked for, in two pieces.
    assert_eq!(code(0, whole, 0, &INPUT[..9]), Ok(()));
    assert_eq!(code(0, whole, 0, &INPUT[..9]), Ok(()), "from the beginning again");
    assert_eq!(code(0, whole, 9, &INPUT[9..]), Ok(()));
    assert_eq!(code(0, whole, whole, b"x"), Err(Code::InvalidArgument));
    master.map(map(2)).unwrap();
    assert_eq!(
        folder.read("Data/Mappers/M1/output.txt"),
        "to\t1\nbe\t1\nor\t1\nnot\t1\nto\t1\nbe\t1\n"
    );
}

#[test]
fn nothing_is_written_to_a_disk_that_is_nearly_full() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &["--min-free-disk", "1000000000"]);
    let mut master = Master::at(&worker.address);
    master.open(shipping()).unwrap();
    master.map(map(1)).unwrap_err();
    let refused = master.put_split(0, INPUT.len() as u64, 0, INPUT).unwrap_err();
    println!("PutSplit to a disk that is nearly full: {refused}");
    assert_eq!(refused.code, Code::FailedPrecondition, "{refused}");
    assert!(refused.message.contains("are free"), "{refused}");
    assert!(!folder.has("Data/Mappers/M1/split.txt"));
}

#[test]
fn parameters_fill_no_memory() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &["--max-parameters", "8"]);
    let mut master = Master::at(&worker.address);
    master.open(words()).unwrap();
    let before = resident_bytes(worker.child.id());
    let piece = vec![b'p'; MEBIBYTE as usize];
    for (bytes, code) in [
        (8 * MEBIBYTE + 1, Code::FailedPrecondition),
        (8 * 1024 * MEBIBYTE, Code::FailedPrecondition),
        (u64::MAX, Code::InvalidArgument),
    ] {
        let refused = master.put_parameter(1, bytes, 0, &piece).unwrap_err();
        println!("a parameter of {bytes} bytes: {refused}");
        assert_eq!(refused.code, code, "{refused}");
    }
    // Beyond its length, out of order, of another length.
    master.put_parameter(1, MEBIBYTE + 1, 0, &piece).unwrap();
    for (bytes, offset) in [(MEBIBYTE + 1, MEBIBYTE), (MEBIBYTE + 1, 1), (2 * MEBIBYTE, MEBIBYTE)] {
        let refused = master.put_parameter(1, bytes, offset, &piece).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
    }
    // Up to the bound, again and again: the oldest is dropped.
    for parameter in 1..=10 {
        for offset in 0..8 {
            master.put_parameter(parameter, 8 * MEBIBYTE, offset * MEBIBYTE, &piece).unwrap();
        }
    }
    // The same from many connections: no other job is open.
    for _ in 0..50 {
        let mut other = Master::at(&worker.address);
        let refused = other.open(words()).unwrap_err();
        let busy = format!("busy with job {} of 127.0.0.1:", &master.id[..8]);
        assert!(refused.message.starts_with(&busy), "{refused}");
        assert_eq!(other.put_parameter(1, 10, 0, b"x").unwrap_err().code, Code::NotFound);
        let thief = Master { id: master.id.clone(), ..Master::at(&worker.address) };
        assert_eq!(thief.put_parameter(1, 10, 0, b"x").unwrap_err().code, Code::NotFound);
    }
    let grown = resident_bytes(worker.child.id()).saturating_sub(before);
    println!("80 MiB of parameters, 8 MiB allowed: the worker has grown by {} KiB", grown / 1024);
    assert!(grown < 48 * MEBIBYTE, "{grown}");
    // A task gets the last one.
    let parameter = Some(pb::Parameter { put: 10, ..Default::default() });
    let nothing = || Some(pb::Split::default());
    master.map(pb::MapRequest { attempt: 1, split: nothing(), parameter, ..map(1) }).unwrap();
    let parameter = Some(pb::Parameter { put: 3, ..Default::default() });
    master.map(pb::MapRequest { attempt: 2, split: nothing(), parameter, ..map(2) }).unwrap_err();
}

#[test]
fn declared_numbers_reserve_nothing() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &[]);
    let before = resident_bytes(worker.child.id());
    let mut master = Master::at(&worker.address);
    let file = || pb::InputFile { path: "".into(), bytes: u64::MAX };
    let many = pb::OpenJobRequest { files: (0..100_001).map(|_| file()).collect(), ..words() };
    assert_eq!(master.open(many).unwrap_err().code, Code::InvalidArgument);
    master.open_held(pb::OpenJobRequest { sort_memory_bytes: u64::MAX, ..words() }).unwrap();
    for (task, reduces) in [(0, u32::MAX), (0, 10_001), (u32::MAX, 1), (1_000_000, 1)] {
        let split = Some(pb::Split::default());
        let refused = master.map(pb::MapRequest { task, reduces, split, ..map(1) }).unwrap_err();
        println!("map task {task} with {reduces} partitions: {refused}");
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
    }
    let split = Some(pb::Split::default());
    master.map(pb::MapRequest { task: 3, reduces: 10, split, ..map(1) }).unwrap();

    let reducer = Worker::start(&folder, "reducer", &["--data", "reducer"]);
    let mut master = Master::at(&reducer.address);
    let mappers = vec!["127.0.0.1:0".into()];
    let spec = pb::OpenJobRequest { mappers, sort_memory_bytes: u64::MAX, ..words() };
    master.open(spec).unwrap();
    let request = || pb::ReduceRequest { round: 1, attempt: 1, ..Default::default() };
    for (task, maps) in [(0, u32::MAX), (u32::MAX, 1)] {
        let refused = master.reduce(pb::ReduceRequest { task, maps, ..request() }).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
    }
    // Sizes that overflow their sum; nobody listens there.
    let output = |task| pb::MapOutput {
        task,
        attempt: 1,
        address: "127.0.0.1:1".into(),
        epoch: 1,
        bytes: u64::MAX,
    };
    let outputs = vec![output(0), output(1), output(2)];
    let refused = master.reduce(pb::ReduceRequest { maps: 3, outputs, ..request() }).unwrap_err();
    println!("outputs of 2^64 bytes each: {refused}");
    assert_eq!(refused.code, Code::Unavailable, "{refused}");
    master.reduce(pb::ReduceRequest { attempt: 2, maps: 0, ..request() }).unwrap();
    for (pid, name) in [(worker.child.id(), "mapper"), (reducer.child.id(), "reducer")] {
        let grown = resident_bytes(pid).saturating_sub(before);
        println!("the {name} has {} KiB more than at its start", grown / 1024);
        assert!(grown < 100 * MEBIBYTE, "{grown}");
    }
}

#[test]
fn a_worker_runs_no_more_attempts_than_it_has_slots_for() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &["--task-delay", "2"]);
    let mut master = Master::at(&worker.address);
    master.open(words()).unwrap();
    let attempt = |attempt| {
        let split = Some(pb::Split::default());
        master.map(pb::MapRequest { task: attempt as u32, attempt, split, ..map(1) })
    };
    let attempt = &attempt;
    std::thread::scope(|scope| {
        let running: Vec<_> = (1..=20).map(|number| scope.spawn(move || attempt(number))).collect();
        let results: Vec<_> = running.into_iter().map(|one| one.join().unwrap()).collect();
        let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(done.len(), 2, "two for each slot");
        for status in refused.into_iter().filter_map(Result::err) {
            assert_eq!(status.code, Code::ResourceExhausted, "{status}");
        }
    });
    // No two with one number.
    std::thread::scope(|scope| {
        let both = [scope.spawn(move || attempt(50)), scope.spawn(move || attempt(50))];
        let both = both.map(|one| one.join().unwrap().map_err(|status| status.code));
        assert!(both.contains(&Err(Code::InvalidArgument)), "{both:?}");
    });
    attempt(51).unwrap();
}

#[test]
fn an_id_is_no_path_and_a_job_needs_its_holder() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &[]);
    let long = "a".repeat(1_000_000);
    let path = format!("../../../{}", "x".repeat(23));
    for id in ["", "../../etc/passwd", &path, "0123456789abcdef", &long] {
        let mut master = Master { id: id.to_owned(), ..Master::at(&worker.address) };
        let refused = master.open(words()).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
        assert_eq!(master.end_of_hold().code, Code::InvalidArgument);
    }
    // OpenJob without HoldJob, or with that of another connection.
    let mut holder = Master::at(&worker.address);
    let refused = holder.open_held(words()).unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition, "{refused}");
    holder.hold();
    let thief = Master { id: holder.id.clone(), ..Master::at(&worker.address) };
    let refused = thief.open_held(words()).unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition, "{refused}");
    assert_eq!(files_in(&folder.0), [""; 0]);
    holder.open_held(words()).unwrap();
    assert_eq!(thief.ping().unwrap_err().code, Code::NotFound);
    assert_eq!(thief.map_nothing().unwrap_err().code, Code::NotFound);
    holder.ping().unwrap();
    holder.map_nothing().unwrap();
}

#[test]
fn a_hold_that_opens_no_job_ends_although_nobody_else_calls() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &[]);
    let mut idle = Master::at(&worker.address);
    idle.hold();
    let mut master = Master::at(&worker.address);
    master.open(words()).unwrap();
    let begun = std::time::Instant::now();
    let ended = idle.end_of_hold();
    println!("HoldJob without OpenJob has ended after {:?}: {ended}", begun.elapsed());
    assert_eq!(ended.code, Code::FailedPrecondition, "{ended}");
    assert!(ended.message.contains("not followed by OpenJob"), "{ended}");
    master.map_nothing().unwrap();
}
