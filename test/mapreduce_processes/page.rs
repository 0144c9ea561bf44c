//! `--page`: the state of a job, as clients of JobService see it while it runs.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::mapreduce::job_status::ClusteringView;
use agora::mapreduce::master::{JobMonitor, JobPicture, MAX_WATCHES};
use agora::pb::agora_mapreduce_v1::{
    DescribeRequest, DescribeResponse, Job as JobMessage, JobState, WatchRequest, WatchResponse,
    WorkerState,
};
use agora::protobuf::{decode, encode};
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, ClientCall, ClientTls, Server, ServerOptions, Services,
};

use crate::processes::{Folder, Job, eventually, signal, some_text};

const DESCRIBE: &str = "/agora.mapreduce.v1.JobService/Describe";
const WATCH: &str = "/agora.mapreduce.v1.JobService/Watch";

/// The page of a running job.
struct Page {
    channel: Channel,
}

impl Page {
    /// Waits until the job prints where its page is.
    fn of(job: &mut Job) -> Page {
        job.lines.wait_for("page on http://");
        let line = job.lines.seen.last().unwrap();
        let address = line.strip_prefix("page on http://").unwrap().trim_end_matches('/');
        Page { channel: Channel::new(address, ChannelOptions::default()).unwrap() }
    }

    fn watch(&self) -> ClientCall {
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut call = self.channel.start(WATCH, &options).unwrap();
        call.send_last(&encode(&WatchRequest { interval_ms: 100 })).unwrap();
        call
    }

    /// The present state, by `check`.
    fn describe<T>(&self, check: impl FnOnce(&JobMessage<'_>) -> T) -> T {
        let request = encode(&DescribeRequest {});
        let response = self.channel.unary(DESCRIBE, &request, &CallOptions::default()).unwrap();
        let response: DescribeResponse<'_> = decode(&response).unwrap();
        check(response.job.as_ref().unwrap())
    }
}

/// Receives the states of a watch until it ends or `take` returns true; returns how it ended.
fn each_state(
    call: &mut ClientCall,
    mut take: impl FnMut(&JobMessage<'_>) -> bool,
) -> Option<Result<(), Status>> {
    loop {
        match call.receive() {
            Ok(Some(message)) => {
                let response: WatchResponse<'_> = decode(&message).unwrap();
                if take(response.job.as_ref().unwrap()) {
                    return None;
                }
            }
            Ok(None) => return Some(Ok(())),
            Err(status) => return Some(Err(status)),
        }
    }
}

/// A job with a page, slow enough to be looked at.
fn slow_job(folder: &Folder, delay: &str) -> Job {
    let line = ["wordcount", "a.txt", "-m", "3", "-r", "2", "--page", "127.0.0.1:0"];
    folder.start(&[&line[..], &["--task-delay", delay]].concat())
}

fn folder_with_text(seed: u64) -> (Folder, String) {
    let (text, expected) = some_text(seed, 100_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    (folder, expected)
}

#[test]
fn a_watch_tells_the_truth_about_a_killed_worker() {
    let (folder, expected) = folder_with_text(51);
    let mut job = slow_job(&folder, "0.4");
    let page = Page::of(&mut job);
    let mut call = page.watch();
    let ended = each_state(&mut call, |state| {
        state.map.as_ref().is_some_and(|map| map.running == 3)
            && state.workers.iter().any(|worker| worker.tasks.contains(&"map 3".into()))
    });
    assert!(ended.is_none(), "the job is over: {ended:?}");
    signal(job.workers("mapper")[1], "KILL");
    let (mut was_gone, mut was_retried) = (false, false);
    let mut last = None;
    let ended = each_state(&mut call, |state| {
        let second = state.workers.iter().find(|worker| worker.name == "M2").unwrap();
        was_gone |= second.state == WorkerState::WORKER_STATE_GONE && second.failed == 1;
        was_retried |= state.tasks.iter().any(|task| {
            let is_retried = (task.failures, task.attempts) == (1, 2);
            is_retried && task.error == "its worker is gone" && task.name.starts_with("map ")
        });
        let texts: Vec<String> = state.events.iter().map(|event| event.text.to_string()).collect();
        let phases = [&state.map, &state.reduce].map(|phase| {
            phase.as_ref().map(|phase| (phase.tasks, phase.done, phase.states.to_string()))
        });
        let output = state.output.as_ref().map(|output| (output.bytes, output.head.to_string()));
        let attempts = state.attempts.clone().unwrap();
        last = Some((state.state, texts, phases, output, attempts));
        false
    });
    assert_eq!(ended, Some(Ok(())), "the watch ends with the job");
    assert!(was_retried, "no state has the second attempt");
    let (state, texts, phases, output, attempts) = last.unwrap();
    assert!(was_gone || texts.iter().any(|text| text.starts_with("M2 is gone: ")), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("FAILURE: its worker is gone")), "{texts:?}");
    assert_eq!(state, JobState::JOB_STATE_DONE);
    assert_eq!(phases, [Some((3, 3, "ddd".into())), Some((2, 2, "dd".into()))]);
    assert_eq!((attempts.begun, attempts.succeeded, attempts.failed), (6, 5, 1));
    let (bytes, head) = output.unwrap();
    assert_eq!(bytes, expected.len() as u64);
    assert!(expected.starts_with(&head) && !head.is_empty(), "{head}");
    job.succeed();
    assert_eq!(folder.read("Data/output.txt"), expected);
}

/// Points around a few places, in two coordinates.
fn some_points(seed: u64) -> String {
    let mut seed = crate::seed::Seed::new(seed);
    let point = |_| {
        let place = seed.below(4) * 1_000;
        format!("{}.5,{}\n", place + seed.below(700), place + seed.below(900))
    };
    (0..5_000).map(point).collect()
}

#[test]
fn a_page_changes_no_byte_of_a_clustering_and_shows_it() {
    let folder = Folder::new();
    folder.file("points.csv", some_points(52));
    let line = ["kmeans", "--input", "points.csv", "-k", "5", "-m", "2", "-r", "2"];
    let line = [&line[..], &["--iterations", "15"]].concat();
    let plain = folder.succeed(&[&line[..], &["--data", "Plain", "-q"]].concat()).stdout;
    let paged = ["--data", "Paged", "--page", "127.0.0.1:0", "--task-delay", "0.03"];
    let mut job = folder.start(&[&line[..], &paged].concat());
    let page = Page::of(&mut job);
    let mut call = page.watch();
    let (mut samples, mut last) = (0, None);
    let ended = each_state(&mut call, |state| {
        let Some(clustering) = &state.clustering else { return false };
        samples += usize::from(!clustering.points.is_empty());
        assert_eq!((clustering.clusters, clustering.dims), (5, 2));
        assert_eq!(clustering.axes, ["coordinate 1", "coordinate 2"]);
        let errors: Vec<f64> = clustering.errors.iter().map(|error| error.squared_error).collect();
        assert!(errors.is_sorted_by(|a, b| a >= b), "{errors:?}");
        let sizes = (clustering.labels.len(), clustering.centroids.len());
        last = Some((clustering.points_in_all, sizes, errors));
        false
    });
    assert_eq!(ended, Some(Ok(())));
    assert_eq!(samples, 1, "the points are sent once");
    let (points, sizes, errors) = last.unwrap();
    // 1,500 labels of two bytes, five centroids of two floats.
    assert_eq!((points, sizes), (5_000, (3_000, 40)));
    let output = job.succeed();
    let said = format!("error {:?}", errors.last().unwrap());
    assert!(output.contains(&said), "{said} is not in {output}");
    assert_eq!(folder.read("Paged/centroids.txt"), plain);
    for file in ["centroids.txt", "labels.txt"] {
        let [plain, paged] = ["Plain", "Paged"].map(|data| folder.read(&format!("{data}/{file}")));
        assert_eq!(plain, paged, "{file}");
    }
}

#[test]
fn a_page_is_kept_after_the_job_on_request() {
    let (folder, _) = folder_with_text(53);
    let line = ["wordcount", "a.txt", "--page", "127.0.0.1:0", "--page-keep"];
    let mut job = folder.start(&line);
    let page = Page::of(&mut job);
    job.lines.wait_for("the job is done; the page stays until Ctrl-C");
    page.describe(|state| {
        assert_eq!(state.state, JobState::JOB_STATE_DONE);
        assert_eq!(state.name, "word count of a.txt");
        // Calls are authorized by the whole id.
        assert_eq!(state.id.len(), 8);
        assert!(state.workers.iter().all(|worker| worker.version == state.version));
        let counted = |name: &str| state.counters.iter().find(|counter| counter.name == name);
        assert!(counted("words").is_some_and(|counter| counter.count > 1_000));
    });
    let ended = each_state(&mut page.watch(), |_| false);
    assert_eq!(ended, Some(Ok(())), "nothing will change");
    signal(job.child.id(), "TERM");
    job.succeed();
}

#[test]
fn a_failed_job_tells_its_reason() {
    let (folder, _) = folder_with_text(54);
    let line = ["wordcount", "a.txt", "-m", "1", "--page", "127.0.0.1:0", "--task-delay", "0.01"];
    let mut job = folder.start(&[&line[..], &["--fail-probability", "1"]].concat());
    let page = Page::of(&mut job);
    let mut last = None;
    let ended = each_state(&mut page.watch(), |state| {
        last = Some((state.state, state.failure.to_string()));
        false
    });
    assert_eq!(ended, Some(Ok(())));
    let (state, failure) = last.unwrap();
    assert_eq!(state, JobState::JOB_STATE_FAILED);
    assert!(failure.ends_with("1: failed on purpose"), "{failure}");
    assert_eq!(job.child.wait().unwrap().code(), Some(1));
}

#[test]
fn watches_have_a_bound_and_a_slow_client_delays_nobody() {
    let (folder, _) = folder_with_text(55);
    let mut job = slow_job(&folder, "30");
    let page = Page::of(&mut job);
    let watches: Vec<ClientCall> = (0..MAX_WATCHES).map(|_| page.watch()).collect();
    eventually("a refusal", || match each_state(&mut page.watch(), |_| true) {
        Some(Err(status)) => status.code == Code::ResourceExhausted,
        _ => false,
    });
    // None of these reads.
    eventually("all workers", || page.describe(|state| state.worker_count == 5));
    drop(watches);
    eventually("a free place", || each_state(&mut page.watch(), |_| true).is_none());
}

/// Draws nothing, and counts how often it is asked to.
struct Counted(Arc<AtomicUsize>);

impl JobPicture for Counted {
    fn draw(&mut self) -> Option<ClusteringView> {
        self.0.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[test]
fn a_state_is_made_ten_times_a_second_however_many_ask() {
    let monitor = JobMonitor::new("1");
    let drawn = Arc::new(AtomicUsize::new(0));
    monitor.set_picture(Box::new(Counted(Arc::clone(&drawn))));
    let mut services = Services::new();
    monitor.register(&mut services);
    let server =
        Server::bind("127.0.0.1:0".parse().unwrap(), services, ServerOptions::default()).unwrap();
    let (address, handle) = (server.local_addr().to_string(), server.handle());
    let server = thread::spawn(move || server.run());
    let publisher = monitor.start_publisher().unwrap();
    let started = Instant::now();
    let ask = |_| {
        let page = Page { channel: Channel::new(&address, ChannelOptions::default()).unwrap() };
        let mut answered = 0;
        while started.elapsed() < Duration::from_secs(1) {
            page.describe(|_| answered += 1);
        }
        answered
    };
    let answered: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || ask(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let most = started.elapsed().as_millis() as usize / 100 + 1;
    let drawn = drawn.load(Ordering::Relaxed);
    assert!(drawn <= most, "{drawn} states in {:?}", started.elapsed());
    assert!(answered >= 4 * 2, "{answered} answers");
    monitor.close();
    publisher.join().unwrap();
    handle.shut_down();
    server.join().unwrap().unwrap();
}

#[test]
fn a_page_with_certificates_is_read_by_who_has_one() {
    let (folder, _) = folder_with_text(56);
    let made = ["cert", "--group", "g", "--workers", "127.0.0.1", "--submitters", "me"];
    folder.succeed(&[&made[..], &["--clients", "alice"]].concat());
    let line = ["wordcount", "a.txt", "-q", "--page", "127.0.0.1:0", "--certs", "certs/submit-me"];
    let refused = folder.run(&line);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("is for no host"), "{}", refused.stderr);
    assert!(!folder.has("Data"), "nothing was begun");
    let certs = ["--page-certs", "certs/worker-127.0.0.1", "--task-delay", "30"];
    let mut job = folder.start(&[&line[..], &certs].concat());
    job.lines.wait_for("page on https://");
    let seen = job.lines.seen.last().unwrap();
    let address = seen.strip_prefix("page on https://").unwrap().trim_end_matches('/').to_owned();
    let asked_by = |who: &str| {
        let certs = folder.0.join("certs").join(who);
        let tls = ClientTls::from_folder(&certs, None).unwrap();
        let options = ChannelOptions { tls: Some(tls), ..ChannelOptions::default() };
        let channel = Channel::new(&address, options).unwrap();
        channel.unary(DESCRIBE, &encode(&DescribeRequest {}), &CallOptions::default())
    };
    eventually("an answer", || asked_by("client-alice").is_ok());
    fs::create_dir(folder.0.join("certs/nobody")).unwrap();
    fs::copy(folder.0.join("certs/ca.pem"), folder.0.join("certs/nobody/ca.pem")).unwrap();
    assert_eq!(asked_by("nobody").unwrap_err().code, Code::Unauthenticated);
}

/// `test/security/browsers.rs` has the threats, at a server with the same flags.
#[test]
fn a_page_has_the_flags_and_checks_of_a_server() {
    let (folder, _) = folder_with_text(1);
    let line = ["wordcount", "a.txt", "--page", "127.0.0.1:0", "--task-delay", "30"];
    let flags = ["--allow-origin", "https://shop.example", "--no-metrics", "--access-log"];
    let mut job = folder.start(&[&line[..], &flags].concat());
    job.lines.wait_for("page on http://");
    let seen = job.lines.seen.last().unwrap();
    let address = seen.strip_prefix("page on http://").unwrap().trim_end_matches('/').to_owned();
    let response = |path: &str, host: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\naccept-language: en\r\n\
             origin: https://shop.example\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let own = response("/", &address);
    assert!(own.starts_with("HTTP/1.1 200 "), "{own}");
    assert!(own.contains("\r\naccess-control-allow-origin: https://shop.example\r\n"), "{own}");
    assert!(response("/", "shop.example").starts_with("HTTP/1.1 200 "));
    let foreign = response("/", "evil.example");
    assert!(foreign.starts_with("HTTP/1.1 403 "), "{foreign}");
    assert!(foreign.contains("--allow-origin http://evil.example"), "{foreign}");
    assert!(response("/metrics", &address).starts_with("HTTP/1.1 404 "));
    job.lines.wait_for("agora::access");
}

#[test]
fn pages_that_cannot_be_are_refused_before_the_job_begins() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    for line in [
        "--page here",
        "--page-keep",
        "--insecure",
        "--allow-origin *",
        "--access-log",
        "--no-metrics",
        "--page 127.0.0.1:0 --allow-origin shop.example",
        "--page ,",
        "--page-certs a",
    ] {
        let line = format!("wordcount a {line}");
        let output = folder.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, Some(2), "{line}: {}", output.stderr);
    }
    let output = folder.run(&["wordcount", "a", "--page", "0.0.0.0:0"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("can be reached from other machines"), "{}", output.stderr);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = folder.run(&["wordcount", "a", "--page", &address]);
    assert_eq!(output.code, Some(1));
    let reason = format!("cannot serve a page on {address}: ");
    assert!(output.stderr.starts_with(&reason), "{}", output.stderr);
    assert!(!folder.has("Data"), "nothing was begun");
    let exposed = ["wordcount", "a", "--page", "0.0.0.0:0", "--insecure", "-q"];
    let output = folder.succeed(&exposed);
    assert!(output.stderr.contains("sees the job and a sample of its input"), "{}", output.stderr);
    assert!(output.stderr.contains("page on http://0.0.0.0:"), "{}", output.stderr);
}
