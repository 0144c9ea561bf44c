//! The tables of files in the documentation of modules name files that exist.

use super::rules::Finding;

/// Names in the first column of a table that begins with `| file |`, which are no file or folder
/// of the module. `exists` is told a path from the root of the repository, without an extension.
pub fn stale_names(file: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let stem = file.trim_end_matches(".rs");
    let folder = stem.strip_suffix("/mod").unwrap_or(stem);
    let mut findings = Vec::new();
    let mut in_table = false;
    for (index, line) in text.lines().enumerate() {
        let row = line.strip_prefix("//!").map(str::trim).filter(|row| row.starts_with('|'));
        let Some(row) = row else {
            in_table = false;
            continue;
        };
        in_table |= row.starts_with("| file |");
        let names = row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        // A name with another extension is a file that the module reads or writes.
        for name in names.filter(|name| in_table && !name.contains('.')) {
            if !exists(&format!("{folder}/{name}")) {
                let what = format!("the table names `{name}`, which is not in {folder}/");
                findings.push(Finding { file: file.to_owned(), line: index + 1, what });
            }
        }
    }
    findings
}

#[test]
fn a_stale_name_is_found() {
    let text = "//! | file | |\n//! |---|---|\n//! | `a`, `b` | two |\n\n//! | `c` | no file |\n";
    let found = stale_names("src/x/mod.rs", text, |path| path == "src/x/a");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "src/x/mod.rs:3: the table names `b`, which is not in src/x/");
}
