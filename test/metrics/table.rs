//! `schemas/metrics.md` lists every family of every program, and no other.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use agora::kv::service::KvService;
use agora::mapreduce::master::JobMonitor;
use agora::mapreduce::worker::{Role, WorkerMetrics};
use agora::market::service::{AsyncLineWriter, MarketService};
use agora::market::state::Limits;
use agora::metrics::{Format, Kind, Registry};
use agora::raft::Config;
use agora::replica::dump::{DumpOptions, Level};
use agora::replica::engine::SnapshotPolicy;
use agora::replica::node::{NodeOptions, Opened, Service};
use agora::rpc::{ServerMetrics, register_certificate_metrics, register_process_metrics};

use crate::samples::Samples;

/// A node of a group of one, in memory.
fn node<S: Service>(service: S) -> Opened<S> {
    let options = NodeOptions {
        directory: None,
        group: "g".into(),
        machine: "m".into(),
        peers: vec![(1, "a:1".into())],
        config: Config::lan(1, vec![1]),
        snapshots: SnapshotPolicy::default(),
        quota_bytes: 1_000,
        dump: DumpOptions { level: Level::None, ..DumpOptions::default() },
    };
    Opened::open(options, service).unwrap()
}

fn market() -> MarketService {
    MarketService::new(Limits::DEFAULT, AsyncLineWriter::disabled())
}

/// The registries of all programs.
fn registries() -> Vec<(&'static str, Registry)> {
    let server = || {
        let registry = Registry::new();
        register_process_metrics(&registry);
        ServerMetrics::register(&registry);
        register_certificate_metrics(&registry, || None);
        registry
    };
    let (kv, market_node) = (server(), server());
    node(KvService::default()).register_metrics(&kv);
    node(market()).register_metrics(&market_node);
    let worker = |role| {
        let registry = server();
        Arc::new(WorkerMetrics::default()).register(&registry, role);
        registry
    };
    let master = server();
    JobMonitor::new("1").register_metrics(&master);
    vec![
        ("node", kv),
        ("market", market_node),
        ("mapper", worker(Role::Mapper)),
        ("reducer", worker(Role::Reducer)),
        ("page of a job", master),
    ]
}

#[test]
fn every_family_is_in_the_table_with_its_type_labels_and_meaning() {
    let mut expected = BTreeSet::new();
    for (program, registry) in registries() {
        assert_eq!(registry.problems(), [""; 0], "{program}");
        for family in registry.families() {
            let kind = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
                Kind::Info => "info",
            };
            let labels: Vec<String> =
                family.labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = labels.join(", ");
            expected.insert(format!("| `{}` | {kind} | {labels} | {} |", family.name, family.help));
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `agora_") || line.starts_with("| `process_"));
    let rows: BTreeSet<String> = rows.map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(&rows).map(String::as_str).collect();
    let stale: Vec<_> = rows.difference(&expected).map(String::as_str).collect();
    assert!(missing.is_empty(), "not in the table:\n{}", missing.join("\n"));
    assert!(stale.is_empty(), "in the table alone:\n{}", stale.join("\n"));
}

#[test]
fn every_registered_family_is_written_once_and_no_other() {
    for (program, registry) in registries() {
        let text = registry.render(Format::Prometheus);
        let written = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let written: Vec<&str> = written.filter_map(|line| line.split(' ').next()).collect();
        let registered = registry.families();
        let registered: Vec<&str> = registered.iter().map(|family| family.name).collect();
        assert_eq!(written, registered, "{program}");
        // No sample is there twice.
        Samples::parse(&text);
    }
}

#[test]
fn a_scrape_is_rendered_in_a_millisecond_or_five_unoptimized() {
    let most_ms = if cfg!(debug_assertions) { 5 } else { 1 };
    for (program, registry) in registries() {
        registry.render(Format::Prometheus);
        // The best of several, since the machine may be busy.
        let best = (0..20).map(|_| {
            let began = std::time::Instant::now();
            let bytes = registry.render(Format::OpenMetrics).len();
            assert!(bytes < 100_000, "{bytes}");
            began.elapsed()
        });
        let best = best.min().unwrap();
        assert!(best.as_millis() < most_ms, "{program}: {best:?}");
    }
}

/// The names of metrics in a text, without the suffixes of histograms' samples.
fn names_in(text: &str) -> BTreeSet<String> {
    let is_inner = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = text.split(|character| !is_inner(character));
    let names = words.filter(|word| {
        (word.starts_with("agora_") || word.starts_with("process_"))
            && word.matches('_').count() > 1
    });
    names.map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned()).collect()
}

#[test]
fn the_dashboard_and_the_rules_name_metrics_that_exist() {
    let registered: BTreeSet<String> = registries()
        .iter()
        .flat_map(|(_, registry)| registry.families())
        .map(|family| family.name.to_owned())
        .collect();
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut used = BTreeSet::new();
    for file in ["grafana-dashboard.json", "prometheus-rules.yaml", "prometheus-rules.test.yaml"] {
        let names = names_in(&std::fs::read_to_string(schemas.join(file)).unwrap());
        assert!(names.len() >= 15, "{file}: {names:?}");
        used.extend(names);
    }
    let unknown: Vec<_> = used.difference(&registered).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
