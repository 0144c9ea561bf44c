//! `agora bench`: throughput and latency of a running server.

mod closed_loop;
mod echo;
mod kmeans;
mod kv;
mod latency;
mod market;
mod serve;
mod wire;

use super::Failure;

const USAGE: &str = "\
Usage: agora bench echo --target HOST:PORT [FLAGS]
       agora bench kmeans make|read|assign|peak [FLAGS]
       agora bench kv set|get|mixed|fill|probe|leader --peers N=ADDR,... [FLAGS]
       agora bench market buy|search|mixed|fill|leader --market ADDR[,ADDR...] [FLAGS]
       agora bench serve --listen HOST:PORT [FLAGS]

  echo       call an echo service, and print calls per second and latencies
  kmeans     read points, and assign them to centroids, without processes and sockets
  serve      run that echo service
  kv         set and get keys of a key-value store, or measure how long a change of leaders takes
  market     buy and search in a market with a given number of items

`agora bench WORD --help` lists the flags.
";

pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments.split_first() {
        Some((word, rest)) if word == "echo" => echo::run(rest),
        Some((word, rest)) if word == "kmeans" => kmeans::run(rest),
        Some((word, rest)) if word == "kv" => kv::run(rest),
        Some((word, rest)) if word == "market" => market::run(rest),
        Some((word, rest)) if word == "serve" => serve::run(rest),
        Some((word, _)) if word == "--help" || word == "-h" => Err(Failure::Help(USAGE.into())),
        _ => Err(Failure::Usage(USAGE.into())),
    }
}
