//! Masters that keep a worker.

use std::time::{Duration, Instant};

use agora::call::Code;
use agora::pb::grpc_health_v1::mod_HealthCheckResponse::ServingStatus;
use agora::pb::grpc_health_v1::{HealthCheckRequest, HealthCheckResponse};
use agora::protobuf::{decode, encode};

use super::master::{Master, words};
use super::processes::{Folder, LONG, Worker, signal, some_text};
use crate::wait::poll_until;

#[test]
fn a_silent_holder_loses_the_worker() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &["--max-job-idle", "1"]);
    let mut holder = Master::at(&worker.address);
    holder.open(words()).unwrap();
    // Others learn who holds it, and since when.
    let refused = Master::at(&worker.address).open(words()).unwrap_err();
    let busy = format!("busy with job {} of 127.0.0.1:", &holder.id[..8]);
    assert!(refused.message.starts_with(&busy), "{refused}");
    assert!(refused.message.contains(" since 0 s"), "{refused}");
    let ended = holder.end_of_hold();
    println!("a holder without calls: {ended}");
    assert_eq!(ended.code, Code::DeadlineExceeded, "{ended}");
    assert!(ended.message.contains("--max-job-idle"), "{ended}");
    assert_eq!(holder.ping().unwrap_err().code, Code::NotFound);
    // Calls keep a job open.
    let mut master = Master::at(&worker.address);
    master.open(words()).unwrap();
    let until = Instant::now() + Duration::from_millis(2_500);
    poll_until("enough pings", LONG, || {
        master.ping().unwrap();
        Instant::now() > until
    });
    master.map_nothing().unwrap();
}

#[test]
fn a_busy_holder_loses_the_worker_as_well() {
    let folder = Folder::new();
    let flags = ["--max-job-time", "1", "--task-delay", "600"];
    let worker = Worker::start(&folder, "mapper", &flags);
    let mut holder = Master::at(&worker.address);
    holder.open(words()).unwrap();
    // Its task is cancelled with the job.
    let began = Instant::now();
    let cancelled = holder.map_nothing().unwrap_err();
    println!("a task of a job that takes too long: {cancelled}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let ended = holder.end_of_hold();
    assert_eq!(ended.code, Code::DeadlineExceeded, "{ended}");
    assert!(ended.message.contains("--max-job-time"), "{ended}");
    let mut next = Master::at(&worker.address);
    poll_until("the next job", LONG, || {
        next.open_held(words()).is_ok() || {
            next = Master::at(&worker.address);
            next.open(words()).is_ok()
        }
    });
}

#[test]
fn a_connection_holds_one_job() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &[]);
    let mut master = Master::at(&worker.address);
    master.open(words()).unwrap();
    for _ in 0..100 {
        let mut second = Master { channel: master.channel.clone(), ..Master::at(&worker.address) };
        second.hold();
        assert_eq!(second.end_of_hold().code, Code::FailedPrecondition);
    }
    master.map_nothing().unwrap();
}

/// Its connection stays open, and nobody answers.
#[test]
fn a_master_that_does_not_answer_is_dropped_in_seconds() {
    let (text, _) = some_text(52, 1_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    let slow = ["--task-delay", "600", "--data", "mapper"];
    let (mapper, mut log) = Worker::start_logged(&folder, "mapper", &slow);
    let line = ["wordcount", "a.txt", "-m", "1", "--mappers", &mapper.address];
    let mut job = folder.start(&line);
    job.lines.wait_for("map 1 called");
    signal(job.child.id(), "STOP");
    let began = Instant::now();
    log.wait_for("is lost: ");
    println!("a stopped master: dropped after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    Master::at(&mapper.address).open(words()).unwrap();
}

/// A load balancer does not send a second master to a worker that has a job, and nothing restarts
/// the worker because of it.
#[test]
fn a_worker_with_a_job_is_healthy_and_takes_no_other() {
    let folder = Folder::new();
    let worker = Worker::start(&folder, "mapper", &[]);
    let service = "agora.mapreduce.v1.WorkerService";
    let other = Master::at(&worker.address);
    let serves = |service: &str| {
        let request = encode(&HealthCheckRequest { service: service.into() });
        let answer = other.call("/grpc.health.v1.Health/Check", &request).unwrap();
        decode::<HealthCheckResponse>(&answer).unwrap().status == ServingStatus::SERVING
    };
    assert!(serves(service) && serves(""));
    let mut master = Master::at(&worker.address);
    master.open(words()).unwrap();
    assert!(!serves(service), "it has a job");
    assert!(serves("") && serves("agora.mapreduce.v1.MapperService"));
    drop(master);
    poll_until("the job is closed", LONG, || serves(service));
}
