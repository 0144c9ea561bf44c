//! `agora mapper` and `agora reducer`: workers of MapReduce.

use std::io::{BufRead, Read};
use std::process;
use std::thread;
use std::time::Duration;

use super::flags::{Flags, Parsed};
use super::monitoring::Monitoring;
use super::{Failure, connect, serve};
use crate::kmeans::job::KMeans;
use crate::mapreduce::job::JobKinds;
use crate::mapreduce::streaming::Streaming;
use crate::mapreduce::worker::{
    Role, WORKER_SERVICE, WorkerLimits, WorkerOptions, WorkerTasks, register,
};
use crate::rpc::{ChannelOptions, Health, ServerHandle, Services, ServingStatus};
use crate::session::Protocol;

/// Serves map tasks.
pub(super) fn run_mapper(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora mapper --listen HOST:PORT [FLAGS]",
        "Runs map tasks of MapReduce jobs, one job at a time, and serves their output to the\n\
         reducers.",
    );
    run(flags, Role::Mapper, arguments)
}

/// Serves reduce tasks.
pub(super) fn run_reducer(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora reducer --listen HOST:PORT [FLAGS]",
        "Runs reduce tasks of MapReduce jobs, one job at a time: fetches from the mappers, sorts,\n\
         reduces.",
    )
    .value("protocol", "protocol to the mappers: grpc or native (default native)", "PROTOCOL")
    .value("tls-ca", "use TLS to the mappers, and trust these certificate authorities", "FILE")
    .value("tls-name", "the name in their certificates (default: their hosts)", "NAME");
    run(flags, Role::Reducer, arguments)
}

/// The kinds of jobs that a worker of this program can run.
fn kinds() -> JobKinds {
    JobKinds::new().with(Streaming::NAME, Streaming::make).with(KMeans::NAME, KMeans::make)
}

fn run(flags: Flags, role: Role, arguments: &[String]) -> Result<(), Failure> {
    let flags = flags
        .value("data", "directory of its files (default Data)", "DIR")
        .value("slots", "tasks at once (default 1)", "N")
        .value("fail-probability", "probability that a task fails, from 0 to 1, for tests", "P")
        .value("task-delay", "pause before each task, for tests", "SECONDS")
        .value("max-job-idle", "end a job without calls or progress (default 600)", "SECONDS")
        .value("max-job-time", "end a job after this time; 0: never (default 86400)", "SECONDS")
        .value("max-parameters", "memory for the parameters of a job (default 1024)", "MIB")
        .value("max-sort-memory", "memory for sorting, of all tasks (default 1024)", "MIB")
        .value("min-free-disk", "refuse to write when less is free (default 64)", "MIB")
        .switch(
            "allow-commands",
            "accept jobs that run commands (agora mapreduce): whoever may submit a job can then run\n\
             any program as this user",
        )
        .switch(
            "until-stdin-ends",
            "exit at the end of stdin, whose first line is the id of the only job that is accepted;\n\
             the master starts its workers with this flag",
        );
    let parsed = serve::flags(flags).parse(arguments)?;
    parsed.no_arguments()?;
    let mut services = Services::new();
    let mut options = options(&parsed, role)?;
    let addresses = serve::addresses(&parsed, None)?;
    if parsed.is_on("until-stdin-ends") {
        options.only_job = Some(first_line_of_stdin()?);
    }
    let data = options.data.clone();
    let commands = match options.allow_commands {
        true => "it runs the commands of jobs (--allow-commands)",
        false => "it runs no commands (no --allow-commands)",
    };
    let monitoring = Monitoring::new();
    options.metrics.register(&monitoring.registry, role);
    let tasks = register(&mut services, role, kinds(), options);
    let name = match role {
        Role::Mapper => "mapper",
        Role::Reducer => "reducer",
    };
    let served =
        serve::run_with_setup(&parsed, services, &addresses, "", &monitoring, |server, health| {
            health.set_all(ServingStatus::Serving);
            report_availability(&tasks, health.clone());
            for address in server.local_addrs() {
                let data = data.display();
                log::info!("a {name} listens on {address}, its files are in {data}; {commands}");
            }
            match parsed.is_on("until-stdin-ends") {
                true => end_with_stdin(server.handle()),
                // A master on a host that is gone must not keep the worker.
                false => server.set_keepalive(KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT),
            }
            Ok(())
        });
    // Tasks whose call has ended remove their own unfinished files.
    if !tasks.wait_until_idle(GRACE) {
        log::warn!("a task does not end: exiting without it");
    }
    served
}

/// The service that opens jobs is healthy while one can be opened. The server as a whole stays
/// healthy: a platform that restarts what is not must not kill a job.
fn report_availability(tasks: &WorkerTasks, health: Health) {
    tasks.on_availability(move |taken| {
        let status = match taken {
            None => ServingStatus::Serving,
            Some(_) => ServingStatus::NotServing,
        };
        health.set(WORKER_SERVICE, status);
        health.set_not_ready(taken.into_iter().collect());
    });
}

fn options(parsed: &Parsed, role: Role) -> Result<WorkerOptions, Failure> {
    let channel = match role {
        Role::Mapper => ChannelOptions::default(),
        // Without these the certificate is for incoming calls alone.
        Role::Reducer if parsed.text("certs").or(parsed.text("tls-ca")).is_none() => {
            ChannelOptions {
                protocol: parsed.parsed("protocol", Protocol::Native)?,
                ..ChannelOptions::default()
            }
        }
        Role::Reducer => connect::options(parsed, Protocol::Native)?,
    };
    Ok(WorkerOptions {
        data: parsed.text("data").unwrap_or_else(|| "Data".into()).into(),
        task_slots: parsed.number("slots", 1, 1..=64)? as u32,
        fail_probability: parsed.probability("fail-probability")?,
        task_delay: match parsed.text("task-delay") {
            None => Duration::ZERO,
            Some(_) => parsed.seconds("task-delay", Duration::ZERO)?,
        },
        channel,
        allow_commands: parsed.is_on("allow-commands"),
        only_job: None,
        limits: limits(parsed)?,
        ..WorkerOptions::default()
    })
}

fn limits(parsed: &Parsed) -> Result<WorkerLimits, Failure> {
    let default = WorkerLimits::default();
    let mebibytes = |name, default: u64, least| -> Result<u64, Failure> {
        Ok(parsed.number(name, default / MEBIBYTE, least..=1_000_000_000)? * MEBIBYTE)
    };
    let max_job_time = default.max_job_time.unwrap_or_default();
    let max_job_time = parsed.seconds_or_none("max-job-time", max_job_time)?;
    Ok(WorkerLimits {
        max_job_idle: parsed.seconds("max-job-idle", default.max_job_idle)?,
        max_job_time: Some(max_job_time).filter(|time| !time.is_zero()),
        parameter_bytes: mebibytes("max-parameters", default.parameter_bytes, 1)?,
        sort_bytes: mebibytes("max-sort-memory", default.sort_bytes, 1)?,
        min_free_bytes: mebibytes("min-free-disk", default.min_free_bytes, 0)?,
    })
}

const MEBIBYTE: u64 = 1024 * 1024;

/// Longer lines are no ids.
const MAX_ID_LINE_BYTES: u64 = 1_000;

/// The first line of stdin; empty at its end.
fn first_line_of_stdin() -> Result<String, Failure> {
    let mut line = String::new();
    let mut stdin = std::io::stdin().lock().take(MAX_ID_LINE_BYTES);
    let read = stdin.read_line(&mut line);
    read.map_err(|error| Failure::because("reading the id of the job from stdin", error))?;
    Ok(line.trim_end().to_owned())
}

/// A master that is silent for this long is pinged, and has this long to answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a worker waits for its tasks when it ends.
const GRACE: Duration = Duration::from_secs(2);

/// The end of stdin means that the parent process has ended.
fn end_with_stdin(server: ServerHandle) {
    let watching = thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut ignored = [0; 256];
        while !matches!(stdin.read(&mut ignored), Ok(0) | Err(_)) {}
        server.shut_down();
        thread::sleep(2 * GRACE);
        process::exit(0);
    });
    if let Err(error) = watching {
        log::error!("watching stdin: {error}");
        process::exit(1);
    }
}
