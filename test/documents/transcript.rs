//! The fenced blocks of a Markdown document, and the commands of a transcript.

/// A fenced block.
pub struct Block<'t> {
    /// The word behind the opening fence, empty if there is none.
    pub language: &'t str,
    /// The number of its first line, from 1.
    pub line: usize,
    pub lines: Vec<&'t str>,
}

/// A command of a transcript with the output that it must have.
#[derive(Debug)]
pub struct Command {
    /// The number of its line in the document, from 1.
    pub line: usize,
    pub text: String,
    pub output: Vec<String>,
}

/// All fenced blocks in the order of the document.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language, line: index + 2, lines: Vec::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

impl Block<'_> {
    /// The commands of a transcript. A command whose line ends with a backslash goes on in the next
    /// line; the lines up to the next `$ ` are its output.
    pub fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let continued = |command: &Command| {
                command.output.is_empty() && command.text.trim_end().ends_with('\\')
            };
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(text), _) => commands.push(Command {
                    line: self.line + index,
                    text: text.to_owned(),
                    output: Vec::new(),
                }),
                (None, Some(last)) if continued(last) => {
                    last.text.push('\n');
                    last.text.push_str(line);
                }
                (None, Some(last)) => last.output.push((*line).to_owned()),
                (None, None) => panic!("line {}: output before any command", self.line + index),
            }
        }
        commands
    }
}

impl Command {
    /// Whether it leaves a process running: its output may come a little later, in any order.
    pub fn is_background(&self) -> bool {
        self.text.trim_end().ends_with('&') || self.text.contains("& done")
    }

    /// Whether it changes nothing, so that it may be repeated.
    pub fn only_reads_files(&self) -> bool {
        ["tail ", "cat ", "grep "].iter().any(|program| self.text.starts_with(program))
    }

    /// Whether the document shows it failing.
    pub fn fails(&self) -> bool {
        self.output.iter().any(|line| line.starts_with("FAIL") || line.starts_with("ERROR"))
    }
}

#[test]
fn a_transcript_is_commands_with_their_output() {
    let text = "words\n```console\n$ one\\\n  more\nout\n$ two &\n```\n```\npicture\n```\n";
    let blocks = blocks(text);
    let found: Vec<_> = blocks.iter().map(|block| (block.language, block.line)).collect();
    assert_eq!(found, [("console", 3), ("", 9)]);
    let commands = blocks[0].commands();
    assert_eq!(commands[0].text, "one\\\n  more");
    assert_eq!(commands[0].output, ["out"]);
    assert_eq!((commands[1].line, commands[1].is_background()), (6, true));
}
