//! Metrics of the process, under the names that Prometheus' own clients use. All of them are read at a
//! scrape, from `/proc`; what cannot be read is left out.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::metrics::{Exposition, Family, Registry};
use crate::rpc::system::descriptor_limit;

const BUILD: Family = Family::info("agora_build_info", &["version"], "The version of the program");
const CPU: Family = Family::counter(
    "process_cpu_seconds_total",
    &[],
    "CPU time of the process, in user and system mode",
);
const RESIDENT: Family = Family::gauge("process_resident_memory_bytes", &[], "Resident memory");
const OPEN: Family = Family::gauge("process_open_fds", &[], "Open file descriptors");
const MAX_OPEN: Family =
    Family::gauge("process_max_fds", &[], "The limit of open file descriptors");
const THREADS: Family = Family::gauge("process_threads", &[], "Threads of the process");
const START: Family = Family::gauge(
    "process_start_time_seconds",
    &[],
    "When the process started, in seconds since 1970",
);

const CLOCK: Family = Family::gauge(
    "agora_clock_seconds",
    &[],
    "The wall clock of the host, in seconds since 1970, to compare it with that of others",
);

const ALL: &[Family] = &[BUILD, CPU, RESIDENT, THREADS, OPEN, MAX_OPEN, START, CLOCK];

/// The unit of times in `/proc`: Linux shows programs 100 ticks a second on every architecture that
/// Rust's standard library supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// Registers the metrics of this process; to be called once, at its start.
pub fn register_process_metrics(registry: &Registry) {
    let started = since_1970();
    registry.register(ALL, move |out| {
        out.family(&BUILD).value(&[env!("CARGO_PKG_VERSION")], 1_u64);
        write_times_and_memory(out);
        let mut open = out.family(&OPEN);
        if let Some(count) = open_descriptors() {
            open.value(&[], count);
        }
        let mut max_open = out.family(&MAX_OPEN);
        if let Some(limit) = descriptor_limit() {
            max_open.value(&[], limit);
        }
        out.family(&START).value(&[], started.as_secs_f64());
        out.family(&CLOCK).value(&[], since_1970().as_secs_f64());
    });
}

fn write_times_and_memory(out: &mut Exposition) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut cpu = out.family(&CPU);
    if let Some(seconds) =
        fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_seconds(&stat))
    {
        cpu.value(&[], seconds);
    }
    let mut memory = out.family(&RESIDENT);
    if let Some(kilobytes) = status_value(&status, "VmRSS:") {
        memory.value(&[], kilobytes * 1024);
    }
    let mut threads = out.family(&THREADS);
    if let Some(count) = status_value(&status, "Threads:") {
        threads.value(&[], count);
    }
}

/// The user and system time in `/proc/self/stat`. The second field is the program's name in
/// parentheses, which may contain anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    // Behind the name follow the fields 3 and more; user and system time are 14 and 15.
    let mut times = fields.split_whitespace().skip(11);
    let mut ticks = || times.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

/// The first number of a line of `/proc/self/status`.
fn status_value(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The number of open descriptors. Linux 6.2 and later have it as the size of the directory; to count
/// the entries takes a millisecond for some thousand connections.
fn open_descriptors() -> Option<u64> {
    const DIRECTORY: &str = "/proc/self/fd";
    match fs::metadata(DIRECTORY).ok()?.len() {
        // Without the one that reads the directory.
        0 => Some((fs::read_dir(DIRECTORY).ok()?.count() as u64).saturating_sub(1)),
        count => Some(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Format;

    #[test]
    fn times_are_found_behind_any_name_of_the_program() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 1000 0 0";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("7 (a) S 1"), None);
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(status_value("Name:\tx\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(status_value("Name:\tx\n", "VmRSS:"), None);
    }

    #[test]
    fn every_open_descriptor_is_counted() {
        let files: Vec<fs::File> =
            (0..300).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests of this process open and close descriptors meanwhile.
        let count = open_descriptors().unwrap();
        assert!((300..10_000).contains(&count), "{count}");
        drop(files);
    }

    #[test]
    fn every_value_of_a_running_process_is_there() {
        let registry = Registry::new();
        register_process_metrics(&registry);
        assert_eq!(registry.problems(), [""; 0]);
        let text = registry.render(Format::Prometheus);
        for family in registry.families() {
            let sample = text.lines().find(|line| line.starts_with(family.name)).unwrap();
            let value: f64 = sample.rsplit_once(' ').unwrap().1.parse().unwrap();
            assert!(value > 0.0 || family == CPU, "{sample}");
        }
    }
}
