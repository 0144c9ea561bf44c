//! Where the shell's lines come from, and how notifications get between them.

use std::io::{self, BufRead, IsTerminal};

/// Prints text from another thread without harm to the line being typed.
pub(in crate::cli) type NotificationPrinter = Box<dyn FnMut(String) + Send>;

/// A line of input.
pub(in crate::cli) enum InputLine {
    Text(String),
    /// Ctrl-C: the person gave the line up. Without an editor Ctrl-C ends the process.
    #[cfg(feature = "line-editor")]
    Interrupted,
    EndOfInput,
}

/// Reads lines: with editing and history on a terminal if the build has it, plain otherwise.
pub(in crate::cli) enum LineReader {
    #[cfg(feature = "line-editor")]
    Editor(Box<rustyline::DefaultEditor>),
    /// With `prompt` a person types on a terminal; without, a script writes to a pipe.
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

    /// Whether a person types.
    pub(in crate::cli) fn is_interactive(&self) -> bool {
        match self {
            #[cfg(feature = "line-editor")]
            LineReader::Editor(_) => true,
            LineReader::Plain { prompt } => *prompt,
        }
    }

    /// What prints notifications beside this reader.
    pub(in crate::cli) fn notification_printer(&mut self) -> NotificationPrinter {
        #[cfg(feature = "line-editor")]
        if let LineReader::Editor(editor) = self {
            match editor.create_external_printer() {
                Ok(mut printer) => {
                    return Box::new(move |text| {
                        use rustyline::ExternalPrinter;
                        // The terminal is gone: so is the person.
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
