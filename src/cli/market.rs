//! `agora market`: the shopping market.

use super::flags::Flags;
use super::{Failure, serve};

/// Serves a market.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora market --listen HOST:PORT [FLAGS]",
        "Serves a market, agora.market.v1.MarketService, and prints a line for each request.",
    )
    .switch("quiet", "print no lines for requests");
    let parsed = serve::flags(flags).parse(arguments)?;
    parsed.no_arguments()?;
    open(&parsed, parsed.is_on("quiet"))
}

#[cfg(feature = "sha2")]
fn open(parsed: &super::flags::Parsed, is_quiet: bool) -> Result<(), Failure> {
    use crate::market::service::{self, Lines};
    use crate::market::state::{Limits, Market};
    use crate::rpc::Services;

    let lines = if is_quiet {
        Lines::none()
    } else {
        Lines::to(std::io::stdout()).map_err(|error| Failure::because("cannot print", error))?
    };
    let mut services = Services::new();
    service::register(&mut services, Market::new(Limits::DEFAULT), lines);
    serve::run_arranged(parsed, services, None, FORGETFUL, |_| Ok(()))
}

#[cfg(feature = "sha2")]
const FORGETFUL: &str = "agora market: all is kept in memory alone: nothing survives a restart\n";

/// Who a UUID is cannot be told without a SHA-256.
#[cfg(not(feature = "sha2"))]
fn open(_: &super::flags::Parsed, _: bool) -> Result<(), Failure> {
    Err(Failure::Failed("agora market: this build lacks the market: the feature `sha2`".into()))
}
