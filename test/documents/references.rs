//! Files that documents name exist: the targets of links, and paths between backticks.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders with files that people wrote.
const FOLDERS: [&str; 6] = [".config", "proto", "schemas", "scripts", "src", "test"];

/// Extensions by which a word between backticks is known as a path.
const EXTENSIONS: [&str; 6] = [".rs", ".py", ".md", ".proto", ".toml", ".protoset"];

/// All files below the folders and at the top, by path from the root.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    let top = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    found.extend(top.filter(|path| path.is_file()));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.iter().map(|path| path.strip_prefix(root).unwrap().to_owned()).collect()
}

/// The targets of links to files.
pub fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let files = targets.map(|(target, _)| target).filter(|target| !target.contains("://"));
    files.map(|target| target.split('#').next().unwrap_or(target)).collect()
}

/// Words between backticks, outside of blocks, that are paths of this repository.
pub fn named_paths(text: &str) -> Vec<&str> {
    let mut inside_block = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside_block = !inside_block;
        } else if !inside_block {
            found.extend(line.split('`').skip(1).step_by(2).filter(|word| is_path(word)));
        }
    }
    found
}

fn is_path(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let below =
        |folder: &&str| word.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
    plain
        && (FOLDERS.iter().any(below)
            || EXTENSIONS.iter().any(|end| word.ends_with(end) && word.len() > end.len()))
}

/// Whether a path of a document names a file or folder: from the root, or the end of a path.
pub fn exists(files: &[PathBuf], path: &str) -> bool {
    let path = Path::new(path.trim_end_matches('/'));
    files.iter().any(|file| file.starts_with(path) || file.ends_with(path))
}

#[test]
fn links_and_paths_are_found() {
    let text = "[a](b/c.md#d) [e](https://f) `src/g` `x.rs`\n```\n`no.rs`\n```\n`a b.rs` `.rs` `h`";
    assert_eq!(links(text), ["b/c.md"]);
    assert_eq!(named_paths(text), ["src/g", "x.rs"]);
    let files = [PathBuf::from("src/g/x.rs")];
    assert!(exists(&files, "src/g/") && exists(&files, "g/x.rs") && !exists(&files, "src/x.rs"));
}
