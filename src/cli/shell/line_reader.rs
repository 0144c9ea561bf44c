//! The shell's input lines, and notifications printed between them.

use std::io::{self, BufRead, IsTerminal};

/// Prints text from another thread without breaking the line being typed.
pub(in crate::cli) type NotificationPrinter = Box<dyn FnMut(String) + Send>;

/// A line of input.
pub(in crate::cli) enum InputLine {
    Text(String),
    /// Ctrl-C: the line is discarded. Without a line editor Ctrl-C ends the process.
    #[cfg(feature = "line-editor")]
    Interrupted,
    EndOfInput,
}

/// Reads lines, on a terminal with editing and history if the build has it.
pub(in crate::cli) enum LineReader {
    #[cfg(feature = "line-editor")]
    Editor(Box<rustyline::DefaultEditor>),
    /// `prompt`: the input is a terminal; otherwise a pipe or a file.
    Plain { prompt: bool },
}

impl LineReader {
    pub(in crate::cli) fn new() -> LineReader {
        let prompt = io::stdin().is_terminal() && io::stdout().is_terminal();
        #[cfg(feature = "line-editor")]
        if prompt {
            match rustyline::DefaultEditor::new() {
                Ok(editor) => return LineReader::Editor(Box::new(editor)),
                Err(error) => log::warn!("no line editing: {error}"),
            }
        }
        LineReader::Plain { prompt }
    }

    /// Whether the input is a terminal.
    pub(in crate::cli) fn is_interactive(&self) -> bool {
        match self {
            #[cfg(feature = "line-editor")]
            LineReader::Editor(_) => true,
            LineReader::Plain { prompt } => *prompt,
        }
    }

    /// Prints notifications while this reader waits for a line.
    pub(in crate::cli) fn notification_printer(&mut self) -> NotificationPrinter {
        #[cfg(feature = "line-editor")]
        if let LineReader::Editor(editor) = self {
            match editor.create_external_printer() {
                Ok(mut printer) => {
                    return Box::new(move |text| {
                        use rustyline::ExternalPrinter;
                        // An error means that the terminal is gone.
                        let _ = printer.print(text + "\n");
                    });
                }
                Err(error) => log::warn!("notifications will break the line: {error}"),
            }
        }
        Box::new(|text| drop(super::print_line(&text)))
    }

    /// The next line.
    pub(in crate::cli) fn read(&mut self, prompt: &str) -> io::Result<InputLine> {
        match self {
            #[cfg(feature = "line-editor")]
            LineReader::Editor(editor) => {
                use rustyline::error::ReadlineError;
                match editor.readline(prompt) {
                    Ok(line) => {
                        let _ = editor.add_history_entry(&line);
                        Ok(InputLine::Text(line))
                    }
                    Err(ReadlineError::Interrupted) => Ok(InputLine::Interrupted),
                    Err(ReadlineError::Eof) => Ok(InputLine::EndOfInput),
                    Err(ReadlineError::Io(error)) => Err(error),
                    Err(error) => Err(io::Error::other(error)),
                }
            }
            LineReader::Plain { prompt: shown } => {
                if *shown {
                    use io::Write;
                    let mut stdout = io::stdout().lock();
                    stdout.write_all(prompt.as_bytes())?;
                    stdout.flush()?;
                }
                let mut line = String::new();
                match io::stdin().lock().read_line(&mut line)? {
                    0 => Ok(InputLine::EndOfInput),
                    _ => Ok(InputLine::Text(line)),
                }
            }
        }
    }
}
