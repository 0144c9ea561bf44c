//! `agora interop client`: runs test cases against a server.

use std::io::Write;

use super::cases::{CASES, COMPRESSED_CASES, Case, OUR_CASES, Peer};
use crate::cli::flags::Flags;
use crate::cli::{Failure, connect};
use crate::session::Protocol;

/// Runs the case that was asked for, or all of them.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let about = format!(
        "Runs one of gRPC's interoperability tests, or all of them:\n\n    {}\n\nor one of those \
         for servers that have gzip, or compressed for all of these; the protocol is\ngRPC, since the \
         native one does not compress:\n\n    {}\n\nor one of our own, or ours for all of these. \
         The last asks for what only our server does, and\nso does not have to pass elsewhere:\n\n    \
         {}",
        names(CASES).join("\n    "),
        names(COMPRESSED_CASES).join("\n    "),
        names(OUR_CASES).join("\n    ")
    );
    let usage = "agora interop client --server HOST:PORT --case NAME [FLAGS]";
    let flags = Flags::new(usage, &about)
        .value("server", "the server under test (required)", "HOST:PORT")
        .value("case", "the test case, all, compressed or ours (required)", "NAME")
        .switch("gzip", "compress all requests; the server must have gzip");
    let parsed = connect::flags(flags, Protocol::Grpc).parse(arguments)?;
    parsed.no_arguments()?;
    let server = parsed.required("server")?;
    let name = parsed.required("case")?;
    let options = connect::options(&parsed, Protocol::Grpc)?;
    let chosen = chosen(&name);
    if chosen.is_empty() {
        return Err(parsed.wrong(format!("--case {name:?}: no such case")));
    }
    let peer = Peer::new(&server, options, parsed.is_on("gzip"))?;
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

fn names(cases: &[Case]) -> Vec<&'static str> {
    cases.iter().map(|case| case.name).collect()
}

/// The cases of a name. `all` are those that every server must pass.
fn chosen(name: &str) -> Vec<&'static Case> {
    match name {
        "all" => CASES.iter().collect(),
        "compressed" => COMPRESSED_CASES.iter().collect(),
        "ours" => OUR_CASES.iter().collect(),
        name => CASES
            .iter()
            .chain(COMPRESSED_CASES)
            .chain(OUR_CASES)
            .filter(|case| case.name == name)
            .collect(),
    }
}
