//! The `agora` binary: hands the command line to [`agora::cli`].

fn main() {}
