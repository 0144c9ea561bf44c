//! The `agora` binary: hands the command line to [`agora::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    agora::cli::main()
}
