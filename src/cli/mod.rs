//! The command line: one file per subcommand.
//!
//! Results go to stdout, everything else to stderr. Exit status: 0 success, 1 failure (the reason on
//! stderr), 2 wrong usage. `--help` works on every command. `RUST_LOG` sets the log level on stderr
//! (`env_logger`'s syntax). By default warnings and errors are logged; nodes, markets and MapReduce
//! workers log `info` as well, unless they run with `--quiet` or were started by a master. Servers write
//! JSON lines with `--log-format json`.

mod access;
mod bench;
mod buyer;
#[cfg(feature = "cert")]
mod cert;
mod certs;
mod check;
mod connect;
mod failure;
mod flags;
mod interop;
mod job;
mod mapreduce;
mod kmeans;
mod kv;
mod limits;
mod listen;
mod logging;
mod market;
mod market_admin;
mod monitoring;
mod node;
mod output;
mod peers;
mod replica;
mod seller;
mod serve;
mod shell;
mod termination;
mod trade;
mod web;
mod word_count;
mod worker;

use std::process::ExitCode;

pub use failure::Failure;

/// A subcommand.
struct Command {
    name: &'static str,
    /// One line for the overview.
    summary: &'static str,
    /// Runs with the arguments behind the name.
    run: fn(&[String]) -> Result<(), Failure>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "bench",
        summary: "measure throughput and latency of a running server",
        run: bench::run,
    },
    Command { name: "buyer", summary: "search, buy, wish and rate on a market", run: buyer::run },
    #[cfg(feature = "cert")]
    Command {
        name: "cert",
        summary: "make and show certificates of nodes, workers and people",
        run: cert::run,
    },
    Command { name: "check", summary: "check the files of a node", run: check::run },
    Command {
        name: "interop",
        summary: "gRPC's interoperability tests, as a server or as a client",
        run: interop::run,
    },
    Command { name: "kmeans", summary: "cluster points by MapReduce", run: kmeans::run },
    Command {
        name: "kmeans-map",
        summary: "the map side of k-means, for other engines",
        run: kmeans::run_map,
    },
    Command {
        name: "kmeans-reduce",
        summary: "the reduce side of k-means, for other engines",
        run: kmeans::run_reduce,
    },
    Command { name: "kv", summary: "client of a replicated key-value store", run: kv::run },
    Command { name: "mapper", summary: "run map tasks of MapReduce", run: worker::run_mapper },
    Command {
        name: "mapreduce",
        summary: "run two commands as a MapReduce job",
        run: mapreduce::run,
    },
    Command { name: "market", summary: "serve a shopping market", run: market::run },
    Command {
        name: "market-admin",
        summary: "block, remove and restore accounts and items of a market",
        run: market_admin::run,
    },
    Command { name: "node", summary: "run a node of a replicated key-value store", run: node::run },
    Command { name: "reducer", summary: "run reduce tasks of MapReduce", run: worker::run_reducer },
    Command { name: "seller", summary: "sell on a market, and watch sales", run: seller::run },
    Command { name: "wordcount", summary: "count words by MapReduce", run: word_count::run },
];

/// Runs the process's command line.
pub fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let log_format = logging::start(&arguments);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(log_format),
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments.split_first() {
        None => Err(Failure::Usage(overview())),
        Some((word, _)) if matches!(word.as_str(), "--help" | "-h" | "help") => {
            Err(Failure::Help(overview()))
        }
        Some((word, _)) if word == "--version" => {
            Err(Failure::Help(format!("agora {}\n", env!("CARGO_PKG_VERSION"))))
        }
        Some((word, rest)) => match COMMANDS.iter().find(|command| command.name == word) {
            Some(command) => (command.run)(rest),
            None => Err(Failure::Usage(format!("agora: no command {word:?}\n\n{}", overview()))),
        },
    }
}

fn overview() -> String {
    let mut text = String::from("Usage: agora COMMAND [FLAGS]\n\nCommands:\n");
    for Command { name, summary, .. } in COMMANDS {
        text.push_str(&format!("  {name:<13} {summary}\n"));
    }
    text.push_str("\n`agora COMMAND --help` explains a command.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn every_command_explains_itself() {
        for command in COMMANDS {
            let result = run(&arguments(&format!("{} --help", command.name)));
            assert!(matches!(result, Err(Failure::Help(_))), "{}", command.name);
        }
    }

    #[test]
    fn an_unknown_command_or_flag_is_wrong_usage() {
        assert!(matches!(run(&arguments("fly")), Err(Failure::Usage(_))));
        assert!(matches!(run(&[]), Err(Failure::Usage(_))));
        for command in COMMANDS {
            let result = run(&arguments(&format!("{} --no-such-flag", command.name)));
            assert!(matches!(result, Err(Failure::Usage(_))), "{}", command.name);
        }
    }
}
