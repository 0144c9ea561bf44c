//! The rules of the architecture. Each looks at one file and says what is wrong in which line.

use std::fmt;

use super::source::{NamedPath, code_only, paths, test_modules, without_tests};

/// Modules without sockets, files, threads, clocks, environment, ambient randomness or logging.
const PURE: &[&str] = &[
    "text", "binary", "dns", "protobuf", "json", "gzip", "call", "metrics", "hpack", "http2",
    "http", "connect", "exchange", "http1", "grpc", "native", "session", "raft", "kmeans", "pages",
];

/// Modules that are pure but for these files or folders of theirs.
const PURE_BUT: &[(&str, &[&str])] = &[
    ("kv", &["service", "client"]),
    ("market", &["service", "client"]),
    ("mapreduce", &["files", "master", "streaming", "worker"]),
    (
        "replica",
        &["clock", "dump", "node", "cluster_client", "service", "storage", "transport", "view"],
    ),
];

/// Modules that touch the world, and the one that is generated.
const NOT_PURE: &[&str] = &["pb", "files", "rpc", "cli"];

/// Modules that a module must not see although they stand above it: the systems know calls and the
/// RPC layer, not the protocols under it.
const HIDDEN: &[(&str, &[&str])] = &[
    (
        "replica",
        &["hpack", "http2", "http", "connect", "exchange", "http1", "grpc", "native", "session"],
    ),
    (
        "kv",
        &["hpack", "http2", "http", "connect", "exchange", "http1", "grpc", "native", "session"],
    ),
    (
        "market",
        &["hpack", "http2", "http", "connect", "exchange", "http1", "grpc", "native", "session"],
    ),
    (
        "mapreduce",
        &[
            "hpack", "http2", "http", "connect", "exchange", "http1", "grpc", "native", "session",
            "raft", "kv", "market",
        ],
    ),
    (
        "kmeans",
        &[
            "hpack", "http2", "http", "connect", "exchange", "http1", "grpc", "native", "session",
            "rpc", "raft", "kv", "market",
        ],
    ),
];

/// Files named here, or whose module is `pb`, see the generated messages.
const MESSAGES_SEEN_BY: &str = "wire.rs";

/// Crates that only some places know: the crate, then prefixes of paths.
const CRATES: &[(&str, &[&str])] = &[
    ("mio", &["src/rpc/reactor.rs"]),
    ("flate2", &["src/gzip/"]),
    ("getopts", &["src/cli/"]),
    ("env_logger", &["src/cli/"]),
    ("rcgen", &["src/cli/cert/", "src/rpc/tls/x509.rs"]),
    ("rustls", &["src/cli/cert/", "src/rpc/tls/"]),
    (
        "rustix",
        &[
            "src/files/user.rs",
            "src/replica/clock.rs",
            "src/replica/storage/directory.rs",
            "src/rpc/system.rs",
        ],
    ),
    ("serde_core", &["src/json/"]),
    ("serde_json", &["src/json/"]),
    ("rustyline", &["src/cli/shell/"]),
    ("sha2", &["src/market/sha256.rs"]),
    ("signal_hook", &["src/cli/termination.rs"]),
];

/// What no pure file names; a path that begins so is refused.
const WORLD: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
    &["std", "io", "stderr"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "random"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["std", "time", "UNIX_EPOCH"],
    &["mio"],
    &["libc"],
];

/// Addresses are plain values, allowed in pure files.
const ADDRESSES: &[&str] =
    &["IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr", "SocketAddrV4", "SocketAddrV6"];

/// Words that mean the world wherever a pure file writes them.
const WORLDLY_WORDS: &[&str] = &["Instant", "SystemTime", "RandomState", "thread_local"];

/// Constructors that seed a hasher from the environment; `default()` with a hasher named does not.
const RANDOM_HASHERS: &[&[&str]] = &[
    &["HashMap", "new"],
    &["HashMap", "with_capacity"],
    &["HashSet", "new"],
    &["HashSet", "with_capacity"],
];

const LOG_NAMES: &[&str] =
    &["trace", "debug", "info", "warn", "error", "log", "Level", "LevelFilter", "log_enabled", "*"];
const PRINTS: &[&str] = &["print", "println", "eprint", "eprintln"];

/// `unsafe` outside this list is refused: file, then the reason.
const UNSAFE: &[(&str, &str)] = &[
    (
        "src/kmeans/assign/simd/mod.rs",
        "vector instructions: distances of many points at once, a third of the time and less",
    ),
    (
        "src/text/simd.rs",
        "vector instructions: numbers are found and read in three quarters of the time",
    ),
];

/// Panics that stay: file, a piece of the line, and why it can't happen or must stop the program.
const PANICS: &[(&str, &str, &str)] = &[];

/// Statics that can change: file, a piece of the line, and why there is no owner to hold it.
const STATICS: &[(&str, &str, &str)] = &[];

/// What looks names up by `getaddrinfo`. A static binary then loads the host's modules for it, and
/// dies where they belong to another C library; `rpc::Resolver` has names.
const NAME_LOOK_UPS: &[&str] = &["ToSocketAddrs", "to_socket_addrs", "lookup_host", "getaddrinfo"];

/// What takes names as well as addresses, and would look names up by itself.
const NAME_TAKERS: &[&[&str]] =
    &[&["TcpStream", "connect"], &["TcpListener", "bind"], &["UdpSocket", "bind"]];

/// Who calls them all the same: file, the call, and why no name comes there.
const ADDRESSES_ALONE: &[(&str, &str, &str)] = &[
    ("src/rpc/reactor.rs", "TcpStream::connect", "mio's takes a SocketAddr"),
    ("src/rpc/reactor.rs", "TcpListener::bind", "mio's takes a SocketAddr"),
    ("src/rpc/names/exchange.rs", "UdpSocket::bind", "its argument is made a SocketAddr there"),
];

/// What makes or opens files and folders without the checks of `src/files`: of modes, of owners, and
/// of symbolic links.
const FILE_MAKERS: &[&[&str]] = &[
    &["OpenOptions"],
    &["DirBuilder"],
    &["File", "create"],
    &["File", "create_new"],
    &["File", "options"],
    &["fs", "write"],
    &["fs", "copy"],
    &["fs", "create_dir"],
    &["fs", "create_dir_all"],
];

/// Folders that use them, and why.
const FILES_MADE_IN: &[(&str, &str)] = &[
    ("src/files/", "it makes the checks"),
    ("src/cli/cert/", "certificates have modes and folders of their own, which it checks"),
];

/// Files that use one of them: the file, the call, and why.
const FILES_MADE_BY: &[(&str, &str, &str)] = &[
    ("src/cli/output.rs", "File::options", "opens a device that `files` has checked"),
    ("src/market/client/identity.rs", "DirBuilder", "a folder of its user's, with mode 0700"),
];

/// No file is longer than this many lines.
pub const LONGEST: usize = 600;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// A Rust file of `src/`, read.
pub struct Source<'a> {
    /// From the root of the repository, `src/hpack/table.rs`.
    pub file: &'a str,
    /// Whether the file as a whole is tests.
    pub is_test: bool,
    text: &'a str,
    code: String,
    shipped: String,
}

impl<'a> Source<'a> {
    pub fn read(file: &'a str, text: &'a str, is_test: bool) -> Source<'a> {
        let code = code_only(text);
        let shipped = if is_test { String::new() } else { without_tests(&code) };
        Source { file, is_test, text, code, shipped }
    }

    /// The module the file is in; nothing for `lib.rs` and `main.rs`.
    pub fn module(&self) -> Option<&'a str> {
        let (module, _) = self.file.strip_prefix("src/")?.split_once('/')?;
        Some(module)
    }

    /// The files of this module whose every line is tests, as `#[cfg(test)] mod name;` says.
    pub fn test_files(&self) -> Vec<String> {
        let stem = self.file.trim_end_matches(".rs");
        let folder = stem.strip_suffix("/mod").unwrap_or(stem);
        let files = |name| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/")];
        test_modules(&self.code).iter().flat_map(files).collect()
    }

    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { file: self.file.to_owned(), line, what: what.into() }
    }

    /// Modules between the crate's root and this file: 1 for `src/hpack/mod.rs`.
    fn depth(&self) -> usize {
        let parts = self.file.split('/').count() - 1;
        if self.file.ends_with("/mod.rs") || !self.file.contains('/') { parts - 1 } else { parts }
    }
}

/// The modules in the order of `lib.rs`, lowest first.
pub fn modules(lib: &str) -> Vec<String> {
    let code = without_tests(&code_only(lib));
    code.lines()
        .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod "))
        .filter_map(|rest| rest.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// Every module is declared pure or not, once, here.
pub fn modules_without_a_kind(modules: &[String]) -> Vec<String> {
    let kinds = |module: &&String| {
        let module = module.as_str();
        usize::from(PURE.contains(&module))
            + usize::from(NOT_PURE.contains(&module))
            + usize::from(PURE_BUT.iter().any(|(name, _)| *name == module))
    };
    modules.iter().filter(|module| kinds(module) != 1).cloned().collect()
}

/// All rules on one file.
pub fn check(source: &Source<'_>, modules: &[String]) -> Vec<Finding> {
    let generated = source.module() == Some("pb");
    let mut findings = imports(source, modules);
    findings.extend(purity(source));
    findings.extend(crates(source));
    findings.extend(unsafety(source));
    findings.extend(name_look_ups(source));
    findings.extend(file_makers(source));
    if !generated {
        findings.extend(panics(source));
        findings.extend(statics(source));
        findings.extend(length(source.file, source.text));
        findings.extend(names(source));
    }
    findings
}

/// A module imports only modules above it in `lib.rs`'s list; tests included.
fn imports(source: &Source<'_>, modules: &[String]) -> Vec<Finding> {
    let place = |module: &str| modules.iter().position(|name| name == module);
    let here = match (source.module(), source.file) {
        (Some(module), _) => match place(module) {
            Some(at) => at,
            None => {
                return vec![source.finding(1, format!("`{module}` is no module of src/lib.rs"))];
            }
        },
        (None, "src/lib.rs" | "src/main.rs") => modules.len(),
        (None, _) => {
            return vec![source.finding(1, "only lib.rs and main.rs stand beside the modules")];
        }
    };
    let mut findings = Vec::new();
    for path in paths(&source.code) {
        let Some(target) = target_module(source, &path) else { continue };
        let Some(there) = place(&target) else {
            if !(source.is_test || target == "seed" || target == "self") {
                let what = format!("`crate::{target}` is no module: name a module of src/lib.rs");
                findings.push(source.finding(path.line, what));
            }
            continue;
        };
        let module = source.module().unwrap_or("agora");
        if there > here {
            let what = format!("module `{module}` imports `{target}`, which stands below it");
            findings.push(source.finding(path.line, what));
        }
        if HIDDEN.iter().any(|(name, hidden)| *name == module && hidden.contains(&&*target)) {
            let what = format!("module `{module}` must not see `{target}`");
            findings.push(source.finding(path.line, what));
        }
        if target == "pb" && module != "pb" && !source.file.ends_with(MESSAGES_SEEN_BY) {
            let what = "only files named wire.rs see the generated messages (`crate::pb`)";
            findings.push(source.finding(path.line, what));
        }
    }
    findings
}

/// The module that a path of this crate leads to: `crate::module`, `agora::module`, or enough `super`s.
fn target_module(source: &Source<'_>, path: &NamedPath) -> Option<String> {
    let supers = path.parts.iter().take_while(|part| *part == "super").count();
    let module = match path.parts.first().map(String::as_str) {
        Some("crate" | "agora") => path.parts.get(1),
        Some("super") if supers >= source.depth() + path.inline_modules => path.parts.get(supers),
        _ => None,
    };
    module.cloned()
}

/// Pure files see nothing of the world; their tests may.
fn purity(source: &Source<'_>) -> Vec<Finding> {
    let Some(module) = source.module() else { return Vec::new() };
    let worldly_files = PURE_BUT.iter().find(|(name, _)| *name == module).map(|(_, files)| *files);
    let second = source.file.split('/').nth(2).unwrap_or_default().trim_end_matches(".rs");
    let pure =
        PURE.contains(&module) || worldly_files.is_some_and(|files| !files.contains(&second));
    if !pure {
        return Vec::new();
    }
    let refused = |path: &NamedPath| {
        let parts: Vec<&str> = path.parts.iter().map(String::as_str).collect();
        let (first, last) = (parts.first().copied()?, parts.last().copied()?);
        let world = WORLD.iter().any(|world| parts.starts_with(world));
        let address = parts.starts_with(&["std", "net"]) && ADDRESSES.contains(&last);
        let word = parts.iter().any(|part| WORLDLY_WORDS.contains(part));
        let random = RANDOM_HASHERS.iter().any(|hasher| parts.ends_with(hasher));
        let logs = first == "log" && parts.get(1).is_some_and(|name| LOG_NAMES.contains(name));
        let prints = path.is_macro && PRINTS.contains(&last);
        ((world && !address) || word || random || logs || prints).then(|| parts.join("::"))
    };
    let findings = paths(&source.shipped).into_iter().filter_map(|path| {
        let named = refused(&path)?;
        Some(source.finding(path.line, format!("`{named}` in pure module `{module}`")))
    });
    findings.collect()
}

/// Each third-party crate is known where `CRATES` says, and nowhere else.
fn crates(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in paths(&source.code).iter().filter(|path| path.parts.len() > 1) {
        for (name, places) in CRATES {
            if path.parts[0] == *name && !places.iter().any(|place| source.file.starts_with(place))
            {
                let what = format!("only {} knows `{name}`", places.join(", "));
                findings.push(source.finding(path.line, what));
            }
        }
        let quick = path.parts[0] == "quick_protobuf";
        let may = matches!(source.module(), Some("pb" | "protobuf"))
            || source.file.ends_with(MESSAGES_SEEN_BY);
        if quick && !may {
            let what = "only pb, protobuf and wire.rs files know `quick_protobuf`";
            findings.push(source.finding(path.line, what));
        }
    }
    findings
}

/// Nothing that ships looks names up by the C library.
fn name_look_ups(source: &Source<'_>) -> Vec<Finding> {
    let refused = |path: &NamedPath| {
        let parts: Vec<&str> = path.parts.iter().map(String::as_str).collect();
        let named = parts.join("::");
        let looks_up = parts.iter().any(|part| NAME_LOOK_UPS.contains(part));
        let takes_names = NAME_TAKERS.iter().any(|taker| parts.ends_with(taker));
        let listed =
            |(file, call, _): &(&str, &str, &str)| *file == source.file && named.ends_with(call);
        (looks_up || (takes_names && !ADDRESSES_ALONE.iter().any(listed))).then_some(named)
    };
    let findings = paths(&source.shipped).into_iter().filter_map(|path| {
        let named = refused(&path)?;
        let what = format!("`{named}` looks names up by the C library: see `rpc::Resolver`");
        Some(source.finding(path.line, what))
    });
    findings.collect()
}

/// Nothing that ships makes files but through `src/files`.
fn file_makers(source: &Source<'_>) -> Vec<Finding> {
    if FILES_MADE_IN.iter().any(|(prefix, _)| source.file.starts_with(prefix)) {
        return Vec::new();
    }
    let makes = |path: &NamedPath| {
        let parts: Vec<&str> = path.parts.iter().map(String::as_str).collect();
        let named = parts.join("::");
        let listed =
            |(file, call, _): &(&str, &str, &str)| *file == source.file && named.contains(call);
        FILE_MAKERS.iter().any(|maker| parts.windows(maker.len()).any(|window| window == *maker))
            && !FILES_MADE_BY.iter().any(listed)
    };
    let findings = paths(&source.shipped).into_iter().filter(makes);
    findings
        .map(|path| {
            let what =
                format!("`{}` checks no modes and links: see `files`", path.parts.join("::"));
            source.finding(path.line, what)
        })
        .collect()
}

fn unsafety(source: &Source<'_>) -> Vec<Finding> {
    let listed = UNSAFE.iter().any(|(file, _)| *file == source.file);
    let words = paths(&source.code).into_iter();
    words
        .filter(|path| !listed && path.parts == ["unsafe"])
        .map(|path| source.finding(path.line, "`unsafe` in a file that is not on the list"))
        .collect()
}

/// No panic on a path that ships, but for the list.
fn panics(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in source.shipped.lines().enumerate() {
        let spelled = [".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "dbg!"];
        let listed = PANICS.iter().any(|(file, piece, _)| {
            let text = source.text.lines().nth(index).unwrap_or_default();
            *file == source.file && text.contains(piece)
        });
        for spelling in spelled.iter().filter(|spelling| line.contains(**spelling) && !listed) {
            let what = format!("`{spelling}` outside tests");
            findings.push(source.finding(index + 1, what));
        }
    }
    findings
}

/// No global state: a `static` that can change has no owner.
fn statics(source: &Source<'_>) -> Vec<Finding> {
    let changing = ["Mutex", "RwLock", "Atomic", "OnceLock", "LazyLock", "Cell<", "static mut"];
    let mut findings = Vec::new();
    for (index, line) in source.shipped.lines().enumerate() {
        let is_static = line.split_whitespace().any(|word| word == "static") && line.contains(':');
        let listed =
            |(file, piece, _): &(&str, &str, &str)| *file == source.file && line.contains(piece);
        if is_static
            && changing.iter().any(|word| line.contains(word))
            && !STATICS.iter().any(listed)
        {
            findings.push(source.finding(index + 1, "a static that changes: give it an owner"));
        }
    }
    findings
}

/// A test does not sleep: it polls until a deadline. `wait.rs` has the functions for both.
pub fn sleeps(file: &str, text: &str) -> Vec<Finding> {
    let sleeping = |path: &NamedPath| path.parts.ends_with(&["thread".into(), "sleep".into()]);
    let paths = paths(&code_only(text)).into_iter().filter(sleeping);
    paths
        .map(|path| Finding {
            file: file.to_owned(),
            line: path.line,
            what: "`thread::sleep` in a test: poll until a deadline, see test/support/wait.rs"
                .into(),
        })
        .collect()
}

/// No file above [`LONGEST`] lines.
pub fn length(file: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let what = format!("{lines} lines: split it by role, {LONGEST} is the limit");
    (lines > LONGEST).then(|| Finding { file: file.to_owned(), line: lines, what })
}

/// Modules are named for what they hold.
fn names(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(finding) = file_name(source.file) {
        findings.push(finding);
    }
    for (index, line) in source.code.lines().enumerate() {
        let declared = line.trim().trim_start_matches("pub ").strip_prefix("mod ");
        let name = declared.map(|rest| rest.trim_end_matches([';', '{', ' ']));
        if let Some(word) = name.and_then(empty_word) {
            findings.push(source.finding(index + 1, format!("a module named `{word}`")));
        }
    }
    findings
}

/// A file, in any language, whose name says nothing.
pub fn file_name(file: &str) -> Option<Finding> {
    let word = file.split('/').find_map(|part| empty_word(part.split('.').next()?))?;
    let what = format!("a file named `{word}`: say what it holds");
    Some(Finding { file: file.to_owned(), line: 1, what })
}

fn empty_word(name: &str) -> Option<&str> {
    let empty = ["util", "utils", "helper", "helpers", "manager", "managers", "common"];
    name.split(['_', '-']).find(|word| empty.contains(word))
}

/// Paths of one person's machine, in any file.
pub fn machine_paths(file: &str, text: &str) -> Vec<Finding> {
    // Spelled in two halves, or this file would find itself.
    let roots = [["/ro", "ot/"], ["/ho", "me/"], ["/Us", "ers/"], ["/wo", "rk/"], ["/tmp/w", "t/"]];
    let roots = roots.map(|halves| halves.concat());
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for root in roots.iter().filter(|root| begins_a_path(line, root)) {
            let what = format!("a path of one machine: `{root}`");
            findings.push(Finding { file: file.to_owned(), line: index + 1, what });
        }
    }
    findings
}

/// Whether `root` stands in the line as the start of an absolute path.
fn begins_a_path(line: &str, root: &str) -> bool {
    let before = |at: usize| line[..at].chars().next_back();
    line.match_indices(root)
        .any(|(at, _)| before(at).is_none_or(|c| !(c.is_alphanumeric() || "_-.~}".contains(c))))
}

/// Exceptions that no file needs any more: a list must not outlive its reasons.
pub fn unused_exceptions(files: &[(String, String)]) -> Vec<String> {
    let used = |file: &str, piece: &str| {
        files.iter().any(|(name, text)| name == file && text.contains(piece))
    };
    let unsafes = UNSAFE.iter().map(|(file, _)| (*file, "unsafe"));
    let lines = PANICS.iter().chain(STATICS).chain(ADDRESSES_ALONE).chain(FILES_MADE_BY);
    let lines = lines.map(|(file, piece, _)| (*file, *piece));
    unsafes
        .chain(lines)
        .filter(|(file, piece)| !used(file, piece))
        .map(|(file, piece)| format!("{file}: nothing there needs the exception for `{piece}`"))
        .collect()
}
