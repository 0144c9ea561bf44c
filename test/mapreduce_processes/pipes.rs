//! k-means in other engines, which pipe lines through commands: the same bits as `agora kmeans`.

use crate::kmeans::blobs;
use crate::processes::{AGORA, Folder};
use crate::seed::Seed;

/// Lines cut into pieces anywhere.
fn pieces(lines: &[&str], count: usize, seed: &mut Seed) -> Vec<String> {
    let mut cuts: Vec<usize> = (1..count).map(|_| seed.below(lines.len() + 1)).collect();
    cuts.extend([0, lines.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| lines[cut[0]..cut[1]].concat()).collect()
}

fn shuffled(text: &str, seed: &mut Seed) -> Vec<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for last in (1..lines.len()).rev() {
        lines.swap(last, seed.below(last + 1));
    }
    lines
}

fn succeed(folder: &Folder, arguments: &[&str], stdin: &str) -> String {
    let output = folder.feed(arguments, stdin);
    assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
    output.stdout
}

const FIRST: &str = "1,2,3\n4,5,6\n-200,10,3e1\n300,-300,1\n";

#[test]
fn the_centroids_do_not_depend_on_the_engine() {
    let points = blobs(11, 2_000);
    let folder = Folder::new();
    folder.file("blobs.csv", &points);
    folder.file("first.txt", FIRST);
    let line = ["kmeans", "--input", "blobs.csv", "--init", "first.txt", "--iterations", "6"];
    let expected = folder.succeed(&[&line[..], &["-q", "-m", "3", "-r", "2"]].concat()).stdout;
    let lines: Vec<&str> = points.split_inclusive('\n').collect();
    let mut seed = Seed::new(12);
    folder.file("now.txt", FIRST);
    for _ in 0..6 {
        let map = ["kmeans-map", "--centroids", "now.txt"];
        let mapped: Vec<String> = pieces(&lines, 5, &mut seed)
            .iter()
            .map(|piece| succeed(&folder, &map, piece))
            .collect();
        // Some lines are combined, all are shuffled, and reduced in one or two pieces.
        let combined = succeed(&folder, &["kmeans-reduce"], &mapped[..3].concat());
        let all = shuffled(&[&combined[..], &mapped[3..].concat()].concat(), &mut seed);
        let reduced: String =
            pieces(&all.iter().map(String::as_str).collect::<Vec<_>>(), 2, &mut seed)
                .iter()
                .map(|piece| succeed(&folder, &["kmeans-reduce"], piece))
                .collect();
        let output = folder.feed(&["kmeans-reduce", "--step", "now.txt"], &reduced);
        assert!(output.stderr.contains("points 2000  shift "), "{}", output.stderr);
        folder.file("now.txt", output.stdout);
    }
    assert_eq!(folder.read("now.txt"), expected);
}

#[test]
fn kmeans_map_and_kmeans_reduce_work_in_hadoop_streaming() {
    let folder = Folder::new();
    folder.file("blobs.csv", blobs(13, 1_000));
    folder.file("now.txt", FIRST);
    let line = ["kmeans", "--input", "blobs.csv", "--init", "now.txt", "--iterations", "3", "-q"];
    let expected = folder.succeed(&line).stdout;
    let mapper = format!("{AGORA} kmeans-map --centroids now.txt");
    let reducer = format!("{AGORA} kmeans-reduce");
    for (maps, reduces) in [("1", "1"), ("4", "3"), ("2", "2")] {
        let line =
            ["mapreduce", "--input", "blobs.csv", "--mapper", &mapper, "--reducer", &reducer];
        let more = ["-m", maps, "-r", reduces, "--output", "-", "-q", "--data", "Iteration"];
        let reduced = folder.succeed(&[&line[..], &more].concat()).stdout;
        folder.file("now.txt", succeed(&folder, &["kmeans-reduce", "--step", "now.txt"], &reduced));
    }
    assert_eq!(folder.read("now.txt"), expected);
}

#[test]
fn the_lines_have_the_documented_format() {
    let folder = Folder::new();
    folder.file("now.txt", "0,0\n10,10\n50,50\n");
    let map = ["kmeans-map", "--centroids", "now.txt"];
    let mapped = succeed(&folder, &map, "1,2\r\n\n 9.5 , +1e1 \n0.25,0");
    assert_eq!(mapped, "0\t2 5p-2 1p1\n1\t1 19p-1 5p1\nsquares\t3125p-4\n");
    assert_eq!(succeed(&folder, &map, ""), "");
    assert_eq!(succeed(&folder, &["kmeans-reduce"], ""), "");
    let twice = succeed(&folder, &["kmeans-reduce"], &[&mapped[..], &mapped].concat());
    assert_eq!(twice, "0\t4 5p-1 1p2\n1\t2 19 5p2\nsquares\t3125p-3\n");
    let stepped = folder.feed(&["kmeans-reduce", "--step", "now.txt"], &twice);
    assert_eq!(stepped.stdout, "0.625,1.0\n9.5,10.0\n50.0,50.0\n");
    assert!(stepped.stderr.contains("points 6 ") && stepped.stderr.contains("without points 1"));
    let skipping = [&map[..], &["--skip-bad", "--delimiter", ";"]].concat();
    let skipped = folder.feed(&skipping, "1;2\nx;2\n1,2\n");
    assert_eq!(skipped.stdout, "0\t1 1 1p1\nsquares\t5\n");
    assert_eq!(skipped.stderr, "reporter:counter:k-means,skipped lines,2\n");
}

#[test]
fn errors_name_the_line() {
    let folder = Folder::new();
    folder.file("now.txt", "0\n9\n");
    let long = "7\n".repeat(1_100_000);
    let (map, reduce) = (["kmeans-map", "--centroids", "now.txt"], ["kmeans-reduce"]);
    let step = ["kmeans-reduce", "--step", "now.txt"];
    for (arguments, stdin, words) in [
        (&map[..], "1\n2,3\n", "stdin, line 2, column 1: 2 coordinates instead of 1"),
        (&map, &format!("{long}8\n7x\n{long}"), "stdin, line 1100002, column 2: "),
        (&reduce, "0\t1 5\n0\t1\n", "stdin, line 2: not a partial sum"),
        (&reduce, "0\t1 5\n0\t1 5 5\n", "stdin, line 2: 2 coordinates instead of 1"),
        (&reduce, "0\t1 5\n\n", "stdin, line 2: not a partial sum"),
        (&step, "2\t1 5\n", "a partial sum is of cluster 2, and there are 2"),
        (&step, "0\t1 5 5\n", "2 coordinates instead of 1"),
        (&step, "", "there are no points"),
        (&["kmeans-map", "--centroids", "missing"], "1\n", "missing: No such file"),
    ] {
        let output = folder.feed(arguments, stdin);
        assert_eq!((output.code, &output.stdout[..]), (Some(1), ""), "{arguments:?}");
        assert!(output.stderr.contains(words), "{arguments:?}: {}", output.stderr);
    }
    for arguments in [&["kmeans-map"][..], &["kmeans-map", "x"], &["kmeans-reduce", "x"]] {
        assert_eq!(folder.feed(arguments, "").code, Some(2), "{arguments:?}");
    }
}
