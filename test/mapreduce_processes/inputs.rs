//! Several input files, files that change, and different versions: the result is right, or an error
//! names the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::kmeans::blobs;
use crate::processes::{Folder, Worker, some_text};
use crate::seed::Seed;

/// Changes one byte far from the ends of splits.
fn edit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 12 * 7;
    let at = middle + bytes[middle..].iter().position(u8::is_ascii_digit).unwrap();
    bytes[at] = if bytes[at] == b'7' { b'3' } else { b'7' };
    fs::write(path, bytes).unwrap();
}

#[test]
fn an_inverted_index_over_ten_files_names_the_files_of_each_word() {
    let folder = Folder::new();
    let mut seed = Seed::new(41);
    let mut index: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut names = Vec::new();
    for number in 0..10 {
        let name = format!("doc{number}.txt");
        // Files of all sizes, one without a newline at its end.
        let words = (0..1 + number * number * 30).map(|_| format!("w{}", seed.below(3_000)));
        let words: Vec<String> = words.collect();
        for word in &words {
            index.entry(word.clone()).or_default().insert(name.clone());
        }
        folder
            .file(&name, words.chunks(7).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n"));
        names.push(name);
    }
    folder.file("empty.txt", "");
    names.insert(4, "empty.txt".into());
    let line = |(word, files): (&String, &BTreeSet<String>)| {
        format!("{word}\t{}\n", files.iter().cloned().collect::<Vec<_>>().join(" "))
    };
    let expected: String = index.iter().map(line).collect();
    let mapper = r#"awk -v f="$map_input_file" '{ for (i = 1; i <= NF; i++) print $i "\t" f }'"#;
    let reducer = "LC_ALL=C sort -u | awk -F '\t' '$1 != w { if (w) print w \"\\t\" f; w = $1; f = $2; \
                   next } { f = f \" \" $2 } END { if (w) print w \"\\t\" f }'";
    let line = ["mapreduce", "--mapper", mapper, "--reducer", reducer, "--output", "-", "-q"];
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    for maps in ["1", "4", "10", "23"] {
        let output = folder.succeed(&[&line[..], &["-m", maps], &files].concat());
        assert!(output.stdout == expected, "-m {maps}");
    }
}

#[test]
fn a_join_over_ten_files_joins_what_belongs_together() {
    let folder = Folder::new();
    let mut seed = Seed::new(42);
    let (mut names, mut expected) = (Vec::new(), Vec::new());
    let people: Vec<(usize, String)> = (0..400).map(|id| (id, format!("person {id}"))).collect();
    for (number, people) in people.chunks(80).enumerate() {
        let lines: Vec<String> = people.iter().map(|(id, name)| format!("{id},{name}\n")).collect();
        names.push(format!("people-{number}.csv"));
        folder.file(names.last().unwrap(), lines.concat());
        let mut orders = String::new();
        for order in 0..200 {
            let (id, name) = seed
                .pick(&(0..400).map(|id| (id, format!("person {id}"))).collect::<Vec<_>>())
                .clone();
            let order = 1000 * number + order;
            orders.push_str(&format!("{order},{id}\n"));
            expected.push(format!("{name}\t{order}"));
        }
        names.push(format!("orders-{number}.csv"));
        folder.file(names.last().unwrap(), orders);
    }
    expected.sort();
    let mapper = r#"case $map_input_file in
        people*) awk -F , '{ print $1 "\tA" $2 }';;
        orders*) awk -F , '{ print $2 "\tB" $1 }';;
        *) exit 3;; esac"#;
    let reducer = r#"LC_ALL=C sort | awk -F '\t' '
        substr($2, 1, 1) == "A" { name = substr($2, 2); next }
        { print name "\t" substr($2, 2) }'"#;
    let line = ["mapreduce", "--mapper", mapper, "--reducer", reducer, "--output", "-", "-q"];
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    for (maps, reduces) in [("2", "1"), ("10", "3"), ("17", "2")] {
        let output = folder.succeed(&[&line[..], &["-m", maps, "-r", reduces], &files].concat());
        let mut found: Vec<&str> = output.stdout.lines().collect();
        found.sort_unstable();
        assert!(found == expected, "-m {maps} -r {reduces}");
    }
}

#[test]
fn an_edit_in_the_middle_of_a_job_ends_it() {
    for more in [&[][..], &["--no-cache"], &["--no-labels"]] {
        let folder = Folder::new();
        let path = folder.file("blobs.csv", blobs(11, 2_000));
        let line = ["kmeans", "--input", "blobs.csv", "-k", "5", "-m", "2", "--iterations", "5"];
        let mut job = folder.start(&[&line[..], &["--task-delay", "0.1"], more].concat());
        job.lines.wait_for("iteration   2");
        edit(&path);
        let output = job.lines.rest();
        assert_eq!(job.child.wait().unwrap().code(), Some(1), "{more:?}: {output}");
        assert!(
            output.contains("agora: ") && output.contains("blobs.csv: it was changed"),
            "{output}"
        );
        assert!(!folder.has("Data/labels.txt") && !folder.has("Data/centroids.txt"), "{more:?}");
    }
}

#[test]
fn a_file_that_is_touched_but_not_changed_is_the_same() {
    let folder = Folder::new();
    let path = folder.file("blobs.csv", blobs(12, 2_000));
    let line = ["kmeans", "--input", "blobs.csv", "-k", "5", "--iterations", "5"];
    folder.succeed(&[&line[..], &["-m", "3"]].concat());
    let expected = folder.read("Data/labels.txt");
    for more in [&[][..], &["--no-cache"]] {
        let mut job =
            folder.start(&[&line[..], &["-m", "2", "--task-delay", "0.1"], more].concat());
        job.lines.wait_for("iteration   2");
        // It is replaced by a copy.
        let copy = folder.file("copy.csv", fs::read(&path).unwrap());
        fs::rename(copy, &path).unwrap();
        job.succeed();
        assert!(folder.read("Data/labels.txt") == expected);
    }
}

#[test]
fn a_worker_with_another_version_ends_the_job() {
    let (text, expected) = some_text(43, 200_000);
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    folder.file("a.txt", &text);
    let path = elsewhere.file("a.txt", &text);
    edit(&path);
    let succeed = Worker::start(&folder, "mapper", &["--data", "mapper"]);
    let other = Worker::start(&elsewhere, "mapper", &[]);
    let addresses = format!("{},{}", succeed.address, other.address);
    let line = ["wordcount", "a.txt", "--mappers", &addresses, "-q"];
    // The second worker has the second split, which differs.
    for more in [&["-m", "2"][..], &["-m", "3"], &["-m", "3", "--ship"]] {
        let output = folder.run(&[&line[..], more].concat());
        assert_eq!(output.code, Some(1), "{more:?}: {}", output.stderr);
        let words = format!(
            ": a.txt: its content here differs from the master's (on M2, {}; ",
            other.address
        );
        assert!(output.stderr.contains(&words), "{}", output.stderr);
        assert!(!folder.has("Data/output.txt"));
    }
    // The master sends the missing split.
    std::fs::remove_file(&path).unwrap();
    folder.succeed(&[&line[..], &["-m", "3", "--ship"]].concat());
    assert_eq!(folder.read("Data/output.txt"), expected);
    assert!(files_in_split(&elsewhere) > 0);
}

/// The number of splits that a worker was sent.
fn files_in_split(folder: &Folder) -> usize {
    (1..=3).filter(|map| folder.has(&format!("Data/Mappers/M{map}/split.txt"))).count()
}

#[test]
fn an_edit_before_a_job_is_resumed_is_an_error() {
    let folder = Folder::new();
    let original = blobs(14, 2_000);
    folder.file("a.csv", blobs(15, 100));
    let path = folder.file("blobs.csv", &original);
    let line = ["kmeans", "--input", "a.csv", "--input", "blobs.csv", "-k", "6", "-m", "3"];
    let more = ["--iterations", "12", "--task-delay", "0.05"];
    let line = [&line[..], &more].concat();
    folder.succeed(&line);
    let expected = folder.read("Data/labels.txt");
    let mut job = folder.start(&line);
    job.lines.wait_for("iteration   4");
    job.child.kill().unwrap();
    drop(job);
    let resume = [&line[..], &["--resume", "-q"]].concat();
    let refused = |words: &str| {
        let output = folder.run(&resume);
        assert_eq!(output.code, Some(1), "{}", output.stderr);
        assert!(output.stderr.contains(words), "{words}: {}", output.stderr);
        assert!(
            output.stderr.contains("without --resume the job begins anew"),
            "{}",
            output.stderr
        );
        assert!(folder.has("Data/checkpoint.txt"), "the checkpoint is still there");
    };
    edit(&path);
    refused("checkpoint.txt: blobs.csv was changed since then");
    fs::write(&path, format!("{original}1,2,3\n")).unwrap();
    refused("checkpoint.txt: blobs.csv had ");
    fs::write(&path, &original).unwrap();
    folder.succeed(&resume);
    assert!(folder.read("Data/labels.txt") == expected);
    assert!(folder.read("Data/dump.txt").contains("Resumed"));
}

#[test]
fn results_of_another_job_are_overwritten_only_on_request() {
    let folder = Folder::new();
    folder.file("a.csv", "1,1\n1,2\n9,9\n9,8\n");
    folder.file("b.csv", "5,5\n5,6\n7,7\n");
    let kmeans = ["kmeans", "--input", "a.csv", "-k", "2", "-q"];
    folder.succeed(&kmeans);
    let labels = folder.read("Data/labels.txt");
    for other in
        [&["wordcount", "a.csv", "-q"][..], &["kmeans", "--input", "b.csv", "-k", "2", "-q"]]
    {
        let output = folder.run(other);
        assert_eq!(output.code, Some(1), "{other:?}");
        let words = "agora: Data: it has centroids.txt of kmeans of ";
        assert!(output.stderr.starts_with(words), "{}", output.stderr);
        assert!(output.stderr.contains("--force"), "{}", output.stderr);
        assert_eq!(folder.read("Data/labels.txt"), labels);
    }
    // The same job with other parameters, and a prediction.
    folder.succeed(&["kmeans", "--input", "a.csv", "-k", "3", "-q"]);
    let predict = ["kmeans", "--predict", "b.csv", "--centroids", "Data/centroids.txt", "-q"];
    assert_eq!(folder.succeed(&predict).stdout.lines().count(), 3);
    assert!(folder.has("Data/Reducers/R1.txt"), "the clustering's files are as they were");
    folder.succeed(&["wordcount", "a.csv", "-q", "--force"]);
    assert!(!folder.has("Data/labels.txt") && folder.has("Data/output.txt"));
    folder.succeed(&["wordcount", "a.csv", "-q", "-m", "1"]);
    // Another directory is not affected.
    folder.succeed(&["kmeans", "--input", "b.csv", "-k", "2", "-q", "--data", "Other"]);
}

#[test]
fn an_overflowing_error_is_reported() {
    let folder = Folder::new();
    folder.file("a.csv", "1e200,1\n-1e200,2\n3e200,5\n0,0\n");
    let output = folder.succeed(&["kmeans", "--input", "a.csv", "-k", "2", "-q"]);
    assert!(output.stderr.contains("distances overflowed"), "{}", output.stderr);
    folder.file("b.csv", "1e150,1\n-1e150,2\n0,0\n");
    let output = folder.succeed(&["kmeans", "--input", "b.csv", "-k", "2", "-q", "--data", "b"]);
    assert_eq!(output.stderr, "");
}
