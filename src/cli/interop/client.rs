//! `agora interop client`: runs test cases against a server.

use std::io::Write;

use super::cases::{CASES, Case, Peer};
use crate::cli::flags::Flags;
use crate::cli::{Failure, connect};
use crate::session::Protocol;

/// Runs the case that was asked for, or all of them.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    let about = format!(
        "Runs one of gRPC's interoperability tests (the last three are our own), or all of them:\n\
         \n    {}",
        names.join("\n    ")
    );
    let usage = "agora interop client --server HOST:PORT --case NAME [FLAGS]";
    let flags = Flags::new(usage, &about)
        .value("server", "the server under test (required)", "HOST:PORT")
        .value("case", "the test case, or all (required)", "NAME");
    let parsed = connect::flags(flags, Protocol::Grpc).parse(arguments)?;
    parsed.no_arguments()?;
    let server = parsed.required("server")?;
    let name = parsed.required("case")?;
    let options = connect::options(&parsed, Protocol::Grpc)?;
    let chosen: Vec<&Case> =
        CASES.iter().filter(|case| name == "all" || case.name == name).collect();
    if chosen.is_empty() {
        return Err(parsed.wrong(format!("--case {name:?}: no such case")));
    }
    let peer = Peer::new(&server, options)?;
    let mut failed = Vec::new();
    for case in chosen {
        match (case.run)(&peer) {
            // A reader that is gone changes nothing of the result.
            Ok(()) => drop(writeln!(std::io::stdout(), "{}: passed", case.name)),
            Err(reason) => failed.push(format!("{}: {reason}", case.name)),
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::Failed(failed.join("\n"))) }
}
